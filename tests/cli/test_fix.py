"""`osiris validate --fix` and `--diff`: what a person reads, what a program reads, and the exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

FAULTY = """\
oml_version: "0.1.0"
nmae: copy   # its name
steps:
  - {id: read, component: filesystem.csv_extractor, config: {path: a.csv}}
  - {id: write, component: filesystem.csv_writer, inputs: {df: read.df}, config: {path: out.csv}}
"""
MENDED = FAULTY.replace("nmae", "name").replace("read.df", '"${read.df}"')
HALF = FAULTY.replace("path: out.csv", "file: out.csv")

DIFF = """\
--- p.yaml
+++ p.yaml
@@ -1,5 +1,5 @@
 oml_version: "0.1.0"
-nmae: copy   # its name
+name: copy   # its name
 steps:
   - {id: read, component: filesystem.csv_extractor, config: {path: a.csv}}
-  - {id: write, component: filesystem.csv_writer, inputs: {df: read.df}, config: {path: out.csv}}
+  - {id: write, component: filesystem.csv_writer, inputs: {df: "${read.df}"}, config: {path: out.csv}}
"""


@pytest.fixture
def file(project: Path) -> Path:
    (project / "osiris.yaml").touch()
    (project / "p.yaml").write_text(FAULTY, encoding="utf-8")
    return project / "p.yaml"


def test_a_finding_shows_what_would_mend_it(file: Path, command: Any) -> None:
    answer = command("validate", "p.yaml")
    assert (answer.code, answer.out) == (3, "p.yaml is not valid: 3 errors\n")
    assert "      fix: rename 'nmae' to 'name'  (safe)\n" in answer.err
    assert '      fix: change read.df to "${read.df}"  (safe)\n' in answer.err
    assert file.read_text(encoding="utf-8") == FAULTY


def test_fixing_says_what_it_did_and_what_is_left(file: Path, command: Any) -> None:
    file.write_text(HALF, encoding="utf-8")
    answer = command("validate", "p.yaml", "--fix")
    assert (answer.code, answer.out) == (3, "p.yaml is not valid: 1 error\n")
    first, second, place, *_ = answer.err.splitlines()
    assert first == "p.yaml:2:1  fixed OML011  rename 'nmae' to 'name'"
    assert second == 'p.yaml:5:64  fixed OML026  change read.df to "${read.df}"'
    assert place.startswith("p.yaml:5:88  error CMP003  ")
    assert "      fix: rename 'file' to 'path'  (needs-review)\n" in answer.err


def test_a_file_that_is_valid_after_it_is_a_success(file: Path, command: Any) -> None:
    assert command("validate", "p.yaml", "--fix")[:2] == (0, "p.yaml is valid\n")
    assert file.read_text(encoding="utf-8") == MENDED
    assert command("validate", "p.yaml", "--fix") == (0, "p.yaml is valid\n", "")


def test_a_difference_alone_writes_nothing(file: Path, command: Any) -> None:
    answer = command("validate", "p.yaml", "--diff")
    assert (answer.code, answer.out) == (3, DIFF + "p.yaml is not valid: 3 errors\n")
    assert "p.yaml:2:1  would fix OML011  rename 'nmae' to 'name'\n" in answer.err
    assert file.read_text(encoding="utf-8") == FAULTY


def test_a_difference_of_what_was_fixed(file: Path, command: Any) -> None:
    assert command("validate", "p.yaml", "--fix", "--diff")[:2] == (0, DIFF + "p.yaml is valid\n")


def test_fixing_as_json_is_one_document(file: Path, command: Any) -> None:
    answer = command("validate", "p.yaml", "--fix", "--json")
    document = answer.document
    assert (answer.code, answer.err) == (0, "")
    assert [document[key] for key in ("file", "valid", "written", "failed", "findings", "diff")] == [
        *("p.yaml", True, True, [], []),
        DIFF,
    ]
    assert [applied["patch"] for applied in document["applied"]] == [
        {
            "title": "rename 'nmae' to 'name'",
            "safety": "safe",
            "operations": [{"op": "move", "from": "/nmae", "path": "/name"}],
        },
        {
            "title": 'change read.df to "${read.df}"',
            "safety": "safe",
            "operations": [{"op": "replace", "path": "/steps/1/inputs/df", "value": "${read.df}"}],
        },
    ]


def test_a_difference_as_json_tells_of_the_file_as_it_is(file: Path, command: Any) -> None:
    document = command("validate", "p.yaml", "--diff", "--json").document
    assert (document["valid"], document["written"], document["diff"]) == (False, False, DIFF)
    assert (len(document["findings"]), len(document["applied"])) == (3, 2)


def test_a_patch_that_cannot_be_placed_is_told(file: Path, command: Any) -> None:
    file.write_text(
        FAULTY + "  - id: q\n    component: filesystem.csv_extractor\n    needs: >-\n      read\n"
    )
    answer = command("validate", "p.yaml", "--fix")
    line = "p.yaml:8:12  not fixed OML012  change read to [read]: the text has several lines\n"
    assert line in answer.err


@pytest.mark.parametrize("arguments", [("--fix",), ("--diff",), ("--fix", "--json")])
@pytest.mark.parametrize(
    "content", [b"", b"a: [", b"[1, 2]", b"\xff", b"a: &a [x]\nb: *a\n", b"x: " + b"[" * 3000]
)
def test_what_is_no_pipeline_is_left_as_it_is(
    file: Path, command: Any, content: bytes, arguments: tuple[str, ...]
) -> None:
    file.write_bytes(content)
    assert command("validate", "p.yaml", *arguments).code == 3
    assert file.read_bytes() == content


def test_a_missing_file_is_a_usage_error(file: Path, command: Any) -> None:
    assert command("validate", "gone.yaml", "--fix").code == 2


def test_windows_line_ends_drive_no_terminal(file: Path, command: Any) -> None:
    file.write_bytes(FAULTY.replace("\n", "\r\n").encode())
    answer = command("validate", "p.yaml", "--fix", "--diff")
    assert answer.out == DIFF + "p.yaml is valid\n"
    assert file.read_bytes() == MENDED.replace("\n", "\r\n").encode()


def test_a_hostile_text_drives_no_terminal(file: Path, command: Any) -> None:
    hostile = FAULTY.replace("# its name", "# \u202eeman\u009b31m")
    file.write_text(hostile, encoding="utf-8")
    for arguments in (("--diff",), ("--diff", "--json")):
        answer = command("validate", "p.yaml", *arguments)
        assert not any(char in answer.out + answer.err for char in "\u202e\x9b\x1b")
