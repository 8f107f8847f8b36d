"""Make a project: an empty one that runs at once, or the shipped demo."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from osiris.errors import UsageError
from osiris.operations.project import Project
from osiris.operations.runs import RunOptions, RunResult, run_pipeline

DEMO_PIPELINE = "pipelines/flight_delays.yaml"

_DOTTED = {"gitignore": ".gitignore", "env.example": ".env.example"}
"""Names that begin with a dot in a project but not in the package, where build tools would drop them."""


@dataclass(frozen=True, slots=True)
class InitResult:
    """The files that were written, relative to the project's root."""

    root: Path
    files: list[str]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"root": str(self.root), "files": self.files}


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The demo's project and how its run ended."""

    root: Path
    pipeline: str
    run: RunResult

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"root": str(self.root), "pipeline": self.pipeline, "run": self.run.to_dict()}


def init_project(root: Path) -> InitResult:
    """Write a project that runs at once. Raises `UsageError` USE002 where a file of it exists already."""
    return InitResult(root, _copy("templates/project", root))


def run_demo(root: Path, options: RunOptions | None = None) -> DemoResult:
    """Copy the shipped demo into an empty or earlier demo folder and run it."""
    pipeline = root / DEMO_PIPELINE
    if not pipeline.is_file():
        _copy("demo/project", root)
    return DemoResult(
        root, DEMO_PIPELINE, run_pipeline(Project.find(root), pipeline, options or RunOptions(new=True))
    )


def _copy(source: str, root: Path) -> list[str]:
    with as_file(files("osiris").joinpath(source)) as template:
        found = [path.relative_to(template) for path in template.rglob("*") if path.is_file()]
        found.sort(key=lambda path: (len(path.parts), path.parts[0] != "pipelines", path))
        targets = {path: root / path.with_name(_DOTTED.get(path.name, path.name)) for path in found}
        taken = [str(target.relative_to(root)) for target in targets.values() if target.exists()]
        if taken:
            folder = "This folder" if root == Path() else f"The folder {root}"
            message = f"{folder} holds {', '.join(taken[:3])} already."
            raise UsageError("USE002", message, hint="Choose an empty folder; nothing was written.")
        for path, target in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(template / path, target)
    return [target.relative_to(root).as_posix() for target in targets.values()]
