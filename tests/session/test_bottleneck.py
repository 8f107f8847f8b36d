"""Which step held a run up, from what its steps waited."""

from __future__ import annotations

import pytest

from osiris.session import EdgeStatus, RunState, Status, find_bottleneck

Edge = tuple[str, str, int, int]


def status(*edges: Edge, took: int = 10_000) -> Status:
    """A run with edges (from, to, how long the producer waited, how long the consumer)."""
    return Status(
        run_id="r",
        run_key="r",
        pipeline="p",
        fingerprint="f",
        state=RunState.SUCCEEDED,
        osiris_version="0",
        started_at="",
        duration_ms=took,
        edges=[
            EdgeStatus(
                from_step=source,
                output="df",
                to_step=target,
                input="df",
                spooled=False,
                producer_wait_ms=producer,
                consumer_wait_ms=consumer,
            )
            for source, target, producer, consumer in edges
        ],
    )


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ([("a", "b", 0, 9000), ("b", "c", 0, 9100)], ("a", "b", 9000)),
        ([("a", "b", 9100, 0), ("b", "c", 9000, 0)], ("c", "b", 9000)),
        ([("a", "b", 9000, 0), ("b", "c", 0, 9500)], ("b", "c", 9500)),
        ([("a", "b", 9000, 100), ("b", "c", 0, 200)], ("b", "a", 9000)),
        ([("a", "c", 0, 8000), ("b", "c", 6000, 0)], ("a", "c", 8000)),
    ],
    ids=["source", "sink", "middle", "held up in spite of some waits", "one of two sources"],
)
def test_the_step_that_others_waited_for_is_named(edges: list[Edge], found: tuple[str, str, int]) -> None:
    worst = find_bottleneck(status(*edges))
    assert worst is not None
    assert (worst.slow, worst.waiting, worst.wait_ms) == found
    assert {worst.edge.from_step, worst.edge.to_step} == {worst.slow, worst.waiting}


@pytest.mark.parametrize(
    ("edges", "took"),
    [
        ([], 10_000),
        ([("a", "b", 0, 0)], 10_000),
        ([("a", "b", 0, 1500)], 10_000),
        ([("a", "b", 4000, 3500)], 10_000),
        ([("a", "b", 0, 900)], 950),
    ],
    ids=["no edges", "no waits", "short waits", "both waited", "a short run"],
)
def test_where_no_step_stands_out_none_is_named(edges: list[Edge], took: int) -> None:
    assert find_bottleneck(status(*edges, took=took)) is None
