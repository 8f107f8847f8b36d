"""Keeps the session true while a run goes on: step events, status.json, artifacts."""

from __future__ import annotations

import hashlib
import resource
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from osiris import __version__
from osiris.errors import Cancelled, ExitCode, InternalError, Interrupted, OsirisError, TargetState
from osiris.manifest import Manifest, ManifestStep
from osiris.runner.context import RunIdentity
from osiris.runner.step import Source, StepRun
from osiris.session import EdgeStatus, RunState, Session, Status, StepState, StepStatus
from osiris.session import events as ev
from osiris.session.session import utc_now
from osiris.session.status import TargetStatus


class RunRecord:
    """The written side of one run; safe to call from many threads."""

    def __init__(
        self,
        session: Session,
        manifest: Manifest,
        identity: RunIdentity,
        *,
        adapter: str,
        resumes: str | None,
        passes_over: str | None,
        named_key: bool,
    ) -> None:
        self._session = session
        self._writers = {step.id for step in manifest.steps if step.mode == "write"}
        self._inputs = [(step.id, name) for step in manifest.steps for name in sorted(step.inputs)]
        self._began = time.monotonic()
        self._lock = threading.RLock()
        self._seen: dict[Path, str] = {}
        self._passes_over = passes_over
        self.status = Status(
            run_id=identity.run_id,
            run_key=identity.run_key,
            named_key=named_key,
            pipeline=identity.pipeline,
            fingerprint=identity.fingerprint,
            state=RunState.RUNNING,
            adapter=adapter,
            osiris_version=__version__,
            started_at=utc_now(),
            resumes=resumes,
            steps=[StepStatus(id=step.id, component=step.component) for step in manifest.steps],
        )

    def run_started(self) -> None:
        """The run begins."""
        facts = self.status.model_dump(
            include={"run_id", "run_key", "pipeline", "fingerprint", "adapter", "osiris_version", "resumes"}
        )
        self._session.emit(ev.RunStart(**facts, passes_over=self._passes_over))
        self._session.write_status(self.status)

    def step_started(self, step: ManifestStep, attempt: int) -> None:
        """One attempt of a step begins."""
        with self._lock:
            status = self._step(step.id)
            status.state, status.attempts = StepState.RUNNING, attempt
            status.error, status.because_of = None, None
            self._session.emit(ev.StepStart(step_id=step.id, attempt=attempt, component=step.component))
            self._session.write_status(self.status)

    def step_ended(self, run: StepRun, retry_in: float | None) -> None:
        """One attempt of a step has ended, one way or the other."""
        with self._lock:
            status = self._step(run.step_id)
            self._count(status, run)
            if run.error is None:
                self._completed(status, run)
            elif isinstance(run.error, Cancelled):
                self._cancelled(status, run, run.error)
            else:
                self._failed(status, run, run.error, retry_in)
            self._edges(run)
            self._artifacts(run)
            self._session.write_status(self.status)

    def run_ended(self, error: OsirisError | None, whose_memory: int = resource.RUSAGE_SELF) -> Status:
        """The run is over; `error` is that of the step that caused its failure.

        Its target becomes unknown where that of any step is. `whose_memory` says who carried it out.
        """
        with self._lock:
            status = self.status
            status.ended_at = utc_now()
            status.duration_ms = self.elapsed_ms
            status.peak_rss_bytes = peak_rss_bytes(whose_memory)
            status.exit_code = int(error.exit_code if error else ExitCode.OK)
            status.state = _state(error)
            self._settle_open_steps()
            if error is not None and any(map(_target_is_unknown, status.steps)):
                error.target = TargetState.UNKNOWN
            self._session.measure("peak_rss_bytes", status.peak_rss_bytes, "bytes")
            self._session.measure("duration_ms", status.duration_ms, "ms")
            self._final_event(error)
            self._session.write_status(status)
            return status

    def _settle_open_steps(self) -> None:
        """Steps that never began; and those of which nobody has said how they ended."""
        for step in self.status.steps:
            if step.state is StepState.WAITING:
                step.state = StepState.SKIPPED
            elif step.state is StepState.RUNNING:
                step.state, step.because_of = StepState.CANCELLED, "the runner failed"
                if step.id in self._writers:
                    lost = Cancelled("RUN003", "The runner failed first.", target=TargetState.UNKNOWN)
                    step.error = lost.at_step(step.id).to_dict()

    def _final_event(self, error: OsirisError | None) -> None:
        duration = self.status.duration_ms or 0
        if error is None:
            self._session.emit(ev.RunComplete(duration_ms=duration))
        else:
            self.status.error = error.to_dict()
            exit_code = int(error.exit_code)
            self._session.emit(
                ev.RunFailed(
                    duration_ms=duration,
                    exit_code=exit_code,
                    error=error.to_dict(),
                    traceback=_traceback(error),
                )
            )

    def _step(self, step_id: str) -> StepStatus:
        return next(status for status in self.status.steps if status.id == step_id)

    def _count(self, status: StepStatus, run: StepRun) -> None:
        metrics = run.context.metrics
        status.duration_ms = run.duration_ms
        status.rows_in, status.rows_out = run.rows_in, run.rows_out
        status.bytes_in, status.bytes_out = run.bytes_in, run.bytes_out
        status.fused_into = run.plan.fused_into
        status.rows_read = int(metrics.get("rows_read", 0))
        status.rows_written = int(metrics.get("rows_written", 0))
        status.bytes_read = int(metrics.get("bytes_read", 0))
        status.bytes_written = int(metrics.get("bytes_written", 0))
        for name in ("rows_in", "rows_out"):
            self._session.measure(name, getattr(status, name), "rows", step_id=status.id)
        self._session.measure("duration_ms", status.duration_ms, "ms", step_id=status.id)

    def _completed(self, status: StepStatus, run: StepRun) -> None:
        status.state = run.state
        status.target = _target(run.context.events)
        counts = status.model_dump(
            include={"duration_ms", "rows_in", "rows_out", "rows_read", "rows_written"}
        )
        state: Any = status.state.value
        self._session.emit(
            ev.StepComplete(step_id=run.step_id, attempt=run.context.attempt, state=state, **counts)
        )

    def _failed(self, status: StepStatus, run: StepRun, error: OsirisError, retry_in: float | None) -> None:
        status.state = StepState.FAILED
        status.error = error.at_step(run.step_id).to_dict()
        self._session.emit(
            ev.StepFailed(
                step_id=run.step_id,
                attempt=run.context.attempt,
                duration_ms=run.duration_ms,
                error=status.error,
                traceback=run.traceback,
                retry_in_seconds=retry_in,
            )
        )

    def _cancelled(self, status: StepStatus, run: StepRun, error: Cancelled) -> None:
        status.state = StepState.CANCELLED
        status.because_of = str(error.details.get("because_of", "")) or "the run was stopped"
        if error.target is not TargetState.UNCHANGED:
            status.error = error.at_step(run.step_id).to_dict()
        self._session.emit(
            ev.StepCancelled(
                step_id=run.step_id,
                attempt=run.context.attempt,
                duration_ms=run.duration_ms,
                because_of=status.because_of,
            )
        )

    def _edges(self, run: StepRun) -> None:
        edges = {(edge.to_step, edge.input): edge for edge in self.status.edges}
        for source in run.plan.sources.values():
            status = source.progress().status
            edges[status.to_step, status.input] = status
            if run.error is None:
                self._session.emit(_edge_event(source, status))
        self.status.edges = [edges[key] for key in self._inputs if key in edges]

    def _artifacts(self, run: StepRun) -> None:
        folder = self._session.artifacts_dir / run.step_id
        for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if file.is_file():
                self._artifact(run.step_id, file)

    def _artifact(self, step_id: str, file: Path) -> None:
        """Announce a file that is new, or that another attempt has changed."""
        content = file.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        if self._seen.get(file) != sha256:
            self._seen[file] = sha256
            path = file.relative_to(self._session.folder).as_posix()
            self._session.emit(
                ev.ArtifactCreated(step_id=step_id, path=path, bytes=len(content), sha256=sha256)
            )

    @property
    def elapsed_ms(self) -> int:
        """How long the run takes so far."""
        return round((time.monotonic() - self._began) * 1000)


