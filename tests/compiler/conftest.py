"""A project with connections and components of its own, and a way to compile into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osiris.compiler import Compiled, Compiler
from osiris.manifest import ManifestStep
from osiris.manifest.text import canonical_yaml
from osiris.oml import parse_pipeline
from osiris.operations.project import Project

HEAD = 'oml_version: "0.1.0"\nname: x\n'

CONNECTIONS = """\
connections:
  duckdb:
    warehouse: {path: warehouse.duckdb}
    other: {path: other.duckdb}
  filesystem:
    files: {base_dir: data}
"""

DRIVER = """\
class AnyDriver:
    def run(self, *, step_id, config, inputs, ctx):
        return {}
"""


class Bench:
    """Compiles the text of steps; `head` stands between the pipeline's name and its steps."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "osiris_connections.yaml").write_text(CONNECTIONS, encoding="utf-8")

    def declare(self, name: str, **spec: Any) -> None:
        """Give the project a component of its own."""
        folder = self.root / "components" / name
        folder.mkdir(parents=True)
        whole = {
            "name": name,
            "version": "1.0.0",
            "title": "Any",
            "modes": ["transform"],
            "x-connection": "none",
            "configSchema": {"type": "object", "additionalProperties": False},
            "x-runtime": {"driver": "./driver.py:AnyDriver"},
        } | spec
        (folder / "spec.yaml").write_text(canonical_yaml(whole), encoding="utf-8")
        (folder / "driver.py").write_text(DRIVER, encoding="utf-8")

    def compile(self, steps: str, head: str = "", **params: Any) -> Compiled:
        """The outcome of compiling a pipeline of these steps; without a head the first is at line 4."""
        project = Project.find(self.root)
        parsed = parse_pipeline(f"{HEAD}{head}steps:\n{steps}", shown_as="p.yaml")
        return Compiler(project.registry, project.connections).compile(parsed, params)

    def problems(self, steps: str, head: str = "", **params: Any) -> list[tuple[str, int, int]]:
        """Code, line and column of each error."""
        errors = self.compile(steps, head, **params).errors
        return [(e.code, e.mark.line, e.mark.column) if e.mark else (e.code, 0, 0) for e in errors]

    def step(self, steps: str, step_id: str, head: str = "", **params: Any) -> ManifestStep:
        """One step of the manifest that must come of it."""
        return self.compile(steps, head, **params).require().step(step_id)


@pytest.fixture
def bench(project: Path) -> Bench:
    return Bench(project)
