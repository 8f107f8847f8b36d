"""What a person may mean who begins to type a name: read in a moment, unchecked, without vendor libraries."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from importlib.resources import files as package_files
from pathlib import Path
from typing import get_args

from osiris.components.spec import Capability, Mode
from osiris.connections.file import declared_references
from osiris.operations.project import MARKERS, Project
from osiris.session import RunState
from osiris.session.index import DIED

RUN_STATES = [*(state.value for state in RunState), DIED]
MODES = list(get_args(Mode))
CAPABILITIES = list(get_args(Capability))

_NEWEST_RUNS = 50
_YAML = (".yaml", ".yml")


def pipeline_files(project: Project, typed: str) -> list[str]:
    """Pipeline files, then other YAML files of the folder that is typed, as seen from the current folder.

    Its folders are among them only beside such files: a shell completes folders best by itself.
    """
    pipelines = _beginning(typed, map(os.path.relpath, sorted(project.root.glob("pipelines/*.y*ml"))))
    before = typed[: typed.rfind("/") + 1]
    inside = sorted(Path(before).iterdir()) if Path(before).is_dir() else []
    others = (path.name for path in inside if path.suffix in _YAML and path.name not in MARKERS)
    files = _beginning(typed, (before + name for name in others))
    folders = _beginning(typed, (f"{before}{path.name}/" for path in inside if path.is_dir()))
    return [*dict.fromkeys([*pipelines, *files]), *(folders if files and not pipelines else [])]


def component_names(project: Project) -> list[str]:
    """Names of the components that are declared."""
    return list(project.registry.names())


def connection_references(project: Project) -> list[str]:
    """`@family.alias` of each connection that is declared."""
    return declared_references(project.root)


def recent_runs(project: Project) -> list[tuple[str, str]]:
    """Ids of the newest runs, newest first, each with its pipeline and state."""
    folders = sorted(project.logs_dir.glob("run_*"), key=lambda folder: folder.name, reverse=True)
    return [(folder.name, _came_to(folder)) for folder in folders[:_NEWEST_RUNS]]


def schema_names() -> list[str]:
    """Names of the published schemas, which are shipped as files."""
    shipped = package_files("osiris").joinpath("schemas").iterdir()
    return sorted(Path(file.name).stem for file in shipped if file.name.endswith(".json"))


def _beginning(typed: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(typed)]


def _came_to(folder: Path) -> str:
    try:
        status = json.loads((folder / "status.json").read_text(encoding="utf-8"))
        return f"{status['pipeline']} {status['state']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
