"""From a component's name follow the places of its spec, driver, connector, docs page and tests."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "osiris"
FOLDERS = sorted(path for path in (PACKAGE / "components").glob("*.*") if path.is_dir())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def places_of(family: str, role: str) -> list[Path]:
    """Every file that a component consists of."""
    return [
        PACKAGE / "components" / f"{family}.{role}" / "spec.yaml",
        PACKAGE / "drivers" / f"{family}_{role}_driver.py",
        PACKAGE / "connectors" / family / "connection.py",
        ROOT / "docs" / "components" / f"{family}.{role}.md",
        ROOT / "tests" / "drivers" / f"test_{family}_{role}.py",
    ]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_part_of_a_component_is_where_its_name_says(folder: Path) -> None:
    family, role = folder.name.split(".")
    assert [place.relative_to(ROOT) for place in places_of(family, role) if not place.is_file()] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_spec_agrees_with_its_place(folder: Path) -> None:
    spec = yaml.safe_load((folder / "spec.yaml").read_text(encoding="utf-8"))
    family, role = folder.name.split(".")
    assert spec["name"] == folder.name
    assert spec.get("family", family) == family
    assert spec["x-runtime"]["driver"].rpartition(".")[0] == f"osiris.drivers.{family}_{role}_driver"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_its_family_can_be_installed_by_name(folder: Path) -> None:
    family = folder.name.partition(".")[0]
    assert family in EXTRAS
    assert family in EXTRAS["all"][0]
