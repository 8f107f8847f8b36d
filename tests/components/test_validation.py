"""What `components validate` finds at each level: form, sense, and whether the driver keeps its part."""

from __future__ import annotations

from typing import Any

import pytest

from osiris.components.registry import Registry
from osiris.components.validation import validate_spec
from osiris.operations import Project, validate_components

FIELD = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
CONFIGURED = """\
from pydantic import ConfigDict, Field
from osiris.core.driver import DriverConfig

class AnyDriver:
    class Config(DriverConfig):
        a: str = Field(min_length=1)
        n: int | None = Field(None, ge=1)
        words: list[str] = []

    def run(self, *, step_id, config, inputs, ctx):
        return {}
"""
PROPERTIES: dict[str, Any] = {
    "a": {"type": "string", "minLength": 1, "description": "Prose does not count."},
    "n": {"type": "integer", "minimum": 1},
    "words": {"type": "array", "items": {"type": "string"}, "default": []},
}


def codes(declared: Any, level: Any) -> list[str]:
    return [finding.code for finding in validate_spec(declared.get(), level)]


def test_a_valid_component_is_valid_at_every_level(declared: Any) -> None:
    declared.component()
    assert [codes(declared, level) for level in ("basic", "enhanced", "strict")] == [[], [], []]


@pytest.mark.parametrize("rule", [{"type": "text"}, {"pattern": "("}, {"enum": 5}])
def test_basic_finds_a_schema_that_is_none(declared: Any, rule: dict[str, Any]) -> None:
    declared.component(configSchema={"type": "object", "properties": {"a": rule}})
    assert codes(declared, "basic") == ["CMP010"]


ENHANCED = {
    "a secret of no field": ({"secrets": ["/b"]}, "CMP012"),
    "a deep secret of no field": ({"secrets": ["/b/a"]}, "CMP012"),
    "an alias of no field": ({"llmHints": {"inputAliases": {"b": ["c"]}}}, "CMP013"),
    "an alias that is a field": ({"llmHints": {"inputAliases": {"a": ["a"]}}}, "CMP013"),
    "an example with a wrong key": ({"examples": [{"title": "x", "config": {"b": 1}}]}, "CMP014"),
    "an example with a wrong type": ({"examples": [{"title": "x", "config": {"a": 1}}]}, "CMP014"),
    "a connection of no family": ({"x-connection": "required"}, "CMP018"),
}


@pytest.mark.parametrize(("change", "code"), ENHANCED.values(), ids=ENHANCED)
def test_enhanced_finds_what_does_not_fit_together(declared: Any, change: dict[str, Any], code: str) -> None:
    declared.component(**{"configSchema": FIELD} | change)
    assert codes(declared, "basic") == []
    assert codes(declared, "enhanced") == [code]


def test_enhanced_finds_one_alias_of_two_fields(declared: Any) -> None:
    schema = {"type": "object", "properties": {"a": {}, "b": {}}}
    declared.component(configSchema=schema, llmHints={"inputAliases": {"a": ["x"], "b": ["x"]}})
    assert codes(declared, "enhanced") == ["CMP013"]


def test_enhanced_finds_a_family_s_secret_of_no_field(declared: Any) -> None:
    declared.write("acme/connection.yaml", "family: acme\nfields: {type: object}\nsecrets: [/password]\n")
    declared.component(**{"x-connection": "required"})
    assert codes(declared, "enhanced") == ["CMP012"]


RUN = "    def run(self, *, {0}):\n        return {{}}\n"
DRIVERS = {
    "an import that fails": ("import nothing_like_it", "CMP006"),
    "an import that raises": ("raise RuntimeError('boom')", "CMP006"),
    "no Python": ("def f(:", "CMP006"),
    "no such class": ("class Other: ...", "CMP006"),
    "no class at all": ("AnyDriver = 5", "CMP006"),
    "no run": ("class AnyDriver: ...", "CMP015"),
    "run of another form": ("class AnyDriver:\n" + RUN.format("config, inputs"), "CMP015"),
}


@pytest.mark.parametrize(("driver", "code"), DRIVERS.values(), ids=DRIVERS)
def test_strict_finds_a_driver_that_does_not_keep_its_part(declared: Any, driver: str, code: str) -> None:
    declared.component(driver=driver)
    assert codes(declared, "enhanced") == []
    (finding,) = validate_spec(declared.get(), "strict")
    assert (finding.code, bool(finding.hint)) in ((code, True), ("CMP015", False))


def test_strict_finds_no_driver(declared: Any) -> None:
    declared.component(**{"x-runtime": None})
    assert codes(declared, "strict") == ["CMP007"]


def test_strict_is_content_with_a_spec_that_says_what_the_driver_reads(declared: Any) -> None:
    schema = {"type": "object", "properties": PROPERTIES, "required": ["a"], "additionalProperties": False}
    declared.component(driver=CONFIGURED, configSchema=schema)
    assert codes(declared, "strict") == []


LIES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a field that nobody reads": (PROPERTIES | {"b": {"type": "string"}}, ["a"]),
    "a field that is kept quiet": ({"a": PROPERTIES["a"], "n": PROPERTIES["n"]}, ["a"]),
    "another type": (PROPERTIES | {"n": {"type": "number", "minimum": 1}}, ["a"]),
    "another limit": (PROPERTIES | {"n": {"type": "integer"}}, ["a"]),
    "another default": (PROPERTIES | {"words": PROPERTIES["words"] | {"default": ["x"]}}, ["a"]),
    "required for nothing": (PROPERTIES, ["a", "n"]),
    "required in secret": (PROPERTIES, []),
}


@pytest.mark.parametrize(("properties", "required"), LIES.values(), ids=LIES)
def test_strict_catches_a_spec_that_lies(
    declared: Any, properties: dict[str, Any], required: list[str]
) -> None:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    declared.component(driver=CONFIGURED, configSchema=schema)
    assert set(codes(declared, "strict")) == {"CMP016"}


CONNECTOR = "family: acme\nconnector: {}\nfields: {{type: object}}\n"


@pytest.mark.parametrize(
    ("connector", "code"), [("acme_gone.connection.Acme", "CMP006"), ("collections.OrderedDict", "CMP015")]
)
def test_strict_finds_a_connector_that_does_not_keep_its_part(
    declared: Any, connector: str, code: str
) -> None:
    declared.write("acme/connection.yaml", CONNECTOR.format(connector))
    declared.component(**{"x-connection": "optional"})
    assert set(codes(declared, "strict")) == {code}


def test_strict_compiles_the_examples(declared: Any) -> None:
    schema = FIELD | {"properties": {"a": {"type": "string", "contentMediaType": "application/sql"}}}
    example = {"title": "x", "config": {"a": "SELECT ${params.p}"}}
    declared.component(configSchema=schema, examples=[example])
    (check,) = validate_components(Project.find(declared.folder.parent), ["acme.any"], "strict")
    assert {finding.code for finding in check.findings} == {"CMP017"}


@pytest.mark.parametrize("name", [component.name for component in Registry().list()])
def test_every_built_in_component_is_strict_valid(project: Any, name: str) -> None:
    (check,) = validate_components(Project.find(project), [name], "strict")
    assert check.findings == []


def test_a_broken_declaration_is_a_check_of_its_own(declared: Any) -> None:
    declared.component("acme.fine")
    declared.component("acme.broken", modes=[])
    checks = validate_components(Project.find(declared.folder.parent), level="enhanced")
    assert [check.name for check in checks if not check.is_valid] == ["acme.broken"]
    assert "acme.fine" in [check.name for check in checks]
