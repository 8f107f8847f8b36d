"""What every test may rely on: an environment of its own and a clean project folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, settings

# One profile for everybody, so that a test that passes here passes in CI. Nothing in it measures time: a
# shared machine is slow at times, and a slow example is no wrong one.
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=50,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", parent=settings.get_profile("ci"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's shell reaches a test."""
    for name in [name for name in os.environ if name.startswith("OSIRIS_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, which is also the current folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


class Lab:
    """A project with the probe components (`tests/projects/probe`) in which pipelines are run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(Path(__file__).parent / "projects" / "probe", root, dirs_exist_ok=True)

    def pipeline(self, *steps: dict[str, Any], name: str = "p") -> Path:
        """Write a pipeline file."""
        file = self.root / "pipelines" / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"oml_version": "0.1.0", "name": name, "steps": steps}), encoding="utf-8")
        return file

    def step(self, step_id: str, component: str, *edges: str, **more: Any) -> dict[str, Any]:
        """One step. Its inputs are `df`, or `in0`, `in1` and so on; what is no key of a step is config."""
        own = {key: more.pop(key) for key in ("needs", "retry", "timeout_seconds") if key in more}
        names = ["df"] if len(edges) == 1 else [f"in{number}" for number in range(len(edges))]
        inputs = {name: f"${{{edge}}}" for name, edge in zip(names, edges, strict=True)}
        return {"id": step_id, "component": component, "config": more, "inputs": inputs, **own}

    def source(self, step_id: str, **config: Any) -> dict[str, Any]:
        return self.step(step_id, "probe.source", **config)

    def relay(self, step_id: str, *edges: str, **config: Any) -> dict[str, Any]:
        return self.step(step_id, "probe.relay", *edges, **config)

    def split(self, step_id: str, edge: str, **config: Any) -> dict[str, Any]:
        return self.step(step_id, "probe.split", edge, **config)

    def sink(self, step_id: str, *edges: str, **config: Any) -> dict[str, Any]:
        """Writes `<step_id>.json`."""
        return self.step(step_id, "probe.sink", *edges, path=self.file(f"{step_id}.json"), **config)

    def table(self, step_id: str, edge: str, **config: Any) -> dict[str, Any]:
        return self.step(step_id, "duckdb.writer", edge, connection="@duckdb.wh", table=step_id, **config)

    def rows_of(self, table: str) -> list[int]:
        """The ids in a table of the lab's database."""
        with duckdb.connect(self.file("wh.duckdb"), read_only=True) as con:
            return [row[0] for row in con.execute(f"SELECT id FROM {table} ORDER BY id").fetchall()]

    def run(self, *steps: dict[str, Any], name: str = "p", **options: Any) -> Any:
        """Run steps in this process; the `RunResult`."""
        return self.run_file(self.pipeline(*steps, name=name), **options)

    def run_file(self, file: Path, **options: Any) -> Any:
        from osiris.operations import RunOptions, run_pipeline

        return run_pipeline(self.project, file, RunOptions(**options))

    @property
    def project(self) -> Any:
        from osiris.operations import Project

        return Project.find(self.root)

    def command(self, *arguments: Any) -> list[str]:
        return [sys.executable, "-m", "osiris", *map(str, arguments)]

    def osiris(self, *arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the real command in a process of its own."""
        options = {"cwd": self.root, "capture_output": True, "text": True, "timeout": 60} | options
        return subprocess.run(self.command(*arguments), check=False, **options)

    def start(self, *arguments: Any, **options: Any) -> subprocess.Popen[str]:
        """Begin the real command; its output goes to pipes."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(self.command(*arguments), **{"cwd": self.root, **pipes, **options})

    def events(self, result: Any, *names: str) -> list[dict[str, Any]]:
        """The events of a run, or those of some names."""
        lines = (result.folder / "events.jsonl").read_text(encoding="utf-8").split("\n")
        events = [json.loads(line) for line in lines if line]
        return [event for event in events if not names or event["event"] in names]

    def states(self, result: Any) -> dict[str, str]:
        """How each step ended."""
        return {step.id: step.state.value for step in result.status.steps}

    def outcome(self, result: Any, step_id: str) -> Any:
        """One step's status."""
        return next(step for step in result.status.steps if step.id == step_id)

    def file(self, name: str) -> str:
        """A path in the project, as a probe takes it."""
        return str(self.root / name)

    def written(self, step_id: str) -> Any:
        """The ids that a probe.sink wrote, by input; those of its only input as a list."""
        inputs = json.loads((self.root / f"{step_id}.json").read_text(encoding="utf-8"))
        return inputs["df"] if list(inputs) == ["df"] else inputs

    def wait_for(self, name: str, seconds: float = 30) -> None:
        """Wait until a probe has made a file."""
        deadline = time.monotonic() + seconds
        while not (self.root / name).exists():
            assert time.monotonic() < deadline, f"nobody made {name}"
            time.sleep(0.005)

    @property
    def leftovers(self) -> list[str]:
        """Scratch files that a run should have removed."""
        work = list((self.root / ".osiris").glob("work/*"))
        parts = list(self.root.rglob("*.part"))
        return sorted(str(path.relative_to(self.root)) for path in work + parts)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A project of probes."""
    return Lab(tmp_path / "lab")


@pytest.fixture(scope="session")
def new_lab(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Lab]:
    """Makes a project of probes for each example of a property test."""
    return lambda: Lab(tmp_path_factory.mktemp("lab"))
