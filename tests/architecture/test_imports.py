"""Looking is cheap: help and listings load no driver, no connector and no vendor library, checks no Arrow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"duckdb", "numpy", "pandas", "pyarrow"}
CODE = ("osiris.drivers", "osiris.connectors")

# Runs the command as its entry point would, then writes down every module that is loaded.
RUN = """
import sys
report, *sys.argv[1:] = sys.argv[1:]
sys.argv[0] = "osiris"
from osiris.cli.main import command
try:
    command()
except SystemExit as ended:
    code = ended.code
with open(report, "w") as file:
    file.write("\\n".join(sys.modules))
sys.exit(code)
"""

EVERY_COMPONENT = """
oml_version: "0.1.0"
name: every_component
steps:
  - {id: csv, component: filesystem.csv_extractor, config: {path: a.csv, schema: {a: BIGINT}}}
  - {id: parquet, component: filesystem.parquet_extractor, config: {path: a.parquet}}
  - {id: table, component: duckdb.extractor, config: {connection: "@duckdb.w", table: t, where: a > 1}}
  - id: sql
    component: duckdb.processor
    inputs: {c: "${csv.df}", p: "${parquet.df}", t: "${table.df}"}
    config: {query: "SELECT c.a FROM c JOIN p USING (a) JOIN t USING (a)"}
  - {id: to_csv, component: filesystem.csv_writer, inputs: {df: "${sql.df}"}, config: {path: b.csv}}
  - id: to_parquet
    component: filesystem.parquet_writer
    inputs: {df: "${sql.df}"}
    config: {path: b.parquet}
  - id: to_table
    component: duckdb.writer
    inputs: {df: "${sql.df}"}
    config: {connection: "@duckdb.w", table: u}
"""


def loaded_by(command: list[str], folder: Path) -> tuple[set[str], str]:
    """The modules that a command loads, and what it prints."""
    report = folder / "modules.txt"
    process = [sys.executable, "-c", RUN, str(report), *command]
    done = subprocess.run(process, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(report.read_text().split()), done.stdout


def is_code_of_a_component(module: str) -> bool:
    """Whether it is below the packages of drivers and connectors; these themselves are empty."""
    return module.startswith(tuple(f"{package}." for package in CODE))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["--help"], "components"),
        (["components", "list"], "duckdb.processor"),
        (["components", "list", "--json"], "duckdb.processor"),
        (["runs", "list"], "There are no runs yet."),
        (["connections", "list"], "There are no connections yet"),
    ],
    ids=["help", "listing", "listing as JSON", "runs", "connections"],
)
def test_it_loads_neither_component_code_nor_vendor_library(
    command: list[str], expected: str, project: Path
) -> None:
    loaded, printed = loaded_by(command, project)
    assert "osiris.cli.main" in loaded
    assert expected in printed
    assert not {module for module in loaded if is_code_of_a_component(module)}
    assert not loaded & HEAVY


def test_a_check_loads_nothing_that_moves_rows(project: Path) -> None:
    (project / "osiris_connections.yaml").write_text("connections: {duckdb: {w: {path: w.duckdb}}}\n")
    (project / "p.yaml").write_text(EVERY_COMPONENT)
    loaded, printed = loaded_by(["validate", "p.yaml"], project)
    assert "p.yaml is valid" in printed
    assert "osiris.drivers.duckdb_writer_driver" in loaded
    assert not loaded & (HEAVY - {"duckdb"} | {"osiris.runner", "osiris.session"})
