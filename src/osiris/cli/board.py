"""The steps of a run that goes on as lines for a terminal: how far each one is, and who waits for whom."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from osiris.cli import cells
from osiris.cli.pace import Carried, Pace
from osiris.cli.summary import ENDINGS, short_name
from osiris.cli.terminal import clean, duration, in_one_line, paint, rate, size
from osiris.session import RunSnapshot, StepProgress, StepState

SIGNS = ENDINGS | {StepState.RUNNING: ("▸", "bold"), StepState.WAITING: (" ", "dim")}
"""How a step stands, with the colour."""

_RETRY = ("↻", "yellow")

_DONE = (StepState.COMPLETE, StepState.ALREADY_COMMITTED)
_URGENCY = (StepState.RUNNING, StepState.FAILED, StepState.CANCELLED, StepState.WAITING)
"""Which steps are shown first where there is no room for all; those that are done come last."""

_LINES_AROUND = 4
"""A line of what was before, the one where the cursor rests, the title, and an empty one."""

_LEAST_ACROSS = 20
_LEAST_CELLS = {"id": 8, "component": 0, "rows": 11, "rate": 8, "bytes": 7, "elapsed": 5}
_LEAST_NOTE_CELLS, _MOST_NOTE_CELLS = 16, 28
"""What is left for a note before the id beside it is cut; and for which columns are left out."""

_OPTIONAL = ("component", "bytes", "rate")
"""What a narrow terminal does without, in this order."""


class Row(NamedTuple):
    """One step, cell by cell."""

    id: str
    component: str
    rows: str = ""
    rate: str = ""
    bytes: str = ""
    elapsed: str = ""


class Board:
    """Turns each snapshot of one run into lines; remembers what speeds, waits and widths follow from."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._widths = dict(_LEAST_CELLS)
        self._retries: dict[str, float] = {}

    def observe(self, event: dict[str, Any]) -> None:
        """Remember which step will be tried again, and when."""
        if event["event"] == "step_start":
            self._retries.pop(event["step_id"], None)
        elif event.get("retry_in_seconds") is not None:
            self._retries[event["step_id"]] = time.monotonic() + event["retry_in_seconds"]

    def lines(self, now: RunSnapshot, terminal: os.terminal_size) -> list[str]:
        """Lines that fit into the terminal; none where it is too small for any."""
        self._pace.remember(now)
        room, across = terminal.lines - _LINES_AROUND, terminal.columns - 1
        if room < 1 or across < _LEAST_ACROSS:
            return []
        shown = _most_urgent(now.steps, room)
        lines = [_title(now, across), "", *self._table(shown, now, across)]
        if len(shown) < len(now.steps):
            ids = {step.id for step in shown}
            rest = [step for step in now.steps if step.id not in ids]
            lines.append(paint(cells.cut(_rest(rest), across), "dim", sys.stderr))
        return lines

    def _table(self, steps: Sequence[StepProgress], now: RunSnapshot, across: int) -> list[str]:
        waits = self._pace.waits()
        rows = [self._row(step) for step in steps]
        self._widen(rows)
        columns = self._columns(across)
        notes = [self._note(step, now, waits) for step in steps]
        return [
            self._line(step, _in_columns(row, columns), note, across)
            for step, row, note in zip(steps, rows, notes, strict=True)
        ]

    def _row(self, step: StepProgress) -> Row:
        named = Row(_text(step.id), _text(short_name(step.component)))
        if step.state in (StepState.WAITING, StepState.SKIPPED):
            return named
        carried = Carried.by(step)
        running = step.state is StepState.RUNNING
        speed = self._pace.rows(step) if running and carried.rows else None
        return named._replace(
            rows=f"{carried.rows:,} {carried.way}" if carried.rows else "",
            rate=rate(*speed) if speed else "",
            bytes=size(carried.bytes) if carried.bytes else "",
            elapsed=clock(step.elapsed_ms) if running else duration(step.elapsed_ms),
        )

    def _note(self, step: StepProgress, now: RunSnapshot, waits: Mapping[str, str]) -> str:
        match step.state:
            case StepState.RUNNING:
                attempt = f"attempt {step.attempt}" if step.attempt > 1 else ""
                return _fused(step, now) or waits.get(step.id) or attempt
            case StepState.WAITING:
                return _after(step, now)
            case StepState.FAILED if step.id in self._retries:
                return f"trying again in {max(0.0, self._retries[step.id] - time.monotonic()):.0f} s"
            case StepState.ALREADY_COMMITTED:
                return "committed before"
            case StepState.COMPLETE:
                return ""
        return step.state.value

    def _widen(self, rows: Sequence[Row]) -> None:
        """Columns only ever grow: numbers that move about are hard to read."""
        for name in Row._fields:
            widest = max((cells.width(getattr(row, name)) for row in rows), default=0)
            self._widths[name] = max(self._widths[name], widest)

    def _columns(self, across: int) -> dict[str, int]:
        """The columns that there is room for, with their widths."""
        columns = dict(self._widths)
        note = min(_MOST_NOTE_CELLS, len("waiting for ") + columns["id"])
        for name in _OPTIONAL:
            if _total(columns) + note > across:
                del columns[name]
        lacking = max(0, _total(columns) + _LEAST_NOTE_CELLS - across)
        return columns | {"id": max(_LEAST_CELLS["id"], columns["id"] - lacking)}

    def _line(self, step: StepProgress, text: str, note: str, across: int) -> str:
        sign, colour = _RETRY if step.id in self._retries else SIGNS[step.state]
        text = cells.cut(text, across - 4)
        note = cells.cut(_text(note), across - 4 - cells.width(text) - 2)
        if step.state is StepState.WAITING:
            text = paint(text, "dim", sys.stderr)
        behind = f"  {paint(note, 'dim', sys.stderr)}" if note else ""
        return f"  {paint(sign, colour, sys.stderr)} {text}{behind}"


