"""A command works in the project of its file, wherever it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

CONNECTIONS = "connections: {duckdb: {wh: {path: NAME.duckdb}}}\n"
PIPELINE = """\
oml_version: "0.1.0"
name: p
steps:
  - {id: a, component: filesystem.csv_extractor, config: {path: a.csv}}
  - {id: t, component: duckdb.writer, inputs: {df: "${a.df}"}, config: {connection: "@duckdb.wh", table: t}}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project."""
    return project(tmp_path / "shop")


def project(root: Path) -> Path:
    (root / "pipelines").mkdir(parents=True)
    (root / "osiris_connections.yaml").write_text(CONNECTIONS.replace("NAME", root.name))
    (root / "pipelines/p.yaml").write_text(PIPELINE)
    (root / "a.csv").write_text("id\n1\n")
    return root


@pytest.mark.parametrize("where", ["nowhere", "another project"])
def test_a_file_is_run_in_its_own_project(lab: Any, shop: Path, tmp_path: Path, where: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir() if where == "nowhere" else project(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    done = lab.osiris("run", "../shop/pipelines/p.yaml", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert f"In {shop}\n" in done.stderr
    assert "shop.duckdb:t  1 row" in done.stdout
    assert list(shop.glob("logs/run_*"))
    assert sorted(elsewhere.rglob("*")) == before


def test_places_are_told_as_from_within(lab: Any, shop: Path, tmp_path: Path) -> None:
    (shop / "pipelines/p.yaml").write_text(PIPELINE.replace("path: a.csv", "pth: a.csv"))
    said = lab.osiris("validate", shop / "pipelines/p.yaml", cwd=tmp_path).stderr
    assert "\npipelines/p.yaml:4:59  error CMP003" in said
    assert "     4 |   - {id: a, component" in said


def test_within_the_project_nothing_is_said_of_it(lab: Any, shop: Path) -> None:
    for folder in (shop, shop / "pipelines"):
        done = lab.osiris("validate", shop / "pipelines/p.yaml", cwd=folder)
        assert (done.stdout, done.stderr) == ("pipelines/p.yaml is valid\n", "")


def test_a_file_in_no_project_belongs_to_that_of_the_folder(lab: Any, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "loose.yaml").write_text(PIPELINE)
    assert lab.osiris("validate", "../loose.yaml", cwd=shop).returncode == 0
    assert lab.osiris("validate", "loose.yaml", cwd=tmp_path).returncode == 3


@pytest.mark.parametrize(
    ("file", "code", "told"),
    [
        ("pipelines", "USE003", "is a folder, not a file"),
        ("pipelines/q.yaml", "USE003", "There are: p.yaml."),
        ("manifest.yaml", "USE006", "is a manifest, not a pipeline"),
    ],
)
@pytest.mark.parametrize("act", ["validate", "compile"])
def test_what_is_no_pipeline_is_called_by_its_name(
    lab: Any, shop: Path, act: str, file: str, code: str, told: str
) -> None:
    assert lab.osiris("compile", "pipelines/p.yaml", cwd=shop).returncode == 0
    next(shop.rglob("manifest.yaml")).rename(shop / "manifest.yaml")
    done = lab.osiris(act, file, cwd=shop)
    assert done.returncode == 2
    assert f"error {code}  " in done.stderr
    assert told in done.stderr
