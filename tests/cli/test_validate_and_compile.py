"""`osiris validate`, `compile` and `schema`: what a person reads, what a program reads, and the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

GOOD = """\
oml_version: "0.1.0"
name: copy
params: {source: {default: a}}
steps:
  - {id: read, component: filesystem.csv_extractor, config: {path: "${params.source}.csv"}}
  - {id: write, component: filesystem.csv_writer, inputs: {df: "${read.df}"}, config: {path: out.csv}}
"""
BAD = GOOD.replace("csv_writer", "csv_writr").replace("${params.source}.csv", "${params.sorce}.csv")


@pytest.fixture
def good(project: Path) -> Path:
    (project / "osiris.yaml").touch()
    (project / "p.yaml").write_text(GOOD, encoding="utf-8")
    return project


@pytest.fixture
def bad(good: Path) -> Path:
    (good / "p.yaml").write_text(BAD, encoding="utf-8")
    return good


def manifests(root: Path) -> list[Path]:
    return sorted((root / "build").rglob("*"))


def test_a_valid_pipeline(good: Path, command: Any) -> None:
    assert command("validate", "p.yaml") == (0, "p.yaml is valid\n", "")
    assert command("validate", "p.yaml", "--json").document == {
        "ok": True,
        "file": "p.yaml",
        "valid": True,
        "findings": [],
    }


def test_an_invalid_pipeline_shows_each_line_and_what_was_meant(bad: Path, command: Any) -> None:
    code, out, err = command("validate", "p.yaml")
    assert (code, out) == (3, "p.yaml is not valid: 2 errors\n")
    assert "p.yaml:5:68  error OML027  The parameter 'sorce' is not declared; did you mean 'source'?\n" in err
    assert "     6 |   - {id: write, component: filesystem.csv_writr," in err
    assert f"       | {' ' * 27}^\n" in err
    assert all(name not in err for name in ("CMP005", "\x1b"))


def test_an_invalid_pipeline_as_json(bad: Path, command: Any) -> None:
    answer = command("validate", "p.yaml", "--json")
    assert (answer.code, answer.err) == (3, "")
    first = answer.document["findings"][-1]
    assert first | {"hint": None} == {
        "code": "CMP001",
        "severity": "error",
        "message": "There is no component 'filesystem.csv_writr'; did you mean 'filesystem.csv_writer'?",
        "file": "p.yaml",
        "line": 6,
        "column": 28,
        "pointer": "/steps/1/component",
        "step_id": "write",
        "candidates": first["candidates"],
        "hint": None,
        "patch": {
            "title": "change filesystem.csv_writr to filesystem.csv_writer",
            "safety": "safe",
            "operations": [{"op": "replace", "path": "/steps/1/component", "value": "filesystem.csv_writer"}],
        },
    }


def test_a_parameter_without_a_value_is_valid_but_does_not_compile(good: Path, command: Any) -> None:
    (good / "p.yaml").write_text(GOOD.replace("{default: a}", "{type: string}"))
    assert command("validate", "p.yaml").code == 0
    refused = command("compile", "p.yaml", "--json")
    assert (refused.code, refused.document["error"]["code"]) == (3, "OML033")
    assert command("compile", "p.yaml", "-p", "source=b").code == 0


def test_a_compile_writes_one_manifest_and_says_where(good: Path, command: Any) -> None:
    first = command("compile", "p.yaml", "--json").document
    assert (good / first["manifest"]).is_file()
    assert (first["pipeline"], first["changed"], first["warnings"]) == ("copy", True, [])
    again = command("compile", "p.yaml")
    assert again.out == f"copy  {first['fingerprint'][7:19]}\n  {first['manifest']}  (unchanged)\n"
    assert (
        command("compile", "p.yaml", "--param", "source=b", "--json").document["fingerprint"]
        != first["fingerprint"]
    )


def test_a_failed_compile_writes_no_manifest_and_is_recorded(bad: Path, command: Any) -> None:
    answer = command("compile", "p.yaml", "--json")
    assert (answer.code, answer.document["ok"], len(answer.document["error"]["findings"])) == (3, False, 2)
    assert manifests(bad) == []
    (events,) = (bad / "logs").rglob("events.jsonl")
    assert [json.loads(line)["event"] for line in events.read_text().splitlines()] == [
        "compile_start",
        "compile_failed",
    ]


def test_check_writes_nothing_and_compares(good: Path, command: Any) -> None:
    missing = command("compile", "p.yaml", "--check", "--json")
    assert (missing.code, missing.document["error"]["code"]) == (3, "MAN004")
    assert not (good / "logs").exists()
    path = good / command("compile", "p.yaml", "--json").document["manifest"]
    assert command("compile", "p.yaml", "--check").code == 0
    path.write_text(path.read_text().replace("out.csv", "other.csv"))
    assert command("compile", "p.yaml", "--check").code == 3


USAGE = [
    ("nothing",),
    ("validate",),
    ("validate", "gone.yaml"),
    ("validate", "."),
    ("validate", "p.yaml", "--fast"),
    ("validate", "p.yaml", "--param", "source"),
    ("validate", "p.yaml", "--param", "=x"),
    ("compile", "gone.yaml"),
    ("schema", "nothing"),
    ("components", "list", "--capability", "fast"),
    ("components", "validate", "--level", "lax"),
    ("connections", "doctor", "@acme.gone"),
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_what_makes_no_sense_exits_with_two_and_says_why(
    good: Path, command: Any, arguments: tuple[str, ...]
) -> None:
    answer = command(*arguments)
    assert answer.code == 2
    assert answer.err or answer.document["error"]["exit_code"] == 2


@pytest.mark.parametrize("arguments", [use for use in USAGE if use[0] != "schema"], ids=" ".join)
def test_it_is_one_json_document_too(good: Path, command: Any, arguments: tuple[str, ...]) -> None:
    answer = command(*arguments, "--json")
    assert (answer.code, answer.document["ok"], answer.document["error"]["exit_code"]) == (2, False, 2)


@pytest.mark.parametrize(
    "name", ["oml", "component", "connection", "manifest", "events", "metrics", "status"]
)
def test_each_schema_is_published(project: Path, command: Any, name: str) -> None:
    answer = command("schema", name)
    assert answer.code == 0
    Draft202012Validator.check_schema(answer.document)


SETTINGS = ["logs_dri: x", "max_parallel: 0", "[a]", "a: b: c", "logs_dir: 5", "x: &a 1"]


@pytest.mark.parametrize("text", SETTINGS)
def test_broken_settings_are_one_error_with_a_place(good: Path, command: Any, text: str) -> None:
    (good / "osiris.yaml").write_text(text)
    error = command("validate", "p.yaml", "--json").document["error"]
    assert (error["exit_code"], error["where"]["file"], error["where"]["line"]) == (3, "osiris.yaml", 1)


HOSTILE = {
    "an escape in a key": b'"\\e[31mred\\e[0m": 1\n',
    "a C1 escape in a value": GOOD.replace("name: copy", 'name: "\\x9b31m"').encode(),
    "direction marks": GOOD.replace("name: copy", 'name: "\\u202eevil"').encode(),
    "an escape as it is": b"name: \x1b[31m\n",
    "an escape in a step": GOOD.replace("id: read", 'id: "\\e]0;title\\a"').encode(),
    "an escape in a component": GOOD.replace("csv_writer", "csv\u009b31m").encode(),
    "a bomb": b"a: &a [x]\nb: [*a, *a]\n",
    "brackets": b"[" * 3000,
    "nothing": b"",
    "zeros": b"\0" * 100,
    "another encoding": "name: é".encode("utf-16"),
}


@pytest.mark.parametrize("json_option", [(), ("--json",)])
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_drives_no_terminal(
    good: Path, command: Any, content: bytes, json_option: tuple[str, ...]
) -> None:
    (good / "p.yaml").write_bytes(content)
    answer = command("validate", "p.yaml", *json_option)
    assert answer.code == 3
    assert not any(char in answer.out + answer.err for char in "\x1b\x9b\u202e\x07\0")
    assert not json_option or answer.document["valid"] is False


@pytest.mark.parametrize("name", ["\x1b[31m.yaml", "\udcff.yaml", "-\u202e.yaml"])
def test_a_hostile_file_name_drives_no_terminal(good: Path, command: Any, name: str) -> None:
    (good / name).write_text(GOOD)
    answer = command("validate", f"./{name}", "--json")
    assert answer.code == 0
    assert not any(char in answer.out for char in "\x1b\u202e\udcff")
    assert command("validate", f"./x{name}").code == 2


SECRETS = [
    "config: {path: a.csv, password: hunter2-canary, tabel: 1}",
    "config: {path: a.csv, url: 'mysql://u:hunter2-canary@h'}",
    "config: {path: a.csv}, clientSecret: hunter2-canary",
]


@pytest.mark.parametrize("json_option", [(), ("--json",)])
@pytest.mark.parametrize("config", SECRETS)
def test_a_secret_in_clear_text_is_not_shown_again(
    good: Path, command: Any, config: str, json_option: tuple[str, ...]
) -> None:
    (good / "p.yaml").write_text(GOOD.replace('config: {path: "${params.source}.csv"}', config))
    answer = command("compile", "p.yaml", *json_option)
    written = b"".join(file.read_bytes() for file in (good / "logs").rglob("*") if file.is_file())
    assert answer.code == 3
    assert "hunter2" not in answer.out + answer.err + written.decode()


def test_the_real_process_keeps_streams_and_codes_apart(bad: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "osiris", "validate", "p.yaml", "--json"]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (3, b"")
    assert json.loads(done.stdout)["valid"] is False


def test_a_reader_that_leaves_early_is_no_error(good: Path) -> None:
    command = f"{sys.executable} -m osiris schema oml | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"{", b"")


def test_a_long_line_is_shown_around_its_problem(good: Path, command: Any) -> None:
    (good / "p.yaml").write_text(GOOD.replace("out.csv", "x" * 500 + ", tabel: 1"))
    lines = command("validate", "p.yaml").err.splitlines()
    shown, caret = next((lines[i - 1], line) for i, line in enumerate(lines) if line.endswith("^"))
    assert shown[caret.index("^") :].startswith("tabel: 1")
    assert len(shown) <= 130
