"""The registry: lists what is declared, says what is broken, and runs no code to do so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from osiris.errors import PipelineError

BUILT_IN = [
    "duckdb.extractor",
    "duckdb.processor",
    "duckdb.writer",
    "filesystem.csv_extractor",
    "filesystem.csv_writer",
    "filesystem.jsonl_extractor",
    "filesystem.jsonl_writer",
    "filesystem.parquet_extractor",
    "filesystem.parquet_writer",
    "sqlite.extractor",
    "sqlite.writer",
]


def names(declared: Any) -> list[str]:
    return [component.name for component in declared.registry.list() if component.origin != "built in"]


def test_the_built_in_components_are_there(declared: Any) -> None:
    registry = declared.registry
    assert [component.name for component in registry.list() if component.origin == "built in"] == BUILT_IN
    assert registry.findings == []


def test_a_project_s_own_components_are_there(declared: Any) -> None:
    declared.component()
    component = declared.get()
    assert (component.origin, component.is_runnable, component.family) == ("project", True, "acme")


LISTING = """\
import sys
from osiris.components.registry import Registry
registry = Registry()
assert all(component.is_runnable for component in registry.list())
foreign = {"duckdb", "pyarrow", "pandas", "jsonschema", "osiris.drivers", "osiris.connectors"}
print(sorted(foreign & set(sys.modules)))
"""


def test_listing_imports_no_driver_and_no_vendor_library() -> None:
    done = subprocess.run([sys.executable, "-c", LISTING], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_listing_runs_no_code_of_a_component(declared: Any) -> None:
    declared.component(driver="raise SystemExit('imported')")
    assert declared.get().is_runnable


def test_a_component_is_found_by_mode_and_capability(declared: Any) -> None:
    declared.component("acme.one", modes=["extract", "discover"], capabilities={"discover": True})
    declared.component("acme.two", modes=["write"], capabilities={"discover": False}, **{"x-runtime": None})
    registry = declared.registry

    def own(**narrowed: Any) -> list[str]:
        return [component.name for component in registry.list(**narrowed) if component.origin == "project"]

    assert own(mode="discover") == own(capability="discover") == own(runnable=True) == ["acme.one"]
    assert own(mode="write") == own(runnable=False) == ["acme.two"]


BROKEN_TEXT = {"nothing": b"", "not YAML": b"a: b: c", "a list": b"[]", "not UTF-8": b"name: \xff"}

BROKEN_SPEC: dict[str, dict[str, Any]] = {
    "an unknown key": {"mode": "write"},
    "a wrong version": {"version": "1"},
    "a wrong name": {"name": "Acme.any"},
    "no mode": {"modes": []},
    "no such mode": {"modes": ["load"]},
    "no such capability": {"capabilities": {"fast": True}},
    "a driver that is no name": {"x-runtime": {"driver": "Driver"}},
    "a driver without a class": {"x-runtime": {"driver": "./driver.py"}},
    "a schema that is none": {"configSchema": []},
    "properties that are none": {"configSchema": {"properties": ["a"]}},
    "a property that is none": {"configSchema": {"properties": {"a": 5}}},
    "required that is none": {"configSchema": {"required": "a"}},
    "a secret that is no pointer": {"secrets": ["a"]},
}


@pytest.mark.parametrize("content", BROKEN_TEXT.values(), ids=BROKEN_TEXT)
def test_a_spec_that_is_no_declaration_does_not_hide_the_others(declared: Any, content: bytes) -> None:
    broken = declared.component("acme.broken")
    broken.write_bytes(content)
    declared.component("acme.fine")
    assert (names(declared), declared.codes) == (["acme.fine"], ["CMP010"])
    assert declared.registry.findings[0].file == str(broken)


@pytest.mark.parametrize("changes", BROKEN_SPEC.values(), ids=BROKEN_SPEC)
def test_a_broken_spec_does_not_hide_the_others(declared: Any, changes: dict[str, Any]) -> None:
    declared.component("acme.fine")
    declared.component(**{"name": "acme.broken"} | changes)
    assert names(declared) == ["acme.fine"]
    assert set(declared.codes) == {"CMP010"}


def test_a_spec_that_cannot_be_read_does_not_hide_the_others(declared: Any) -> None:
    (declared.folder / "acme.folder" / "spec.yaml").mkdir(parents=True)
    declared.component("acme.fine")
    assert (names(declared), declared.codes) == (["acme.fine"], ["CMP010"])


def test_a_finding_has_a_place_and_what_was_meant(declared: Any) -> None:
    declared.component().write_text("name: acme.any\nversoin: 1.0.0\n")
    found = next(finding for finding in declared.registry.findings if finding.candidates)
    assert (found.code, found.mark.line, found.candidates) == ("CMP010", 2, ("version",))


def test_a_folder_and_its_declaration_have_one_name(declared: Any) -> None:
    declared.component("acme.one").rename(declared.folder / "acme.one" / "x.yaml")
    declared.write("acme.two/spec.yaml", (declared.folder / "acme.one" / "x.yaml").read_text())
    declared.write("acme/connection.yaml", "family: other\nfields: {type: object}\n")
    assert (names(declared), declared.codes) == ([], ["CMP010", "CMP010"])


def test_the_first_declaration_of_a_name_counts(declared: Any) -> None:
    declared.component("duckdb.writer")
    declared.write("duckdb/connection.yaml", "family: duckdb\nfields: {type: object}\n")
    assert declared.codes == ["CMP011", "CMP011"]
    assert declared.get("duckdb.writer").origin == "built in"
    assert "path" in declared.registry.connection("duckdb").fields["properties"]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("duckdb.procesor", "duckdb.processor"), ("mysql.extractor", "duckdb.extractor"), ("zzz.zzz", None)],
)
def test_a_component_that_is_not_there(declared: Any, asked: str, meant: str | None) -> None:
    with pytest.raises(PipelineError) as refused:
        declared.get(asked)
    assert (refused.value.code, refused.value.exit_code) == ("CMP001", 3)
    assert (meant or "osiris components list") in (refused.value.hint or "")


def seed(name: str, *fields: str, required: list[str]) -> dict[str, Any]:
    properties = {field: {"type": "string"} for field in fields}
    return {
        "name": name,
        "x-connection": None,
        "configSchema": {"type": "object", "properties": properties, "required": required},
        "x-connection-fields": [{"name": field, "override": "forbidden"} for field in fields],
        "secrets": ["/password"],
    }


def test_a_spec_may_declare_its_connection_itself(declared: Any) -> None:
    spec = seed("acme.one", "host", "password", required=["host"])
    spec["configSchema"]["properties"]["table"] = {"type": "string"}
    declared.component(**spec)
    component = declared.get("acme.one")
    assert (component.connection_use, component.secrets) == ("required", ("/password",))
    assert sorted(component.step_schema["properties"]) == ["connection", "table"]
    assert sorted(component.full_schema["properties"]) == ["connection", "host", "password", "table"]
    assert declared.registry.connection("acme").fields["required"] == ["host"]


def test_components_of_one_family_share_one_connection(declared: Any) -> None:
    declared.component(**seed("acme.one", "host", "password", required=["host", "password"]))
    declared.component(**seed("acme.two", "host", "password", "schema", required=["host", "schema"]))
    fields = declared.registry.connection("acme").fields
    assert sorted(fields["properties"]) == ["host", "password", "schema"]
    assert fields["required"] == ["host"]


CONTENT = {
    "nothing": ({}, False),
    "description": ({"description": "Other."}, False),
    "examples": ({"examples": [{"title": "x", "config": {}}]}, False),
    "hints": ({"llmHints": {"useWhen": "x"}}, False),
    "version": ({"version": "1.0.1"}, True),
    "schema": ({"configSchema": {"type": "object"}}, True),
    "modes": ({"modes": ["write"]}, True),
    "code": ({"driver": "class AnyDriver: ..."}, True),
}


@pytest.mark.parametrize(("change", "differs"), CONTENT.values(), ids=CONTENT)
def test_the_content_s_hash_covers_what_decides_the_behaviour(
    declared: Any, change: dict[str, Any], differs: bool
) -> None:
    declared.component()
    before = declared.get().content
    declared.component(**change)
    assert (declared.get().content != before) is differs


def test_the_place_of_a_component_is_not_part_of_its_content(declared: Any, tmp_path: Path) -> None:
    declared.component()
    before = declared.get().content
    declared.folder = declared.folder.rename(tmp_path / "elsewhere")
    assert declared.get().content == before
