"""What happens in a run as plain lines: one for each event that a person waiting wants to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from osiris.cli.terminal import clean, count, duration, in_one_line, say

if TYPE_CHECKING:
    from osiris.adapters import ExecutionAdapter

Tellers = Mapping[str, Callable[[dict[str, Any]], str]]


class Lines:
    """Says a line, to stderr, for each event that it has a teller for."""

    def __init__(self, tellers: Tellers) -> None:
        self._tellers = tellers

    def observe(self, event: dict[str, Any]) -> None:
        """An event has been written."""
        tell = self._tellers.get(event["event"])
        line = tell(event) if tell is not None else ""
        if line:
            say(f"  {clean(in_one_line(line))}")

    def watch(self, adapter: ExecutionAdapter) -> None:
        """The run begins here; the events will say all."""


def because(reason: str) -> str:
    """`because of orders`, `because the run was stopped`: a reason is a step's id, or words of ours."""
    return f"because {reason}" if " " in reason else f"because of {reason}"


def _run_start(event: dict[str, Any]) -> str:
    if earlier := event.get("resumes"):
        return f"taking up {earlier} under its run key (--new starts afresh)"
    if old := event.get("passes_over"):
        return f"not taking up {old}, which began too long ago (--run-key {old} completes it)"
    return ""


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


KEPT: Tellers = {
    "run_start": _run_start,
    "step_failed": _step_failed,
    "schema_inferred": _schema_inferred,
    "warning": lambda event: f"! {event['step_id']}  {event['message']}",
}
"""What must not be missed, whatever else shows the run."""

ALL: Tellers = {
    **KEPT,
    "step_start": lambda event: f"… {event['step_id']}  {event['component']}",
    "step_complete": _step_complete,
    "step_cancelled": lambda event: f"- {event['step_id']}  stopped {because(event['because_of'])}",
}
