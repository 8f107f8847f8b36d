"""Under which run key a run goes, whether it takes an earlier one up, and when it may not begin at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from osiris.errors import PipelineError, RunError, TargetState, UsageError
from osiris.manifest import Manifest
from osiris.operations.history import read_status
from osiris.operations.project import Project
from osiris.session import RunRow, RunState, StepState

_RUN_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}")
"""Ledgers keep run keys in 64 characters, and files are named after them."""


@dataclass(frozen=True, slots=True)
class Start:
    """A run's key, the run that it takes up, and the key of an unfinished one that is too old for that."""

    run_key: str
    named: bool = False
    resumes: str | None = None
    passes_over: str | None = None


def check_run_key(run_key: str | None) -> None:
    """Raise `UsageError` USE001 for a run key that is no short plain name."""
    if run_key is not None and not _RUN_KEY.fullmatch(run_key):
        hint = "Name it like 2024-01-31: 1 to 64 letters, digits and . _ : + -"
        raise UsageError("USE001", f"{run_key!r} cannot be a run key.", hint=hint)


def how_to_start(
    project: Project, manifest: Manifest, run_id: str, *, run_key: str | None, new: bool
) -> Start:
    """The run key: the one given, that of the newest unfinished run if that is young, or the run's own id.

    Raises `RunError` RUN006 where a run goes on under the key, `PipelineError` RUN009 for a key of another
    version, and RUN010 where rows would be appended that an unfinished run has appended already.
    """
    if run_key is not None:
        earlier = project.index.under_key(manifest.name, run_key)
        _refuse_if_alive(project, earlier)
        _refuse_other_version(earlier, manifest.fingerprints.data)
        return Start(run_key, named=True)
    return Start(run_id) if new else _unnamed(project, manifest, run_id)


def _unnamed(project: Project, manifest: Manifest, run_id: str) -> Start:
    unfinished = project.index.unfinished(manifest.name, manifest.fingerprints.data)
    if unfinished is None:
        _refuse_append_after_other_version(project, manifest)
        return Start(run_id)
    under_key = project.index.under_key(manifest.name, unfinished.run_key)
    _refuse_if_alive(project, under_key)
    hours = project.settings.resume_within_hours
    if datetime.now(UTC) - _begun(under_key) < timedelta(hours=hours):
        return Start(unfinished.run_key, resumes=unfinished.run_id)
    if appended := _appended(project, manifest, under_key):
        message = f"The run {unfinished.run_id} {appended}, and began more than {hours:g} hours ago."
        hint = f"Complete that run with --run-key {unfinished.run_key}, or append again with --new."
        raise PipelineError("RUN010", message, hint=hint)
    return Start(run_id, passes_over=unfinished.run_key)


def _begun(rows: list[RunRow]) -> datetime:
    """When the first run under a key began: what is taken up again and again does not stay young."""
    return min(datetime.fromisoformat(row.started_at) for row in rows)


def _refuse_if_alive(project: Project, rows: list[RunRow]) -> None:
    for row in rows:
        if project.index.is_alive(row):
            hint = "Wait for it to end, or start an independent run with --new."
            raise RunError(
                "RUN006", f"The run {row.run_id} of {row.pipeline!r} is still going on.", hint=hint
            )


def _refuse_other_version(rows: list[RunRow], fingerprint: str) -> None:
    for row in rows:
        if row.fingerprint != fingerprint and row.may_have_written:
            raise PipelineError(
                "RUN009",
                f"The run key {row.run_key!r} was used for another version of the pipeline, by {row.run_id}.",
                hint="Take another --run-key to write with this version.",
            )


def _refuse_append_after_other_version(project: Project, manifest: Manifest) -> None:
    """A mended pipeline has a new run key, so what its failed run appended would come twice."""
    rows = (row for row in project.index.rows() if row.pipeline == manifest.name and not row.named_key)
    latest = next(rows, None)
    under_key = project.index.under_key(manifest.name, latest.run_key) if latest else []
    if latest is None or any(row.state is RunState.SUCCEEDED for row in under_key):
        return
    if appended := _appended(project, manifest, under_key):
        message = f"The run {latest.run_id} of an earlier version of this pipeline {appended}."
        hint = "Running this version would append again: say so with --new, or name the run with --run-key."
        raise PipelineError("RUN010", message, hint=hint)


def _appended(project: Project, manifest: Manifest, under_key: list[RunRow]) -> str:
    """`failed after it had appended to …`, where the manifest would append to that again; else nothing."""
    appending = [step for step in manifest.steps if step.config.get("write_mode") == "append"]
    again = {step.id for step in appending} | {str(step.config.get("table")) for step in appending}
    certain: set[str] = set()
    possible: set[str] = set()
    for step, name in _written(project, under_key):
        if again & {step["id"], name.rpartition(":")[2]}:
            (certain if step.get("target") else possible).add(name)
    known = "failed after it had appended" if certain else "failed when it may have appended"
    return f"{known} to {', '.join(sorted(certain or possible))}" if certain | possible else ""


def _written(project: Project, rows: list[RunRow]) -> Iterator[tuple[dict[str, Any], str]]:
    """The steps that have written or may have, each with the name of its target."""
    for row in rows:
        for step in read_status(project.logs_dir / row.run_id).get("steps", []):
            unknown = (step.get("error") or {}).get("target") == TargetState.UNKNOWN
            died = row.state is RunState.RUNNING and step.get("state") == StepState.RUNNING
            if step.get("target") or unknown or died:
                yield step, str((step.get("target") or {}).get("name", f"the target of {step['id']!r}"))
