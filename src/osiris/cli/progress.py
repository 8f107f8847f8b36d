"""A run as plain lines while it goes on, and as a summary when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from osiris.cli.terminal import clean, count, duration, in_one_line, out, paint, say, size, table
from osiris.operations.runs import RunResult
from osiris.session import RunState, StepState, StepStatus
from osiris.session.status import TargetStatus

_SIGNS = {
    StepState.COMPLETE: ("✓", "green"),
    StepState.ALREADY_COMMITTED: ("=", "blue"),
    StepState.FAILED: ("✗", "red"),
    StepState.CANCELLED: ("-", "yellow"),
    StepState.SKIPPED: ("·", "dim"),
}


def show_event(event: dict[str, Any]) -> None:
    """One line for an event that a person waiting wants to know."""
    writer = _LINES.get(event["event"])
    line = writer(event) if writer is not None else ""
    if line:
        say(f"  {clean(in_one_line(line))}")


def _run_start(event: dict[str, Any]) -> str:
    earlier = event.get("resumes")
    return f"taking up {earlier} under its run key (--new starts afresh)" if earlier else ""


def _step_complete(event: dict[str, Any]) -> str:
    rows = event["rows_written"] or event["rows_out"] or event["rows_in"]
    what = "committed before, nothing to do" if event["state"] == "already_committed" else count(rows, "row")
    return f"✓ {event['step_id']}  {what}  {duration(event['duration_ms'])}"


def _step_failed(event: dict[str, Any]) -> str:
    error = event["error"]
    retry = event.get("retry_in_seconds")
    then = f"  trying again in {retry:.1f} s" if retry is not None else ""
    return f"✗ {event['step_id']}  {error['code']}  {error['message']}{then}"


def _schema_inferred(event: dict[str, Any]) -> str:
    columns = ", ".join(f"{name} {kind}" for name, kind in event["columns"].items())
    rewritten = event.get("normalised")
    note = f"; {', '.join(rewritten)} will be written in another form" if rewritten else ""
    return f"! {event['step_id']}  types inferred from {count(event['rows_sampled'], 'row')}: {columns}{note}"


_LINES: dict[str, Callable[[dict[str, Any]], str]] = {
    "run_start": _run_start,
    "step_start": lambda event: f"… {event['step_id']}  {event['component']}",
    "step_complete": _step_complete,
    "step_failed": _step_failed,
    "step_cancelled": lambda event: f"- {event['step_id']}  stopped because of {event['because_of']}",
    "schema_inferred": _schema_inferred,
    "warning": lambda event: f"! {event['step_id']}  {event['message']}",
}


def show_result(result: RunResult) -> None:
    """What ran, what was written where, and where the evidence is."""
    status = result.status
    ended = {RunState.SUCCEEDED: ("succeeded", "green"), RunState.INTERRUPTED: ("was interrupted", "yellow")}
    word, colour = ended.get(status.state, ("failed", "red"))
    out()
    took = duration(status.duration_ms or 0)
    out(f"{paint(clean(status.pipeline), 'bold')} {paint(word, colour)} in {took}")
    out()
    for line, step in zip(table(map(_step_row, status.steps), indent=0), status.steps, strict=True):
        sign, colour = _SIGNS.get(step.state, ("?", "dim"))
        out(f"  {paint(sign, colour)} {line}")
    written = [_target_row(step.target) for step in status.steps if step.target is not None]
    if written:
        out()
        out("Written")
        for line in table(written):
            out(line)
    out()
    out(f"Evidence  {clean(result.session)}")


def _step_row(step: StepStatus) -> tuple[str, ...]:
    if step.state in (StepState.SKIPPED, StepState.CANCELLED):
        because = f" because of {step.because_of}" if step.because_of else ""
        return step.id, step.component, f"{step.state.value}{because}", ""
    moved = []
    if step.rows_in:
        moved.append(f"{count(step.rows_in, 'row')} in")
    if step.rows_out:
        moved.append(f"{count(step.rows_out, 'row')} out")
    if step.state is StepState.ALREADY_COMMITTED:
        moved = ["committed by an earlier run"]
    elif step.state is StepState.FAILED and step.error is not None:
        moved = [str(step.error["code"])]
    return step.id, step.component, ", ".join(moved) or "0 rows", duration(step.duration_ms)


def _target_row(target: TargetStatus) -> tuple[str, ...]:
    if target.state == "already_committed":
        return target.name, "committed by an earlier run", ""
    extent = count(target.rows or 0, "row") + (f", {size(target.bytes)}" if target.bytes is not None else "")
    return target.name, extent, target.write_mode or ""
