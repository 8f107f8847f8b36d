"""The same project gives the same bytes in any folder, under any hash seed, on every Python that is here."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SPEC = """\
name: acme.any
version: 1.0.0
title: Any
modes: [transform]
inputs: any
outputs: [df]
x-connection: none
configSchema: {type: object, properties: {z: {default: 1}, a: {default: {b: [2, null]}}}}
x-runtime: {driver: "./driver.py:AnyDriver"}
"""
PIPELINE = """\
oml_version: "0.1.0"
name: any
params:
  d: {type: date, default: 2024-01-31}
  f: {type: number, default: 0.1}
  s: {default: "žluť 😀\\u2028"}
steps:
  - id: last
    component: filesystem.csv_writer
    config: {path: o.csv}
    inputs: {df: "${join.df}"}
    needs: [x, y, z]
  - id: join
    component: duckdb.processor
    inputs: {two: "${b.df}", one: "${a.df}", three: "${x.df}"}
    config:
      query: |
        SELECT one.* FROM one, two, three WHERE one.d > :d AND one.f < :f AND one.s = :s
      bind: {s: "${params.s}", d: "${params.d}", f: "${params.f}"}
  - {id: b, component: filesystem.csv_extractor, config: {path: b.csv, schema: {z: BIGINT, a: DATE}}}
  - {id: a, component: filesystem.csv_extractor, config: {path: a.csv}, retry: {max_attempts: 1}}
  - {id: z, component: acme.any}
  - {id: y, component: acme.any, config: {more: {y: 1, x: [{c: 1, b: 2}]}}}
  - {id: x, component: acme.any}
"""


def installed() -> Iterator[str]:
    """Interpreters of this machine that can import the dependencies: this one, and others with their own."""
    yield sys.executable
    candidates = runpy.run_path(str(ROOT / "tools" / "interpreters.py"))
    for minor in candidates["MINORS"]:
        for python in candidates["candidates"](f"python3.{minor}"):
            if minor != sys.version_info.minor and _can_compile(python):
                yield python
                break


def _can_compile(python: str) -> bool:
    probe = [python, "-c", "import pydantic, yaml, jsonschema, dotenv, duckdb, pyarrow, typer"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def write_project(root: Path) -> Path:
    folder = root / "components" / "acme.any"
    folder.mkdir(parents=True)
    (root / "osiris.yaml").touch()
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    (folder / "driver.py").write_text("class AnyDriver: ...\n", encoding="utf-8")
    (root / "p.yaml").write_text(PIPELINE, encoding="utf-8")
    return root


def compiled(python: str, root: Path, seed: str) -> dict[str, bytes]:
    """The manifests that a new process writes, by their path in the project."""
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "src"), "TZ": f"UTC-{seed}"}
    command = [python, "-m", "osiris", "compile", str(root / "p.yaml")]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files = (root / "build").rglob("*.yaml")
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in files}


@pytest.mark.slow
def test_equal_projects_give_equal_bytes(tmp_path: Path) -> None:
    folders = [write_project(tmp_path / name) for name in ("one", "two/in a deeper folder")]
    manifests = []
    for python in installed():
        for root, seed in zip(folders, ("1", "12"), strict=True):
            manifests.append(compiled(python, root, seed))
            shutil.rmtree(root / "build")
    assert len(manifests[0]) == 1
    assert all(manifest == manifests[0] for manifest in manifests)


def test_a_manifest_names_no_place_of_this_machine(tmp_path: Path) -> None:
    (text,) = compiled(sys.executable, write_project(tmp_path / "p"), "0").values()
    assert str(tmp_path).encode() not in text
    assert str(Path.home()).encode() not in text
