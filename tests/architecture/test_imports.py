"""Looking is cheap: help and listings load no driver, no connector and no vendor library."""

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
from osiris.cli.main import main
try:
    code = main()
except SystemExit as ended:
    code = ended.code
with open(report, "w") as file:
    file.write("\\n".join(sys.modules))
sys.exit(code)
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
    ],
    ids=["help", "listing", "listing as JSON"],
)
def test_it_loads_neither_component_code_nor_vendor_library(
    command: list[str], expected: str, project: Path
) -> None:
    loaded, printed = loaded_by(command, project)
    assert "osiris.cli.main" in loaded
    assert expected in printed
    assert not {module for module in loaded if is_code_of_a_component(module)}
    assert not loaded & HEAVY
