"""What the runner knows of a run while it goes on, put together for the one who asks.

The steps' threads do nothing for it: they count each batch on its edge, and a look reads the counts.
"""

from __future__ import annotations

from dataclasses import asdict

from osiris.runner.attempts import AttemptFactory
from osiris.runner.record import RunRecord
from osiris.runner.step import StepRun
from osiris.session import EdgeProgress, RunSnapshot, StepProgress, StepState, StepStatus


def run_snapshot(record: RunRecord, attempts: AttemptFactory) -> RunSnapshot:
    """How the run stands; a look waits for no step and for no file."""
    status = record.status
    runs = dict(attempts.runs)
    return RunSnapshot(
        run_id=status.run_id,
        pipeline=status.pipeline,
        state=status.state,
        elapsed_ms=record.elapsed_ms if status.duration_ms is None else status.duration_ms,
        steps=[_step(step, runs.get(step.id)) for step in status.steps],
        edges=_edges(attempts, runs),
    )


def _edges(attempts: AttemptFactory, runs: dict[str, StepRun]) -> list[EdgeProgress]:
    """Those of steps that have begun as they stand, the others empty."""
    sources = [source for run in runs.values() for source in run.plan.sources.values()]
    begun = {(source.edge.to_step, source.edge.input): source for source in sources}
    return [
        begun[key].progress()
        if (key := (edge.to_step, edge.input)) in begun
        else EdgeProgress(**asdict(edge))
        for edge in attempts.edges
    ]


def _step(status: StepStatus, run: StepRun | None) -> StepProgress:
    if run is None:
        return StepProgress(id=status.id, component=status.component, state=status.state)
    return StepProgress(
        id=status.id,
        component=status.component,
        state=_state(status, run),
        attempt=run.context.attempt,
        elapsed_ms=run.elapsed_ms,
        rows_in=run.rows_in,
        rows_out=run.rows_out,
        bytes_in=run.bytes_in,
        bytes_out=run.bytes_out,
    )


def _state(status: StepStatus, run: StepRun) -> StepState:
    """A step that has ended is recorded when its whole region has."""
    return run.state if status.state is StepState.RUNNING else status.state
