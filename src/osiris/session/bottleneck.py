"""Which step held a run up, read from how long its neighbours waited."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from osiris.session.status import EdgeStatus, Status

_LEAST_RUN_MS = 1000
"""Shorter runs are mostly starting up."""

_LEAST_SHARE = 0.2
"""How much of the run somebody must have waited."""


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """`waiting` waited so long along the edge for `slow`, which itself waited for nobody as long."""

    edge: EdgeStatus
    slow: str
    waiting: str
    wait_ms: int


def find_bottleneck(status: Status) -> Bottleneck | None:
    """The edge along which the slowest step was waited for; None where no step stands out.

    A step that is starved starves its readers too, and one that is held up holds up its sources. So what
    others waited for a step counts only beyond what the step itself waited for others.
    """
    waits = [wait for edge in status.edges for wait in _waits(edge)]
    own = Counter[str]()
    for wait in waits:
        own[wait.waiting] += wait.wait_ms
    worst = max(waits, key=lambda wait: wait.wait_ms - own[wait.slow], default=None)
    took = status.duration_ms or 0
    if worst is None or took < _LEAST_RUN_MS or worst.wait_ms - own[worst.slow] < _LEAST_SHARE * took:
        return None
    return worst


def _waits(edge: EdgeStatus) -> tuple[Bottleneck, Bottleneck]:
    return (
        Bottleneck(edge, edge.from_step, edge.to_step, edge.consumer_wait_ms),
        Bottleneck(edge, edge.to_step, edge.from_step, edge.producer_wait_ms),
    )
