"""The wheel is whole: what a user installs has every file and runs with nothing of the checkout in reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import osiris

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "osiris"
CACHES = {"__pycache__", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"}

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(600)]


def run(*command: str | Path, cwd: Path) -> str:
    """Standard output of a command that must succeed, run with no more than a path in its environment."""
    clean = {"PATH": os.defpath, "HOME": str(cwd), "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("osiris_etl-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `osiris` command of an environment that holds the wheel and its pinned dependencies only."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    # pip keeps the developer's environment: how packages are reached is a matter of the machine.
    install = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--require-hashes", "-r", ROOT / "requirements" / "runtime.txt"], check=True)
    subprocess.run([*install, "--no-deps", wheel], check=True)
    return folder / "bin" / "osiris"


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    files = {path.relative_to(SOURCE.parent) for path in SOURCE.rglob("*") if path.is_file()}
    expected = {file.as_posix() for file in files if not CACHES & set(file.parts)}
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    assert {"osiris/py.typed", "osiris/components/duckdb.processor/spec.yaml"} <= expected
    assert expected - shipped == set()


def test_the_installed_command_tells_its_version(installed: Path, tmp_path: Path) -> None:
    assert osiris.__version__ in run(installed, "--version", cwd=tmp_path)


def test_the_installed_command_lists_the_built_in_components(installed: Path, tmp_path: Path) -> None:
    assert "duckdb.processor" in run(installed, "components", "list", cwd=tmp_path)


def test_the_installed_demo_runs_and_leaves_its_report(installed: Path, tmp_path: Path) -> None:
    answer = json.loads(run(installed, "demo", "shown", "--json", cwd=tmp_path))
    assert answer["run"]["state"] == "succeeded"
    header, *rows = (tmp_path / "shown" / "out" / "delays.csv").read_text(encoding="utf-8").splitlines()
    assert "airline" in header
    assert rows
