"""A package that is installed beside Osiris brings components through its entry point, and they run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris.components.drivers import DriverRegistry
from osiris.components.registry import Registry
from osiris.components.validation import validate_spec
from osiris.operations import Project, RunOptions, run_pipeline

SPEC = """\
name: thirdparty.numbers
version: 2.0.0
title: Numbers
modes: [extract]
outputs: [df]
x-connection: none
configSchema:
  type: object
  properties: {count: {type: integer, minimum: 0}}
  required: [count]
  additionalProperties: false
x-runtime: {driver: thirdparty_osiris.drivers.numbers.NumbersDriver}
"""
DRIVER = """\
import pyarrow as pa

class NumbersDriver:
    def run(self, *, step_id, config, inputs, ctx):
        return {"df": pa.table({"n": list(range(config["count"]))})}
"""
PIPELINE = """\
oml_version: "0.1.0"
name: numbers
steps:
  - {id: numbers, component: thirdparty.numbers, config: {count: 3}}
  - {id: write, component: filesystem.csv_writer, inputs: {df: "${numbers.df}"}, config: {path: n.csv}}
"""
INSTALLED = "thirdparty_osiris-2.0.dist-info"
FILES = {
    "thirdparty_osiris/__init__.py": "raise SystemExit('listing imported the package')",
    "thirdparty_osiris/components/thirdparty.numbers/spec.yaml": SPEC,
    "thirdparty_osiris/drivers/__init__.py": "",
    "thirdparty_osiris/drivers/numbers.py": DRIVER,
    f"{INSTALLED}/METADATA": "Metadata-Version: 2.1\nName: thirdparty-osiris\nVersion: 2.0\n",
    f"{INSTALLED}/entry_points.txt": "[osiris.components]\nmine = thirdparty_osiris.components\n",
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the installed package, on the path."""
    for name, text in FILES.items():
        file = tmp_path / "site" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield tmp_path / "site"
    for name in [name for name in sys.modules if name.partition(".")[0] == "thirdparty_osiris"]:
        del sys.modules[name]


def test_it_is_listed_without_being_imported(site: Path) -> None:
    component = Registry().get("thirdparty.numbers")
    assert (component.origin, component.spec.version, component.is_runnable) == (
        "thirdparty-osiris",
        "2.0.0",
        True,
    )
    assert "thirdparty_osiris" not in sys.modules


def test_its_driver_is_imported_when_it_is_asked_for(site: Path) -> None:
    (site / "thirdparty_osiris/__init__.py").write_text("")
    registry = Registry()
    assert validate_spec(registry.get("thirdparty.numbers"), "strict") == []
    assert type(DriverRegistry(registry).get("thirdparty.numbers")).__name__ == "NumbersDriver"


def test_it_runs(site: Path, project: Path) -> None:
    (site / "thirdparty_osiris/__init__.py").write_text("")
    (project / "p.yaml").write_text(PIPELINE, encoding="utf-8")
    result = run_pipeline(Project.find(project), project / "p.yaml", RunOptions())
    assert result.status.exit_code == 0
    assert (project / "n.csv").read_text() == "n\n0\n1\n2\n"


@pytest.mark.parametrize("value", ["gone_package.components", "thirdparty_osiris.gone", "not a name", "sys"])
def test_an_entry_point_that_leads_nowhere_hides_nothing(site: Path, value: str) -> None:
    entries = site / INSTALLED / "entry_points.txt"
    entries.write_text(f"[osiris.components]\nmine = {value}\n")
    assert "duckdb.processor" in [component.name for component in Registry().list()]


def test_it_may_not_take_a_built_in_component_s_name(site: Path) -> None:
    folder = site / "thirdparty_osiris/components"
    (folder / "thirdparty.numbers").rename(folder / "duckdb.writer")
    spec = folder / "duckdb.writer/spec.yaml"
    spec.write_text(SPEC.replace("thirdparty.numbers", "duckdb.writer"))
    registry = Registry()
    assert registry.get("duckdb.writer").origin == "built in"
    assert [finding.code for finding in registry.findings] == ["CMP011"]
