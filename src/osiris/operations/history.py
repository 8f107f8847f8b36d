"""List and show runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from osiris.errors import UsageError
from osiris.findings import nearest
from osiris.operations.project import Project
from osiris.session import RunRow, RunState, Status
from osiris.session.index import DIED
from osiris.session.session import is_alive


def list_runs(
    project: Project, *, pipeline: str | None = None, state: str | None = None, limit: int = 50
) -> list[RunRow]:
    """Runs, newest first. The state `died` is that of a run whose process ended without a word."""
    states = [*RunState, DIED]
    if state is not None and state not in states:
        hint = f"There are: {', '.join(states)}."
        raise UsageError("USE001", f"There is no state {state!r}.", hint=hint)
    wanted = [
        row
        for row in project.index.rows()
        if (pipeline is None or row.pipeline == pipeline)
        and (state is None or project.index.true_state(row) == state)
    ]
    return wanted[:limit]


@dataclass(frozen=True, slots=True)
class RunView:
    """One run's status and events; `alive` tells a running run from one whose process died."""

    status: dict[str, Any]
    events: list[dict[str, Any]]
    folder: str
    alive: bool

    @property
    def recorded(self) -> Status | None:
        """The status in its typed form; None where it is none of this version."""
        try:
            return Status.model_validate(self.status)
        except ValidationError:
            return None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"folder": self.folder, "alive": self.alive, **self.status, "events": self.events}


def show_run(project: Project, run: str) -> RunView:
    """One run by id, by the beginning of one, or `last`. Raises `UsageError` RUN008."""
    folder = project.logs_dir / _run_id(project, run)
    status = read_status(folder)
    return RunView(status, _events(folder / "events.jsonl"), project.shown(folder), is_alive(folder))


def _run_id(project: Project, run: str) -> str:
    ids = [row.run_id for row in project.index.rows()]
    if run == "last" and ids:
        return ids[0]
    matches = [run_id for run_id in ids if run_id == run or run_id.startswith(run) or run_id.endswith(run)]
    if len(matches) == 1 or run in matches:
        return run if run in matches else matches[0]
    near = nearest(run, ids) or tuple(ids[:3])
    hint = f"Recent runs: {', '.join(near)}." if near else "There are no runs yet."
    raise UsageError("RUN008", f"There is {'no' if not matches else 'more than one'} run {run!r}.", hint=hint)


def read_status(folder: Path) -> dict[str, Any]:
    """What a session's status.json says; nothing where it cannot be read."""
    try:
        loaded: dict[str, Any] = json.loads((folder / "status.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded


def _events(file: Path) -> list[dict[str, Any]]:
    """The events that can be read; a run that was killed may leave half a line."""
    events = []
    for line in file.read_text(encoding="utf-8", errors="replace").split("\n") if file.is_file() else ():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events
