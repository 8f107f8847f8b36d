"""A plan as a reviewer reads it: what is different, how the run would start, what becomes of each target."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from osiris.cli.terminal import clean, count, in_one_line, out, paint, size, table
from osiris.core import ColumnChange, Effect, TargetPreview
from osiris.errors import OsirisError
from osiris.findings import shortened
from osiris.manifest import Change, ManifestChanges, StepChange
from osiris.operations.plan import LastRun, Plan, PlannedRun
from osiris.operations.previews import PlannedTarget

_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
_LONGEST_VALUE = 60


def show_plan(plan: Plan) -> None:
    """The plan, to stdout."""
    out(f"{paint(clean(plan.manifest.name), 'bold')}  {plan.manifest.short_fingerprint}")
    _part("Since the last run", _since(plan.last_run))
    _part("Run", _start(plan.run))
    _part("Sources", (line for error in plan.problems for line in _error(error, str(error.where.step_id))))
    _part("Targets", (line for target in plan.targets for line in _target(target)))
    _part("Mind", _cautions(plan))


def _part(title: str, lines: Iterator[str]) -> None:
    for number, line in enumerate(lines):
        if number == 0:
            out()
            out(title)
        out(f"  {line}")


def _since(last: LastRun | None) -> Iterator[str]:
    if last is None:
        yield "There is none: the pipeline has not run here."
        return
    run = f"{clean(last.run_id)} ({last.state})"
    if last.changes is None:
        yield f"{run} left no manifest that can be read, so nothing can be compared."
        return
    yield f"{run} ran {'another version:' if last.changes else 'the same version.'}"
    yield from _manifest_changes(last.changes)


def _manifest_changes(changes: ManifestChanges) -> Iterator[str]:
    for step in changes.steps:
        yield from _step_change(step)
    for title, group in (("parameter", changes.params), ("pinned", changes.pins)):
        for change in group:
            yield from _change(change, f"{_sign('changed')} {title} {clean(change.key)}", "")


def _step_change(step: StepChange) -> Iterator[str]:
    yield f"{_sign(step.kind)} step {clean(step.step_id)}  {clean(step.component)}"
    for change in step.changes:
        yield from _change(change, clean(change.key), "    ")


def _change(change: Change, name: str, indent: str) -> Iterator[str]:
    """Old and new in one line; a text of several lines as a difference of lines."""
    before, after = change.before, change.after
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        yield f"{indent}{name}"
        yield from (f"{indent}  {line}" for line in _line_changes(before, after))
    else:
        yield f"{indent}{name}  {_value(before)} → {_value(after)}"


def _line_changes(before: str, after: str) -> Iterator[str]:
    for line in difflib.ndiff(before.splitlines(), after.splitlines()):
        if line.startswith(("+ ", "- ")):
            yield paint(clean(line.rstrip()), "green" if line[0] == "+" else "red")


def _value(value: Any) -> str:
    if value is None:
        return "(not set)"
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return clean(shortened(in_one_line(text), _LONGEST_VALUE))


def _start(run: PlannedRun) -> Iterator[str]:
    if run.refusal is not None:
        yield from _error(run.refusal, "would be refused")
    elif run.start == "resumed":
        yield f"takes up {clean(str(run.resumes))} under its run key {clean(str(run.run_key))}"
    elif run.start == "named":
        yield f"under the run key {clean(str(run.run_key))}, which is applied once"
    else:
        yield "a new run with a run key of its own"
        if run.passes_over is not None:
            yield f"the unfinished run {clean(run.passes_over)} is too old to be taken up"


def _target(target: PlannedTarget) -> Iterator[str]:
    yield f"{clean(target.step_id)}  {paint(clean(target.name), 'bold')}"
    if target.preview is not None:
        yield from (f"    {line}" for line in _preview(target, target.preview))
    elif target.failure is None and target.refusal is None:
        yield f"    not known: {clean(target.component)} does not tell what it would do"
    for error, title in ((target.refusal, "would be refused"), (target.failure, "not known")):
        if error is not None:
            yield from (f"    {line}" for line in _error(error, title))


def _preview(target: PlannedTarget, preview: TargetPreview) -> Iterator[str]:
    yield _act(preview)
    if preview.effect is Effect.NOTHING:
        return
    if target.columns is None:
        yield "columns not known before the run"
    elif not preview.exists and preview.refusal is None:
        yield f"columns {', '.join(map(clean, target.columns))}"
    changes = [_column(change) for change in preview.changes]
    yield from table(changes, indent=0)
    yield from map(clean, preview.notes)
    if preview.refusal is None:
        yield from _limits(preview)


def _act(preview: TargetPreview) -> str:
    """What would happen to what is there now."""
    there = _there(preview)
    match preview.effect:
        case Effect.NOTHING:
            return f"committed under this run key before ({there}); would not be written again"
        case Effect.CREATE:
            return "does not exist" if preview.refusal else "does not exist; would be created"
        case Effect.APPEND:
            return f"rows appended to {there}"
        case Effect.MERGE:
            return f"rows merged into {there} by {', '.join(map(clean, preview.keys))}"
        case Effect.REPLACE:
            return _replacement(preview)


def _replacement(preview: TargetPreview) -> str:
    many = "the" if preview.rows == 1 else "all"
    rows = "all of it" if preview.rows is None else f"{many} {count(preview.rows, 'row')}"
    extent = f", {size(preview.bytes)}" if preview.bytes is not None else ""
    danger = f"  {paint('destructive', 'red')}" if preview.is_destructive else ""
    return f"{rows} replaced{extent}{danger}"


def _there(preview: TargetPreview) -> str:
    rows = count(preview.rows, "row") if preview.rows is not None else "an unknown number of rows"
    return f"{rows}, {size(preview.bytes)}" if preview.bytes is not None else rows


def _column(change: ColumnChange) -> tuple[str, ...]:
    if change.target_type is None:
        return "+", change.name, change.input_type or "", "new in the input"
    if change.input_type is None:
        return "-", change.name, change.target_type, "missing in the input"
    lossy = "may lose information" if change.is_lossy else ""
    return "~", change.name, f"{change.target_type} → {change.input_type}", lossy


def _limits(preview: TargetPreview) -> Iterator[str]:
    """What the write does not promise."""
    if not preview.is_atomic:
        yield "not all or nothing: a failure may leave a part of it"
    if preview.repeats:
        yield "at least once: without a key, each new run appends its rows again, and so does"
        yield "this one if both logs/ and its run key are lost"


def _cautions(plan: Plan) -> Iterator[str]:
    """What no single target says."""
    previews = [target.preview for target in plan.targets if target.preview is not None]
    written = sum(preview.effect is not Effect.NOTHING for preview in previews)
    if written > 1:
        yield f"The {written} targets are committed one by one: a failure may leave some unwritten."


def _error(error: OsirisError, title: str) -> Iterator[str]:
    yield f"{clean(title)}: {paint(clean(error.code), 'red')}  {clean(in_one_line(error.message))}"
    if error.hint:
        yield f"  hint: {clean(in_one_line(error.hint))}"


def _sign(kind: str) -> str:
    sign, colour = _SIGNS[kind]
    return paint(sign, colour)