def clock(milliseconds: int) -> str:
    """Whole seconds, minutes or hours: what is read while it goes on."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def _most_urgent(steps: Sequence[StepProgress], room: int) -> list[StepProgress]:
    """All steps in their order, or as many as leave a line for the number of the others."""
    if len(steps) <= room:
        return list(steps)
    rank = {state: number for number, state in enumerate(_URGENCY)}
    return sorted(steps, key=lambda step: rank.get(step.state, len(rank)))[: room - 1]


def _title(now: RunSnapshot, across: int) -> str:
    done = sum(step.state in _DONE for step in now.steps)
    facts = cells.cut(f"  {clock(now.elapsed_ms)}  {done} of {len(now.steps)} steps done", across)
    name = cells.cut(_text(now.pipeline), across - cells.width(facts))
    return f"{paint(name, 'bold', sys.stderr)}{facts}"


def _rest(steps: Sequence[StepProgress]) -> str:
    """`... and 37 more: 30 done, 7 to come`."""
    words = Counter("done" if step.state in _DONE else _WORDS.get(step.state, "stopped") for step in steps)
    return f"  … and {len(steps)} more: {', '.join(f'{count} {word}' for word, count in words.items())}"


_WORDS = {StepState.WAITING: "to come", StepState.RUNNING: "running"}


def _after(step: StepProgress, now: RunSnapshot) -> str:
    """Which steps must have given something before this one can begin."""
    open_steps = {other.id for other in now.steps if other.state not in _DONE}
    sources = {edge.from_step: None for edge in now.edges if edge.to_step == step.id}
    names = [name for name in sources if name in open_steps]
    return f"after {', '.join(names)}" if names else ""


def _fused(step: StepProgress, now: RunSnapshot) -> str:
    """That another step does the work of this one too; the rows that it hands over have not begun to move."""
    reader = next((edge.to_step for edge in now.edges if edge.fused and edge.from_step == step.id), None)
    return f"in one statement with {reader}" if reader else ""


def _text(given: str) -> str:
    return clean(in_one_line(given))


def _total(columns: Mapping[str, int]) -> int:
    """Cells of a line without its note: the sign and the columns, each with a gap behind it."""
    return 4 + sum(columns.values()) + 2 * len(columns)


def _in_columns(row: Row, columns: Mapping[str, int]) -> str:
    texts = ((name, wide, cells.cut(getattr(row, name), wide)) for name, wide in columns.items())
    parts = [(cells.left if name in ("id", "component") else cells.right)(t, w) for name, w, t in texts]
    return "  ".join(parts)
