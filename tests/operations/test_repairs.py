"""Repairing a file: all of it or nothing, and nothing but what was wrong."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from osiris.errors import UsageError
from osiris.findings import Safety
from osiris.manifest.text import canonical_yaml
from osiris.operations import Project, repair_pipeline, validate_pipeline

FAULTY = """\
oml_version: "0.1.0"
nmae: x   # the name
steps:
  - {id: a, component: filesystem.csv_extractor, config: {path: a.csv}}
  - id: w
    component: filesystem.csv_writer
    inputs: {df: "${a.df}"}
    config: {path: w.csv, write_mod: replaced}
"""
MENDED = FAULTY.replace("nmae", "name").replace("write_mod:", "write_mode:")

CHECKER = """\
from pathlib import Path
from osiris.core import ConfigProblem

class PickyDriver:
    def check(self, config, input_names):
        %s
        return [ConfigProblem("rows", "OML013", "This driver likes nothing.")]

    def run(self, *, step_id, config, inputs, ctx):
        return {}
"""


@pytest.fixture
def file(project: Path) -> Path:
    (project / "osiris.yaml").touch()
    (project / "p.yaml").write_text(FAULTY, encoding="utf-8")
    return project / "p.yaml"


def repair(file: Path, **options: Any) -> Any:
    return repair_pipeline(Project.find(file.parent), file, **options)


def picky(root: Path, also: str = "pass", secrets: Sequence[str] = ()) -> None:
    """A component whose driver finds fault with every config, and does something else on the way."""
    folder = root / "components" / "acme.picky"
    folder.mkdir(parents=True)
    schema = {"type": "object", "properties": {"rows": {"type": ["integer", "string"]}, "header": {}}}
    schema |= {"additionalProperties": False} if secrets else {}
    spec = {
        "name": "acme.picky",
        "version": "1.0.0",
        "title": "Picky",
        "modes": ["extract"],
        "outputs": ["df"],
        "x-connection": "none",
        "configSchema": schema,
        "secrets": list(secrets),
        "x-runtime": {"driver": "./driver.py:PickyDriver", "checks": True},
    }
    (folder / "spec.yaml").write_text(canonical_yaml(spec), encoding="utf-8")
    (folder / "driver.py").write_text(CHECKER % also, encoding="utf-8")


def test_what_is_safe_is_mended_and_the_rest_is_told(file: Path) -> None:
    result = repair(file)
    assert file.read_text(encoding="utf-8") == MENDED
    assert (result.written, result.failed) == (True, [])
    assert [(f.code, f.mark.line) for f in result.applied] == [("OML011", 2), ("CMP003", 8)]
    (left,) = result.findings
    assert (left.code, left.patch.safety) == ("CMP005", Safety.NEEDS_REVIEW)
    assert not result.is_valid


def test_the_difference_is_what_is_written(file: Path) -> None:
    shown = repair(file, write=False)
    assert (file.read_text(encoding="utf-8"), shown.written) == (FAULTY, False)
    assert shown.findings == validate_pipeline(Project.find(file.parent), file).findings
    assert shown.diff.splitlines()[:5] == [
        "--- p.yaml",
        "+++ p.yaml",
        "@@ -1,8 +1,8 @@",
        ' oml_version: "0.1.0"',
        "-nmae: x   # the name",
    ]
    assert shown.applied == (done := repair(file)).applied
    assert shown.diff == done.diff


def test_a_file_without_safe_patches_is_not_touched(file: Path) -> None:
    repair(file)
    before = file.stat()
    result = repair(file)
    assert (result.written, result.applied, result.diff) == (False, [], "")
    assert file.stat() == before


def test_owner_rights_and_links_stay(file: Path) -> None:
    file.chmod(0o640)
    link = file.with_name("link.yaml")
    link.symlink_to(file.name)
    result = repair(link)
    assert (result.written, link.is_symlink()) == (True, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert file.read_text(encoding="utf-8") == MENDED


def test_a_patch_that_does_not_help_stops_all(file: Path) -> None:
    picky(file.parent)
    step = "  - {id: p, component: acme.picky, config: {rows: v0.1}}\n"
    file.write_text(FAULTY + step, encoding="utf-8")
    result = repair(file)
    assert file.read_text(encoding="utf-8") == FAULTY + step
    assert (result.written, result.applied, result.diff) == (False, [], "")
    assert [(failure.finding.code, failure.reason) for failure in result.failed] == [
        ("OML013", "it does not remove its finding")
    ]
    assert {"OML011", "CMP003"} < {finding.code for finding in result.findings}


def test_a_patch_that_cannot_be_placed_leaves_the_others(file: Path) -> None:
    order = (
        "  - id: q\n    component: filesystem.csv_extractor\n    needs: >-\n      a\n    config: {path: q}\n"
    )
    file.write_text(FAULTY + order, encoding="utf-8")
    result = repair(file)
    assert file.read_text(encoding="utf-8") == MENDED + order
    assert (result.written, len(result.applied)) == (True, 2)
    assert [(f.finding.pointer, f.reason) for f in result.failed] == [
        ("/steps/2/needs", "the text has several lines")
    ]
    assert result.to_dict()["failed"][0]["reason"] == "the text has several lines"


def test_a_file_that_changes_meanwhile_is_left_as_it_is(file: Path) -> None:
    picky(file.parent, also='Path("p.yaml").write_bytes(Path("p.yaml").read_bytes() + b"#")')
    file.write_text(FAULTY + "  - {id: p, component: acme.picky, config: {rows: many}}\n", encoding="utf-8")
    with pytest.raises(UsageError) as error:
        repair(file)
    assert error.value.code == "USE005"
    assert "nmae" in file.read_text(encoding="utf-8")
    assert sorted(path.name for path in file.parent.glob("*.part")) == []


SECRETS = {
    "under a telling key": "password: hunter2-canary",
    "in quotes": "password: 'hunter2-canary'",
    "as long as a word": "password: hun",
    "in a block": "password:\n        - hunter2-canary\n        - other: hunter2-canary",
    "in a block text": "password: |\n        hunter2-canary\n        hunter2-canary",
    "under a key that is misspelt": "haeder: hunter2-canary",
    "in a URL": "rows: mysql://me:hunter2-canary@host/",
    "in a comment": "rows: 5 # password=hunter2-canary",
    "in a comment of its own": "# token: hunter2-canary",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_difference_shows_no_secret(file: Path, secret: str) -> None:
    picky(file.parent, secrets=["/header"])
    step = f"  - id: p\n    component: acme.picky\n    confg:\n      {secret}\n    retyr: {{}}\n"
    file.write_text(FAULTY + step, encoding="utf-8")
    result = repair(file, write=False)
    assert "+    config:" in result.diff
    assert "hun" not in result.diff


def test_a_parameter_of_the_command_line_is_no_matter_of_the_file(file: Path) -> None:
    result = repair(file, params={"sorce": "x"})
    assert "OML027" in {finding.code for finding in result.findings}
    assert file.read_text(encoding="utf-8") == MENDED