def peak_rss_bytes(whose: int = resource.RUSAGE_SELF) -> int:
    """Peak resident memory of this process or of its largest child.

    The kernel counts in KiB, on macOS in bytes.
    """
    peak = resource.getrusage(whose).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _state(error: OsirisError | None) -> RunState:
    if error is None:
        return RunState.SUCCEEDED
    return RunState.INTERRUPTED if isinstance(error, Interrupted) else RunState.FAILED


def _target_is_unknown(step: StepStatus) -> bool:
    return step.error is not None and step.error["target"] == TargetState.UNKNOWN


def _traceback(error: OsirisError) -> str:
    """Where the runner itself failed; what a step raised is in the step's own event."""
    if error.where.step_id is not None or not (error.__cause__ or isinstance(error, InternalError)):
        return ""
    return "".join(traceback.format_exception(error.__cause__ or error))


def _edge_event(source: Source, status: EdgeStatus) -> ev.EdgeComplete:
    return ev.EdgeComplete(
        **status.model_dump(exclude={"rows", "bytes"}),
        rows_delivered=source.rows_delivered,
        rows_received=source.rows_received,
        bytes=source.bytes,
        closed_early=source.closed_early,
    )


def _target(events: dict[str, dict[str, Any]]) -> TargetStatus | None:
    """What a writer said of its target, if it is a writer that says so."""
    if fields := events.get("target_written"):
        shown = TargetStatus.model_fields.keys() - {"kind", "name", "state"}
        facts = {name: value for name, value in fields.items() if name in shown}
        return TargetStatus(kind=fields["target"], name=_place(fields), **facts)
    if fields := events.get("already_committed"):
        return TargetStatus(
            kind="target", name=_place(fields), rows=fields.get("rows"), state="already_committed"
        )
    return None


def _place(fields: dict[str, Any]) -> str:
    """`database:table`, the path of a file, or what the driver calls its target."""
    path, table = fields.get("path"), fields.get("table")
    return ":".join(filter(None, (path, table))) or str(fields["target"])
