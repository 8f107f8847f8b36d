"""osiris_connections.yaml: every problem has a place, and no secret stands in the file."""

from __future__ import annotations

from typing import Any

import pytest

GOOD = '{user: u, password: "${PW}"}'

PROBLEMS = {
    "not YAML": ("a: b: c", "CON001", (1, 5)),
    "an anchor": ("connections: &a {}", "CON001", (1, 14)),
    "a key twice": ("connections: {}\nconnections: {}", "CON001", (2, 1)),
    "not UTF-8": ("connections: {acme: {main: {user: \ud800}}}", "CON001", (1, 35)),
    "a list": ("[a]", "CON001", (1, 1)),
    "connections in a list": ("connections: [a]", "CON001", (1, 1)),
    "a wrong top": ("conections: {}", "CON003", (1, 1)),
    "no such family": (f"connections: {{acmee: {{main: {GOOD}}}}}", "CON003", (1, 15)),
    "no aliases": ("connections: {acme: [a]}", "CON003", (1, 15)),
    "a wrong alias": (f"connections: {{acme: {{-a: {GOOD}}}}}", "CON003", (1, 22)),
    "no fields": ("connections: {acme: {main: x}}", "CON003", (1, 22)),
    "a missing field": ('connections: {acme: {main: {password: "${PW}"}}}', "CON003", (1, 22)),
    "an unknown field": (
        'connections:\n  acme:\n    main: {hots: x, user: u, password: "${PW}"}',
        "CON003",
        (3, 12),
    ),
    "a wrong type": (
        'connections:\n  acme:\n    main: {port: x, user: u, password: "${PW}"}',
        "CON003",
        (3, 12),
    ),
    "a wrong policy": (
        'connections:\n  acme:\n    main: {sample_rows: no, user: u, password: "${PW}"}',
        "CON003",
        (3, 12),
    ),
    "clear text": ("connections:\n  acme:\n    main: {password: hunter2, user: u}", "CON005", (3, 12)),
    "a clear number": (
        'connections:\n  acme:\n    main: {pin: 1234, password: "${PW}", user: u}',
        "CON005",
        (3, 12),
    ),
}


@pytest.mark.parametrize(("text", "code", "place"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_problem_has_a_place(connections: Any, text: str, code: str, place: tuple[int, int]) -> None:
    (connections.root / "osiris_connections.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    (finding,) = connections.project.connections.findings
    assert (finding.code, finding.file) == (code, "osiris_connections.yaml")
    assert (finding.mark.line, finding.mark.column) == place
    assert "hunter2" not in repr(finding.to_dict())


def test_all_problems_are_reported_and_the_rest_is_read(connections: Any) -> None:
    loaded = connections.read(
        f"more: 1\nconnections: {{acme: {{a: {{port: x}}, b: {GOOD}}}, filesystem: {{c: {{}}}}}}\n"
    )
    assert [f.code for f in loaded.findings] == ["CON003"] * 4
    assert {"@acme.b", "@filesystem.c"} <= loaded.entries.keys()


@pytest.mark.parametrize("value", ["hunter2", "[hunter2]", "{a: hunter2}", "12345", "1.5", "true"])
def test_a_secret_of_any_type_is_never_repeated(connections: Any, value: str) -> None:
    loaded = connections.read(f"connections: {{acme: {{main: {{user: u, password: {value}}}}}}}\n")
    assert "CON005" in [finding.code for finding in loaded.findings]
    assert not any(part in repr(loaded.findings) for part in ("hunter2", "12345", "1.5"))


def test_a_remedy_names_a_variable(connections: Any) -> None:
    (finding,) = connections.read("connections: {acme: {main: {user: u, password: hunter2}}}").findings
    assert finding.hint == "Put the value into .env and write password: ${ACME_MAIN_PASSWORD}."


@pytest.mark.parametrize("port", ['"${PORT}"', '"1${PORT}"', "5"])
def test_a_placeholder_may_stand_for_a_value_of_any_type(connections: Any, port: str) -> None:
    fields = f'{{user: u, password: "${{PW}}", port: {port}}}'
    assert connections.read(f"connections: {{acme: {{main: {fields}}}}}").findings == []


POLICIES = [
    ("", {"sample_rows": True, "protected": False}),
    ("sample_rows: false, protected: true, ", {"sample_rows": False, "protected": True}),
    ('sample_rows: "no", protected: "no", ', {"sample_rows": False, "protected": True}),
    ("sample_rows: null, protected: null, ", {"sample_rows": False, "protected": True}),
]


@pytest.mark.parametrize(("given", "policy"), POLICIES)
def test_a_policy_that_is_not_understood_is_the_careful_one(
    connections: Any, given: str, policy: dict[str, bool]
) -> None:
    loaded = connections.read(f'connections: {{acme: {{main: {{{given}user: u, password: "${{PW}}"}}}}}}')
    assert loaded.entries["@acme.main"].policy == policy


@pytest.mark.parametrize("text", ["", "# none\n", "connections:\n", "version: 1\nconnections: {}\n"])
def test_a_file_may_hold_nothing(connections: Any, text: str) -> None:
    loaded = connections.read(text)
    assert (loaded.entries, loaded.findings) == ({}, [])


def test_a_project_may_have_no_file(connections: Any) -> None:
    assert connections.project.connections.entries == {}


@pytest.mark.parametrize(
    ("asked", "near"), [("@acme.mian", ("@acme.main",)), ("@acme.xyz", ("@acme.main",)), ("@zzz.q", ())]
)
def test_the_nearest_connection_is_known(connections: Any, asked: str, near: tuple[str, ...]) -> None:
    assert connections.read(f"connections: {{acme: {{main: {GOOD}}}}}").nearest(asked) == near
