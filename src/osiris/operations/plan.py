"""Plan: what a run would do, without doing any of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osiris.compiler import Compiled
from osiris.components.pins import verify_pins
from osiris.errors import ConnectionFailed, ExitCode, OsirisError, PipelineError
from osiris.findings import Finding
from osiris.manifest import Manifest, ManifestChanges, changes_between, load_manifest
from osiris.operations.pipelines import compile_in_memory, fixed_manifest
from osiris.operations.previews import PlannedTarget, preview_steps
from osiris.operations.project import Project
from osiris.operations.run_keys import check_run_key, how_to_start
from osiris.session import RunRow, new_session_id


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of the pipeline; `changes` is None where its manifest cannot be read any more."""

    run_id: str
    state: str
    started_at: str
    changes: ManifestChanges | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        changes = self.changes.to_dict() if self.changes is not None else None
        return {
            "run_id": self.run_id,
            "state": self.state,
            "started_at": self.started_at,
            "changes": changes,
        }


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """How the run would start: `new`, `resumed`, `named` or `refused`; a new run's key is its id.

    `passes_over` is the run key of an unfinished run that is too old to be taken up.
    """

    start: str
    run_key: str | None = None
    resumes: str | None = None
    passes_over: str | None = None
    refusal: OsirisError | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "start": self.start,
            "run_key": self.run_key,
            "resumes": self.resumes,
            "passes_over": self.passes_over,
            "refusal": self.refusal.to_dict() if self.refusal else None,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run of a manifest would do; `problems` are those of steps that do not write."""

    manifest: Manifest
    last_run: LastRun | None
    run: PlannedRun
    targets: tuple[PlannedTarget, ...]
    problems: tuple[OsirisError, ...]
    warnings: list[Finding] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        """4 where a connection failed, so that something of the plan is not known."""
        errors = [*self.problems, *(target.failure for target in self.targets)]
        failed = any(isinstance(error, ConnectionFailed) for error in errors)
        return ExitCode.CONNECTION if failed else ExitCode.OK

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "pipeline": self.manifest.name,
            "fingerprint": self.manifest.fingerprints.data,
            "last_run": self.last_run.to_dict() if self.last_run else None,
            "run": self.run.to_dict(),
            "targets": [target.to_dict() for target in self.targets],
            "problems": [error.to_dict() for error in self.problems],
            "warnings": [finding.to_dict() for finding in self.warnings],
        }


def plan_pipeline(
    project: Project,
    file: Path,
    params: Mapping[str, Any] | None = None,
    *,
    run_key: str | None = None,
    new: bool = False,
) -> Plan:
    """What `run_pipeline` would do with a pipeline file or a manifest, and the same `run_key` and `new`.

    Connections are opened for reading only; no row of the pipeline is read. Raises `InvalidPipeline`,
    `UsageError` or `PipelineError` where there is nothing to plan. What a run would be refused for, and a
    connection that fails, is part of the plan.
    """
    check_run_key(run_key)
    fixed = fixed_manifest(file, params)
    compiled = Compiled(fixed) if fixed else compile_in_memory(project, file, params)
    manifest = compiled.require()
    run_id = new_session_id("run")
    run = _planned_run(project, manifest, run_id, run_key=run_key, new=new)
    previews = preview_steps(project, manifest, run.run_key or run_id)
    last_run = _last_run(project, manifest)
    return Plan(manifest, last_run, run, previews.targets, previews.problems, compiled.findings)


def _planned_run(
    project: Project, manifest: Manifest, run_id: str, *, run_key: str | None, new: bool
) -> PlannedRun:
    try:
        verify_pins(manifest, project.registry)
        start = how_to_start(project, manifest, run_id, run_key=run_key, new=new)
    except OsirisError as error:
        return PlannedRun("refused", run_key, refusal=error)
    if start.resumes is not None:
        return PlannedRun("resumed", start.run_key, start.resumes)
    if start.named:
        return PlannedRun("named", start.run_key)
    return PlannedRun("new", passes_over=start.passes_over)


def _last_run(project: Project, manifest: Manifest) -> LastRun | None:
    row = next((row for row in project.index.rows() if row.pipeline == manifest.name), None)
    if row is None:
        return None
    state = project.index.true_state(row)
    return LastRun(row.run_id, state, row.started_at, _changes(project, row, manifest))


def _changes(project: Project, row: RunRow, manifest: Manifest) -> ManifestChanges | None:
    try:
        earlier = load_manifest(project.logs_dir / row.run_id / "manifest.yaml")
    except (OSError, PipelineError):
        return None
    return changes_between(earlier, manifest)
