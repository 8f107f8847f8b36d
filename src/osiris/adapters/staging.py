"""The folder that a run elsewhere starts from: written on this side, read on the other; no secret is in it.

| In the folder | What it is |
|---|---|
| `manifest.yaml` | what to run |
| `osiris_connections.yaml` | the connections that it uses, as they are declared |
| `components/` | the project's own components, where it uses one |
| `logs/`, `state/`, `work/` | what the run makes there |
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from osiris.adapters.base import Job
from osiris.adapters.message import JobMessage
from osiris.components.registry import Registry
from osiris.connections import ConnectionResolver, load_connections
from osiris.connections.file import FILE_NAME
from osiris.connections.secrets import SecretSources
from osiris.manifest import Manifest, dump_manifest, load_manifest
from osiris.manifest.text import canonical_yaml
from osiris.redaction import is_secret_file
from osiris.runner.config import named_connection
from osiris.session import RunIndex, Session

_MANIFEST, _COMPONENTS = "manifest.yaml", "components"


def stage(job: Job, folder: Path) -> JobMessage:
    """Write the folder, and give what must not be in it. Raises `ConnectionFailed` CON004 or CON005."""
    handover = job.resolver.hand_over(_named_connections(job.manifest, job.registry))
    folder.mkdir(parents=True)
    (folder / _MANIFEST).write_text(dump_manifest(job.manifest), encoding="utf-8")
    connections = canonical_yaml({"connections": handover.connections})
    (folder / FILE_NAME).write_text(connections, encoding="utf-8")
    _copy_components(job.manifest, job.registry, folder / _COMPONENTS)
    return JobMessage(job.session.id, job.request, job.resolver.project_path("."), handover.values)


def staged_job(folder: Path, message: JobMessage) -> Job:
    """The job of a staged folder, its session and scratch space inside that folder.

    The redactor knows the message's secrets before anything of the job runs.
    """
    manifest = load_manifest(folder / _MANIFEST)
    registry = Registry(folder / _COMPONENTS)
    connections = load_connections(folder, registry)
    secrets = SecretSources.given(message.secrets)
    resolver = ConnectionResolver(Path(message.project_root), registry, connections, secrets)
    resolver.hand_over(_named_connections(manifest, registry))
    session = Session.create(folder / "logs", message.run_id)
    index = RunIndex(folder / "state", folder / "logs")
    return Job(manifest, session, registry, resolver, index, folder / "work", message.request)


def staged_session(folder: Path, run_id: str) -> Path:
    """Where the run in a staged folder writes its session."""
    return folder / "logs" / run_id


def _named_connections(manifest: Manifest, registry: Registry) -> list[tuple[str, dict[str, Any]]]:
    named = (named_connection(step, registry.get(step.component)) for step in manifest.steps)
    return [use for use in named if use is not None]


def _copy_components(manifest: Manifest, registry: Registry, target: Path) -> None:
    """Copy the project's components as a whole: their drivers may lie beside each other."""
    source = registry.project_components
    if source is None or not any(_is_below(source, name, registry) for name in manifest.components):
        return
    shutil.copytree(source, target, ignore=_not_for_others, ignore_dangling_symlinks=True)


def _is_below(folder: Path, name: str, registry: Registry) -> bool:
    component = registry.get(name)
    homes = (component.folder, registry.family_folder(component.family))
    return any(home.is_relative_to(folder) for home in homes)


def _not_for_others(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "__pycache__" or is_secret_file(name)}
