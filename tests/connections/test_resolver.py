"""Values are filled in at the last moment; secrets stay in memory and show themselves to nobody."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest

from osiris.errors import ConnectionFailed
from osiris.redaction import Secret, redactor

MAIN = '{user: u, password: "${ACME_PW}"}'


def refused(connections: Any, main: str, dotenv: str = "", **overrides: str) -> ConnectionFailed:
    with pytest.raises(ConnectionFailed) as error:
        connections.resolve(main, dotenv, **overrides)
    assert error.value.exit_code == 4
    return error.value


def test_defaults_are_filled_in(connections: Any) -> None:
    fields = connections.resolve(MAIN, "ACME_PW=hunter2-long").fields
    assert dict(fields) == {
        "host": "localhost",
        "port": 3306,
        "user": "u",
        "password": Secret("hunter2-long"),
    }


def test_the_environment_wins_over_dotenv(connections: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dotenv = "ACME_PW=from-the-file"
    resolved = connections.resolve(MAIN, dotenv)
    assert (resolved.fields["password"].reveal(), resolved.secret_sources) == (
        "from-the-file",
        {"password": ".env"},
    )
    monkeypatch.setenv("ACME_PW", "from-the-shell")
    resolved = connections.resolve(MAIN, dotenv)
    assert resolved.fields["password"].reveal() == "from-the-shell"
    assert resolved.secret_sources == {"password": "environment"}


def test_dotenv_never_enters_the_environment(connections: Any) -> None:
    before = dict(os.environ)
    connections.resolve(MAIN, "ACME_PW=hunter2-long\nOTHER=x")
    assert dict(os.environ) == before


DOTENV = [
    ("ACME_PW=plain", "plain"),
    ("export ACME_PW='sin gle'", "sin gle"),
    ('ACME_PW="dou\\nble"', "dou\nble"),
    ("ACME_PW=a$HOME${HOME}", "a$HOME${HOME}"),
    ("\ufeffACME_PW=after a mark", "after a mark"),
    ("ACME_PW=one\r\nX=2\r\n", "one"),
    ("ACME_PW=x\nACME_PW=later", "later"),
    ("ACME_PW=a=b#c", "a=b#c"),
]


@pytest.mark.parametrize(("dotenv", "value"), DOTENV)
def test_dotenv_is_read_as_it_is_meant(connections: Any, dotenv: str, value: str) -> None:
    assert connections.resolve(MAIN, dotenv).fields["password"].reveal() == value


def test_a_variable_s_value_is_not_read_for_placeholders_again(connections: Any) -> None:
    fields = connections.resolve('{user: "${A}${B}", password: "${A}"}', "A='x${B}'\nB=yyy").fields
    assert (fields["user"], fields["password"].reveal()) == ("x${B}yyy", "x${B}")


def test_a_value_is_learned_by_its_field_s_name_too(connections: Any) -> None:
    family = connections.root / "components/acme/connection.yaml"
    family.write_text(
        family.read_text().replace("user: {type: string}", "user: {type: string}\n    key: {type: string}")
    )
    fields = connections.resolve('{user: u, password: pass, key: "${K}"}', "K=canary-of-the-key").fields
    assert fields["key"] == "canary-of-the-key", (
        "what the family does not call a secret is handed over as it is"
    )
    assert redactor.text("it is canary-of-the-key") == "it is ****"


@pytest.mark.parametrize("dotenv", ["", "ACME_PW", "acme_pw=x", "# ACME_PW=x"])
def test_a_variable_that_is_not_set_is_named(connections: Any, dotenv: str) -> None:
    error = refused(connections, MAIN, dotenv)
    assert (error.code, error.message) == (
        "CON004",
        "@acme.main: password needs the variable ACME_PW, which is not set.",
    )


def test_a_dotenv_that_is_no_text_is_an_error_of_the_connection(connections: Any) -> None:
    resolver = connections.resolver(MAIN)
    (connections.root / ".env").write_bytes("ACME_PW=Jos\u00e9".encode("latin-1"))
    with pytest.raises(ConnectionFailed) as error:
        resolver.resolve("@acme.main")
    assert error.value.code == "CON004"


TYPES = [
    ("port: '${V}'", "3307", "port", 3307),
    ("tls: '${V}'", "TRUE", "tls", True),
    ("host: 'db-${V}.example'", "7", "host", "db-7.example"),
    ("pin: '${V}'", "1234", "pin", Secret("1234")),
    ("pin: 1234", "", "pin", Secret("1234")),
]


@pytest.mark.parametrize(("field", "variable", "name", "value"), TYPES)
def test_a_variable_becomes_what_its_field_wants(
    connections: Any, field: str, variable: str, name: str, value: Any
) -> None:
    fields = connections.resolve(f"{{user: u, password: xyz, {field}}}", f"V={variable}").fields
    assert fields[name] == value


@pytest.mark.parametrize(("main", "dotenv"), [
    ("{user: u, password: '${V}'}", "V=x9"),
    ("{user: u, password: xyz, pin: '${V}'}", "V=x9x9"),
    ("{user: u, password: xyz, pin: x9x9}", ""),
])  # fmt: skip
def test_a_secret_that_does_not_fit_is_not_repeated(connections: Any, main: str, dotenv: str) -> None:
    error = refused(connections, main, dotenv)
    assert error.code == "CON003"
    assert "x9" not in repr(error.to_dict())


def test_a_value_that_does_not_fit_is_refused(connections: Any) -> None:
    error = refused(connections, "{user: u, password: xyz, port: '${V}'}", "V=many")
    assert (error.code, error.message) == ("CON003", "@acme.main: 'port' must be a whole number, not 'many'.")


def test_a_step_may_override_a_field(connections: Any) -> None:
    fields = connections.resolve('{host: "${UNSET}", user: u, password: xyz}', host="other").fields
    assert fields["host"] == "other"


def test_an_override_is_never_filled_from_the_environment(connections: Any) -> None:
    fields = connections.resolve(MAIN, "ACME_PW=hunter2-long", host="${ACME_PW}.evil.example").fields
    assert fields["host"] == "${ACME_PW}.evil.example"


def test_a_project_path_becomes_absolute(connections: Any) -> None:
    def folder(value: str) -> str:
        return str(connections.resolve(f"{{user: u, password: xyz, folder: '{value}'}}").fields["folder"])

    root = connections.root
    assert folder("data/in") == str(root / "data" / "in")
    assert folder("../x") == str(root.parent / "x")
    assert folder("/var/x") == "/var/x"
    assert folder("~/x") == str(Path.home() / "x")


def test_no_form_of_the_fields_shows_a_secret(connections: Any) -> None:
    resolved = connections.resolve(MAIN, "ACME_PW=hunter2-long")
    fields = resolved.fields
    forms = [
        repr(resolved),
        repr(fields),
        str(dict(fields)),
        f"{fields['password']}",
        repr(copy.deepcopy(dict(fields))),
    ]
    assert not any("hunter2" in form for form in forms)
    with pytest.raises(TypeError):
        json.dumps(dict(fields))


def test_the_fields_are_read_only(connections: Any) -> None:
    with pytest.raises(TypeError):
        connections.resolve(MAIN, "ACME_PW=xyz").fields["user"] = "root"


def test_the_redactor_knows_a_secret_before_anybody_else_does(connections: Any) -> None:
    connections.resolve(MAIN, "ACME_PW=canary-7f3a9b")
    assert redactor.text("the canary-7f3a9b sings") == "the **** sings"


@pytest.mark.parametrize("reference", ["@acme.mian", "@acme.zzz", "@nobody.x", "acme.main", ""])
def test_a_connection_that_is_not_there(connections: Any, reference: str) -> None:
    with pytest.raises(ConnectionFailed) as error:
        connections.resolver(MAIN).resolve(reference)
    assert (error.value.code, error.value.exit_code) == ("CON002", 4)


def test_a_family_without_required_fields_has_a_default_connection(connections: Any) -> None:
    assert connections.project.resolver.default("filesystem").fields["base_dir"] == str(connections.root)


HANDED = '{host: "${ACME_HOST}", user: "${ACME_USER}", password: "${ACME_PW}", folder: data, protected: true}'
VARIABLES = "ACME_HOST=h\nACME_PW=hunter2-handed\nACME_OTHER=x\n"


def test_a_handover_has_what_the_connections_name_and_nothing_else(
    connections: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_USER", "u")
    handover = connections.resolver(HANDED, VARIABLES).hand_over([("@acme.main", {}), ("@acme.gone", {})])
    assert handover.values == {
        "environment": {"ACME_USER": "u"},
        ".env": {"ACME_HOST": "h", "ACME_PW": "hunter2-handed"},
    }
    assert handover.connections == {
        "acme": {
            "main": {
                "host": "${ACME_HOST}",
                "user": "${ACME_USER}",
                "password": "${ACME_PW}",
                "folder": "data",
                "protected": True,
                "sample_rows": True,
            }
        }
    }
    assert "hunter2" not in repr(handover)
    assert redactor.text("hunter2-handed") == "****"


@pytest.mark.parametrize(
    ("uses", "hosts"),
    [([{"host": "here"}], 0), ([{"host": "here"}, {}], 1)],
    ids=["all override", "one does not"],
)
def test_what_every_step_overrides_is_not_handed_over(connections: Any, uses: list[Any], hosts: int) -> None:
    resolver = connections.resolver(HANDED, VARIABLES)
    handover = resolver.hand_over(("@acme.main", overrides) for overrides in uses)
    assert ("ACME_HOST" in handover.values[".env"]) == hosts


def test_a_variable_that_is_missing_is_left_for_the_other_side_to_name(connections: Any) -> None:
    assert connections.resolver(MAIN).hand_over([("@acme.main", {})]).values == {}


@pytest.mark.parametrize("field", ["password: clear-text", "pin: 1234"])
def test_clear_text_is_handed_to_nobody(connections: Any, field: str) -> None:
    resolver = connections.resolver(f"{{user: u, {field}}}")
    with pytest.raises(ConnectionFailed) as error:
        resolver.hand_over([("@acme.main", {})])
    assert error.value.code == "CON005"
    assert "clear-text" not in str(error.value)
