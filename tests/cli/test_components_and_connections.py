"""`osiris components` and `osiris connections`: causes told apart, secrets unseen, documented exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

FAMILY = """\
family: acme
connector: collections.OrderedDict
fields:
  type: object
  properties: {host: {type: string}, password: {type: string}}
  additionalProperties: false
secrets: [/password]
"""
CONNECTIONS = """\
connections:
  acme:
    unset: {password: "${ACME_UNSET}"}
    clear: {password: hunter2-canary}
    wrong: {hots: x}
  duckdb:
    fine: {path: fine.duckdb}
    nofolder: {path: gone/x.duckdb}
    notone: {path: text.duckdb}
"""


@pytest.fixture
def connected(project: Path) -> Path:
    (project / "components/acme").mkdir(parents=True)
    (project / "components/acme/connection.yaml").write_text(FAMILY)
    (project / "osiris_connections.yaml").write_text(CONNECTIONS)
    (project / "text.duckdb").write_text("not a database\n" * 1000)
    return project


def test_components_are_listed(project: Path, command: Any) -> None:
    answer = command("components", "list")
    assert (answer.code, answer.err) == (0, "")
    assert "duckdb.processor" in answer.out
    listed = command("components", "list", "--json").document
    assert listed["findings"] == []
    assert {"name", "version", "modes", "capabilities", "runnable", "origin"} <= listed["components"][
        0
    ].keys()


def test_components_are_narrowed(project: Path, command: Any) -> None:
    def names(*options: str) -> list[str]:
        return [
            one["name"] for one in command("components", "list", *options, "--json").document["components"]
        ]

    assert names("--mode", "transform") == ["duckdb.processor"]
    assert "duckdb.writer" in names("--capability", "transactions", "--runnable")


def test_a_broken_component_is_reported_beside_the_others(connected: Path, command: Any) -> None:
    (connected / "components/acme.bad").mkdir()
    (connected / "components/acme.bad/spec.yaml").write_text("name: acme.bad\n")
    listed = command("components", "list")
    assert "duckdb.processor" in listed.out
    assert "CMP010" in listed.err
    assert "\ncomponents/acme.bad/spec.yaml:1:1  error CMP010" in listed.err
    assert "`osiris components validate acme.bad` says" in command("components", "show", "acme.bad").err
    validated = command("components", "validate", "--json")
    assert (validated.code, validated.document["valid"]) == (3, False)
    assert [one["name"] for one in validated.document["components"] if not one["valid"]] == ["acme.bad"]


def test_a_component_is_shown_with_its_connection_s_fields(project: Path, command: Any) -> None:
    answer = command("components", "show", "duckdb.writer")
    assert answer.code == 0
    for word in (
        "write_mode",
        "append|replace|merge",
        "path",
        "Fields of its connection",
        "Example: Update by key",
    ):
        assert word in answer.out
    shown = command("components", "show", "duckdb.writer", "--json").document
    assert "path" in shown["config_schema"]["properties"]


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        ("filesystem.csv_extractor", ("default true", "default []", "default {}", 'default ","')),
        ("duckdb.writer", ("default false", 'default "append"')),
        ("acme.flags", ("default null", "true|null|2")),
    ],
)
def test_defaults_are_shown_as_a_pipeline_writes_them(
    connected: Path, command: Any, component: str, expected: tuple[str, ...]
) -> None:
    (connected / "components/acme.flags").mkdir()
    (connected / "components/acme.flags/spec.yaml").write_text(
        "{name: acme.flags, version: 1.0.0, title: T, modes: [write], configSchema: {type: object, "
        "properties: {a: {default: null}, b: {enum: [true, null, 2]}}}}"
    )
    shown = command("components", "show", component).out
    for words in expected:
        assert words in shown
    for word in ("True", "None", "''"):
        assert word not in shown


def test_keys_are_listed_with_the_required_ones_first(project: Path, command: Any) -> None:
    config = command("components", "show", "duckdb.writer").out.partition("Config\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in config.splitlines()][:3] == ["connection", "table", "write_mode"]
    assert "path" not in config


def test_a_component_without_its_driver_says_so(connected: Path, command: Any) -> None:
    (connected / "components/acme.none").mkdir()
    (connected / "components/acme.none/spec.yaml").write_text(
        "{name: acme.none, version: 1.0.0, title: T, modes: [write], configSchema: {type: object}, "
        "x-runtime: {driver: './driver.py:X'}}"
    )
    assert "T (its driver is not there)\n" in command("components", "list").out


def test_a_component_that_is_not_there(project: Path, command: Any) -> None:
    answer = command("components", "show", "duckdb.writr", "--json")
    assert (answer.code, answer.document["error"]["code"]) == (3, "CMP001")
    assert "duckdb.writer" in answer.document["error"]["hint"]


@pytest.mark.parametrize("level", ["basic", "enhanced", "strict"])
def test_components_are_validated(project: Path, command: Any, level: str) -> None:
    answer = command("components", "validate", "duckdb.processor", "--level", level)
    assert answer == (0, f"duckdb.processor  valid ({level})\n", "")


def test_connections_are_listed_without_their_secrets(connected: Path, command: Any) -> None:
    answer = command("connections", "list", "--json")
    shown = {one["reference"]: one["fields"] for one in answer.document["connections"]}
    assert shown["@acme.unset"] == {"password": "****"} or shown["@acme.unset"] == {
        "password": "${ACME_UNSET}"
    }
    assert "hunter2" not in answer.out + command("connections", "list").out
    assert answer.code == 4


def test_a_file_that_cannot_be_read_is_no_empty_one(project: Path, command: Any) -> None:
    (project / "osiris_connections.yaml").write_text("connections: [")
    for act in ("list", "doctor"):
        answer = command("connections", act)
        assert (answer.code, answer.out) == (4, "")
        assert "error CON001" in answer.err


def test_a_project_without_connections(project: Path, command: Any) -> None:
    assert command("connections", "list").code == 0
    assert command("connections", "doctor", "--json").document["healthy"] is True


CAUSES = {
    "@acme.unset": "CON004",
    "@acme.clear": "CON005",
    "@acme.wrong": "CON003",
    "@duckdb.nofolder": "CON020",
    "@duckdb.notone": "CON023",
}


@pytest.mark.parametrize(("reference", "code"), CAUSES.items())
def test_doctor_tells_causes_apart(connected: Path, command: Any, reference: str, code: str) -> None:
    answer = command("connections", "doctor", reference, "--json")
    (diagnosis,) = answer.document["connections"]
    failed = [check for check in diagnosis["checks"] if not check["ok"]]
    assert (answer.code, diagnosis["healthy"], failed[0]["code"]) == (4, False, code)
    assert "hunter2" not in answer.out


def test_doctor_asks_all_and_shows_what_to_do(connected: Path, command: Any) -> None:
    answer = command("connections", "doctor")
    assert answer.code == 4
    assert (
        "  ✗ secrets      CON004  @acme.unset: password needs the variable ACME_UNSET, which is not set.\n"
        in answer.out
    )
    assert "      hint: Set ACME_UNSET in the environment or in .env.\n" in answer.out
    assert "hunter2" not in answer.out + answer.err


def test_a_healthy_connection(connected: Path, command: Any) -> None:
    answer = command("connections", "doctor", "@duckdb.fine", "--json")
    assert (answer.code, answer.document["healthy"]) == (0, True)


def test_a_connection_that_is_not_there(connected: Path, command: Any) -> None:
    answer = command("connections", "doctor", "@duckdb.fin", "--json")
    assert (answer.code, answer.document["error"]["code"]) == (2, "CON002")
    assert "@duckdb.fine" in answer.document["error"]["hint"]


def test_a_connector_that_fails_is_one_failed_check(connected: Path, command: Any) -> None:
    (connected / ".env").write_text("ACME_UNSET=hunter2-canary")
    answer = command("connections", "doctor", "@acme.unset", "--json")
    (diagnosis,) = answer.document["connections"]
    failed = [check["code"] for check in diagnosis["checks"] if not check["ok"]]
    assert (answer.code, failed) == (4, ["INT001"])
    assert "hunter2" not in answer.out


def test_a_field_called_key_is_a_secret_whatever_its_family_says(connected: Path, command: Any) -> None:
    family = connected / "components/acme/connection.yaml"
    family.write_text(FAMILY.replace("host: {type: string}", "host: {type: string}, key: {type: string}"))
    values = ("hunter2-canary", "[hunter2-canary]", '"${ACME_KEY}"')
    entries = "".join(f"    c{n}: {{host: h, key: {value}}}\n" for n, value in enumerate(values))
    (connected / "osiris_connections.yaml").write_text(f"connections:\n  acme:\n{entries}")
    answers = [command("connections", act, *json) for act in ("list", "doctor") for json in ((), ("--json",))]
    shown = answers[1].document["connections"]
    assert [one["fields"] for one in shown] == [
        {"host": "h", "key": key} for key in ("****", "****", "${ACME_KEY}")
    ]
    assert "hunter2" not in "".join(answer.out + answer.err for answer in answers)


@pytest.mark.parametrize("field", ["passwrd", "token", "key"])
def test_a_field_that_is_not_declared_is_not_shown(connected: Path, command: Any, field: str) -> None:
    text = (
        f'connections:\n  acme:\n    a: {{host: h, {field}: hunter2-canary}}\n    b: {{{field}: "${{X}}"}}\n'
    )
    (connected / "osiris_connections.yaml").write_text(text)
    shown = command("connections", "list", "--json").document["connections"]
    assert [one["fields"] for one in shown] == [{"host": "h", field: "****"}, {field: "${X}"}]
    for arguments in (["connections", "list"], ["connections", "doctor"]):
        answer = command(*arguments)
        assert "hunter2" not in answer.out + answer.err


def test_a_line_below_a_secret_s_key_is_not_shown(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    from osiris.cli.problems import show_findings
    from osiris.findings import Finding, Mark

    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text("name: p\n\npassword:\n  - first\n  - hunter2-canary\n\nfine: 1\n")
    show_findings([Finding("OML012", "No.", file="p.yaml", mark=Mark(line, 1)) for line in (5, 7)])
    said = capsys.readouterr().err
    assert "hunter2" not in said
    assert "fine: 1" in said
