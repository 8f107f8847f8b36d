"""From an empty folder to a result, as the README tells a newcomer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e


def osiris(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "osiris", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_a_new_project_runs_at_once(project: Path) -> None:
    assert osiris(project, "init").returncode == 0
    done = osiris(project, "run", "pipelines/example.yaml")
    assert done.returncode == 0, done.stderr
    assert "Written" in done.stdout
    for path in (".gitignore", "osiris.yaml", "osiris_connections.yaml"):
        assert (project / path).is_file()


def test_init_takes_a_folder_and_says_what_is_next(project: Path) -> None:
    done = osiris(project, "init", "shop")
    assert "cd shop" in done.stdout
    assert osiris(project / "shop", "validate", "pipelines/example.yaml").returncode == 0


def test_init_overwrites_nothing(project: Path) -> None:
    (project / "osiris.yaml").write_text("max_parallel: 2\n")
    done = osiris(project, "init", "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (2, "USE002")
    assert [path.name for path in project.iterdir()] == ["osiris.yaml"]


def test_a_new_project_keeps_secrets_and_results_out_of_git(project: Path) -> None:
    osiris(project, "init")
    osiris(project, "run", "pipelines/example.yaml")
    (project / ".env").write_text("A_PASSWORD=x\n")
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert "pipelines/example.yaml" in listed
    assert not [
        path for path in listed if path.startswith((".env", "logs/", ".osiris/")) and path != ".env.example"
    ]


@pytest.mark.slow
def test_the_demo_runs_and_says_what_to_try_next(project: Path) -> None:
    done = osiris(project, "demo")
    assert done.returncode == 0, done.stderr
    assert "Try next" in done.stdout
    statuses: list[Any] = [
        json.loads(p.read_text()) for p in project.glob("osiris-demo/logs/run_*/status.json")
    ]
    assert [status["state"] for status in statuses] == ["succeeded"]
    assert {step["target"]["kind"] for step in statuses[0]["steps"] if step["target"]} == {"file", "table"}


@pytest.mark.slow
def test_the_demo_can_be_run_again(project: Path) -> None:
    first, second = (json.loads(osiris(project, "demo", "--json").stdout) for _ in range(2))
    targets = [[step["target"] for step in run["run"]["steps"] if step["target"]] for run in (first, second)]
    facts = [[(target["name"], target["rows"], target["bytes"]) for target in each] for each in targets]
    assert facts[0] == facts[1]
    assert targets[1][-1]["rows_updated"] == targets[1][-1]["rows"]
