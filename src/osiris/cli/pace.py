"""How fast the steps of a run are at this moment, and who waits for whom: what the last two seconds say."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from osiris.session import EdgeProgress, RunSnapshot, StepProgress, StepState

_SNAPSHOTS = 16
"""Two seconds of them; with fewer, the numbers would jump."""

_LEAST_MS = 200
"""What a shorter time says is chance."""

_MOSTLY = 0.5
"""A step that spent so much of the time waiting is said to wait."""


class Carried(NamedTuple):
    """What a step has done so far: what it gave, or as long as it gave nothing, what it took."""

    rows: int
    bytes: int
    way: str

    @classmethod
    def by(cls, step: StepProgress) -> Carried:
        """What this step has done."""
        if step.rows_out or not step.rows_in:
            return cls(step.rows_out, step.bytes_out, "out")
        return cls(step.rows_in, step.bytes_in, "in ")


class Pace:
    """Remembers the last snapshots of one run."""

    def __init__(self) -> None:
        self._past: deque[RunSnapshot] = deque(maxlen=_SNAPSHOTS)

    def remember(self, now: RunSnapshot) -> None:
        """Take note of how the run stands."""
        self._past.append(now)

    @property
    def _took(self) -> int:
        return self._past[-1].elapsed_ms - self._past[0].elapsed_ms

    def rows(self, step: StepProgress) -> tuple[int, int] | None:
        """How many rows the step carried, and in how many milliseconds; None where that is not known yet."""
        before = next((old for old in self._past[0].steps if old.id == step.id), None)
        if before is None or before.attempt not in (0, step.attempt) or self._took < _LEAST_MS:
            return None
        way = "rows_out" if step.rows_out else "rows_in"
        return getattr(step, way) - getattr(before, way), self._took

    def waits(self) -> dict[str, str]:
        """The steps that mostly waited, each with what for: `waiting for orders`, `held up by save`."""
        if self._took < _LEAST_MS:
            return {}
        before = {(edge.to_step, edge.input): edge for edge in self._past[0].edges}
        running = {step.id for step in self._past[-1].steps if step.state is StepState.RUNNING}
        waits = [
            wait
            for edge in self._past[-1].edges
            for wait in _grown(edge, before.get((edge.to_step, edge.input)))
            if wait.step in running and wait.milliseconds >= _MOSTLY * self._took
        ]
        return {wait.step: wait.words for wait in sorted(waits, key=lambda wait: wait.milliseconds)}


class _Wait(NamedTuple):
    step: str
    milliseconds: int
    words: str


def _grown(edge: EdgeProgress, before: EdgeProgress | None) -> Iterator[_Wait]:
    """How much longer each side has waited than before."""
    producer, consumer = (before.producer_wait_ms, before.consumer_wait_ms) if before else (0, 0)
    yield _Wait(edge.from_step, edge.producer_wait_ms - producer, f"held up by {edge.to_step}")
    yield _Wait(edge.to_step, edge.consumer_wait_ms - consumer, f"waiting for {edge.from_step}")
