"""A run that has ended: what each step did, what was written where, and what held it up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from osiris.cli.cells import width
from osiris.cli.lines import because
from osiris.cli.terminal import clean, count, duration, out, paint, rate, size, table, terminal_columns
from osiris.session import RunState, Status, StepState, StepStatus, find_bottleneck
from osiris.session.status import TargetStatus

if TYPE_CHECKING:
    from osiris.operations.runs import RunResult

ENDINGS = {
    StepState.COMPLETE: ("✓", "green"),
    StepState.ALREADY_COMMITTED: ("=", "blue"),
    StepState.FAILED: ("✗", "red"),
    StepState.CANCELLED: ("-", "yellow"),
    StepState.SKIPPED: ("·", "dim"),
}
"""How a step ended, with the colour."""

_WITHOUT_FIGURES = (StepState.SKIPPED, StepState.CANCELLED, StepState.RUNNING, StepState.WAITING)

_LEAST_ROWS, _LEAST_MS = 1000, 1000
"""With fewer rows, or in a shorter time, a speed says nothing."""


def show_result(result: RunResult) -> None:
    """What ran, what was written where, and where the evidence is."""
    status = result.status
    ended = {RunState.SUCCEEDED: ("succeeded", "green"), RunState.INTERRUPTED: ("was interrupted", "yellow")}
    word, colour = ended.get(status.state, ("failed", "red"))
    out()
    took = duration(status.duration_ms or 0)
    out(f"{paint(clean(status.pipeline), 'bold')} {paint(word, colour)} in {took}")
    show_steps(status)
    out()
    if status.resumes and any(step.state is StepState.ALREADY_COMMITTED for step in status.steps):
        out("What an earlier run has committed stays as it was written then; --new writes all targets anew.")
    for line in table([*_slowest(status), ("Evidence", result.session)], indent=0):
        out(line)


def show_steps(status: Status) -> None:
    """How each step went or goes, and what was written where."""
    out()
    for line, step in zip(_step_lines(status.steps), status.steps, strict=True):
        sign, colour = ENDINGS.get(step.state, ("…", "dim"))
        out(f"  {paint(sign, colour)} {line}")
    written = [_target_row(step.target) for step in status.steps if step.target is not None]
    if written:
        out()
        out("Written")
        for line in table(written):
            out(line)


def short_name(component: str) -> str:
    """The name without its family, where the rest says enough: `csv_extractor`, but `duckdb.processor`."""
    role = component.rpartition(".")[2]
    return role if "_" in role else component


def _step_lines(steps: Sequence[StepStatus]) -> list[str]:
    """A line for each step; where a terminal is too narrow, components have shorter names, or none."""
    room = terminal_columns() - len("  ✓ ")
    lines: list[str] = []
    for named in (str, short_name, lambda _: ""):
        lines = table((_step_row(step, named(step.component)) for step in steps), indent=0, right=(3, 4, 5))
        if max(map(width, lines), default=0) <= room:
            break
    return lines


def _step_row(step: StepStatus, component: str) -> tuple[str, ...]:
    what = _what_it_did(step)
    if step.state in _WITHOUT_FIGURES:
        return step.id, component, what, "", "", ""
    carried = step.bytes_out or step.bytes_in
    rows = max(step.rows_in, step.rows_out)
    has_speed = rows >= _LEAST_ROWS and step.duration_ms >= _LEAST_MS
    return (
        step.id,
        component,
        what,
        size(carried) if carried else "",
        rate(rows, step.duration_ms) if has_speed else "",
        duration(step.duration_ms),
    )


def _what_it_did(step: StepStatus) -> str:
    if step.state in _WITHOUT_FIGURES:
        return f"{step.state.value} {because(step.because_of)}" if step.because_of else step.state.value
    if step.state is StepState.ALREADY_COMMITTED:
        return "committed by an earlier run"
    if step.state is StepState.FAILED and step.error is not None:
        return str(step.error["code"])
    moved = [
        f"{count(rows, 'row')} {way}" for rows, way in ((step.rows_in, "in"), (step.rows_out, "out")) if rows
    ]
    if step.fused_into:
        moved.append(f"in one statement with {step.fused_into}")
    return ", ".join(moved) or "0 rows"


def _target_row(target: TargetStatus) -> tuple[str, ...]:
    if target.state == "already_committed":
        return target.name, "committed by an earlier run", ""
    extent = count(target.rows or 0, "row") + (f", {size(target.bytes)}" if target.bytes is not None else "")
    return target.name, extent, f"{target.write_mode or ''}{_outcomes(target)}"


def _outcomes(target: TargetStatus) -> str:
    """How many rows a merge added and changed; the other modes do one thing with all of them."""
    if target.write_mode != "merge":
        return ""
    counts = {"new": target.rows_inserted, "updated": target.rows_updated, "deleted": target.rows_deleted}
    told = ", ".join(f"{number:,} {word}" for word, number in counts.items() if number)
    return f" ({told})" if told else ""


def _slowest(status: Status) -> list[tuple[str, str]]:
    found = find_bottleneck(status)
    if found is None:
        return []
    edge = f"{found.edge.from_step} → {found.edge.to_step}"
    return [("Slowest", f"{edge}: {found.waiting} waited {duration(found.wait_ms)} for {found.slow}")]
