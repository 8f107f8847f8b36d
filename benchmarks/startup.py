"""What commands cost that move next to nothing: start-up, a large validation, one row through three steps."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.measure import Figure, repeat

_STEP = """\
  - id: s{n}
    component: duckdb.processor
    inputs: {{df: "${{{before}.df}}"}}
    config: {{query: "SELECT * FROM df WHERE id > {n}"}}
"""

_HEAD = """\
oml_version: "0.1.0"
name: {name}
steps:
  - id: s0
    component: filesystem.csv_extractor
    config: {{path: data/one.csv}}
"""

_TAIL = """\
  - id: save
    component: filesystem.csv_writer
    inputs: {{df: "${{{before}.df}}"}}
    config: {{path: out/{name}.csv}}
"""

_IMPORTS = "import duckdb, pyarrow, pydantic, jsonschema, yaml, typer"


def measure(folder: Path, rounds: int) -> dict[str, Figure]:
    """Figures by what was done."""
    for name in ("pipelines", "data", "out"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "osiris.yaml").touch()
    (folder / "data/one.csv").write_text("id,name\n7,one\n")
    (folder / "pipelines/large.yaml").write_text(_pipeline("large", 198))
    (folder / "pipelines/one_row.yaml").write_text(_pipeline("one_row", 1))
    osiris = [sys.executable, "-m", "osiris"]
    commands = {
        "python itself": [sys.executable, "-c", "pass"],
        "imports of a run": [sys.executable, "-c", _IMPORTS],
        "osiris --help": [*osiris, "--help"],
        "osiris components list": [*osiris, "components", "list"],
        "validate 200 steps": [*osiris, "validate", "pipelines/large.yaml"],
        "one row, three steps": [*osiris, "run", "--new", "pipelines/one_row.yaml"],
        "one row, isolated": [*osiris, "run", "--new", "--adapter", "isolated", "pipelines/one_row.yaml"],
    }
    return {name: repeat(command, folder, rounds) for name, command in commands.items()}


def _pipeline(name: str, processors: int) -> str:
    steps = [_STEP.format(n=n, before=f"s{n - 1}") for n in range(1, processors + 1)]
    return _HEAD.format(name=name) + "".join(steps) + _TAIL.format(name=name, before=f"s{processors}")
