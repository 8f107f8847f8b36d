"""How a run stands, asked while it goes on; and what stays of that in its record."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from osiris.session import RunSnapshot

SECONDS = 30


@contextmanager
def running(lab: Any, *steps: dict[str, Any]) -> Iterator[Callable[..., RunSnapshot]]:
    """Carries out the steps in a thread of its own; what it gives asks for progress until that fits."""
    adapters: list[Any] = []
    begun = threading.Event()

    def begin(adapter: Any) -> None:
        adapters.append(adapter)
        begun.set()

    thread = threading.Thread(target=lambda: lab.run(*steps, on_start=begin))
    thread.start()
    assert begun.wait(SECONDS)

    def ask(fits: Callable[[RunSnapshot], bool] = lambda _: True) -> RunSnapshot:
        deadline = time.monotonic() + SECONDS
        while not fits(snapshot := adapters[0].progress()):
            assert time.monotonic() < deadline, snapshot
            time.sleep(0.005)
        return snapshot

    try:
        yield ask
    finally:
        (lab.root / "go").touch()
        thread.join(SECONDS)


def step(snapshot: RunSnapshot, step_id: str) -> Any:
    return next(step for step in snapshot.steps if step.id == step_id)


def states(snapshot: RunSnapshot) -> dict[str, str]:
    return {step.id: step.state.value for step in snapshot.steps}


def waiting(lab: Any, number: int) -> dict[str, Any]:
    return {"batch": {"number": number, "wait_for": lab.file("go")}}


def test_counts_are_those_of_the_moment(lab: Any) -> None:
    many = lab.source("a", batches=5, rows=100, at=waiting(lab, 3))
    with running(lab, many, lab.relay("b", "a.df"), lab.sink("s", "b.df")) as ask:
        now = ask(lambda now: step(now, "s").rows_in == 300)
        assert (step(now, "a").rows_out, step(now, "a").bytes_out) == (300, 2400)
        assert (step(now, "b").rows_in, step(now, "b").rows_out) == (300, 300)
        assert (step(now, "s").bytes_in, step(now, "s").rows_out) == (2400, 0)
        assert states(now) == {"a": "running", "b": "running", "s": "running"}
        assert now.state == "running"
        later = ask(lambda later: later.elapsed_ms > now.elapsed_ms + 20)
        assert all(new.elapsed_ms > old.elapsed_ms for new, old in zip(later.steps, now.steps, strict=True))


def test_each_edge_says_who_waits(lab: Any) -> None:
    starved = lab.source("a", at=waiting(lab, 0))
    full = lab.source("b", batches=4, rows=1_000_000)
    with running(lab, starved, lab.sink("s", "a.df"), full, lab.sink("t", "b.df", at=waiting(lab, 0))) as ask:
        ask(lambda now: [edge.waiting for edge in now.edges] == ["consumer", "producer"])
        first, second = ask(
            lambda now: all(e.producer_wait_ms + e.consumer_wait_ms > 50 for e in now.edges)
        ).edges
    assert (first.from_step, first.to_step, first.filled, first.producer_wait_ms) == ("a", "s", 0, 0)
    assert (second.from_step, second.to_step, second.spooled) == ("b", "t", False)
    assert 0.5 < second.filled <= 1


def test_a_step_that_has_ended_is_done_before_its_region_is(lab: Any) -> None:
    at = {"end": {"wait_for": lab.file("go")}}
    with running(lab, lab.source("a"), lab.sink("s", "a.df", at=at)) as ask:
        now = ask(lambda now: states(now) == {"a": "complete", "s": "running"})
        assert step(now, "a").elapsed_ms == ask().steps[0].elapsed_ms


def test_steps_that_have_not_begun_are_there_with_their_edges(lab: Any) -> None:
    with running(
        lab, lab.source("a", at=waiting(lab, 0)), lab.sink("s", "a.df"), lab.sink("t", "a.df")
    ) as ask:
        now = ask(lambda now: states(now)["a"] == "running")
    assert states(now) == {"a": "running", "s": "waiting", "t": "waiting"}
    assert [(e.from_step, e.to_step, e.spooled, e.rows, e.waiting) for e in now.edges] == [
        ("a", "s", True, 0, None),
        ("a", "t", True, 0, None),
    ]


def test_a_new_attempt_counts_anew(lab: Any) -> None:
    retry = {"max_attempts": 2, "initial_delay_seconds": 0}
    at = {"batch": {"number": 1, "attempts": 1, "raise": "TargetBusy"}, "end": {"wait_for": lab.file("go")}}
    with running(lab, lab.source("a", batches=2, rows=10, retry=retry, at=at), lab.sink("s", "a.df")) as ask:
        now = ask(lambda now: step(now, "s").rows_in == 20)
    assert [(step.attempt, step.rows_in, step.rows_out) for step in now.steps] == [(2, 0, 20), (2, 20, 0)]
    assert now.edges[0].rows == 20


def test_it_is_plain_data(lab: Any) -> None:
    with running(lab, lab.source("a", at=waiting(lab, 0)), lab.sink("s", "a.df")) as ask:
        now = ask(lambda now: bool(now.edges))
    assert RunSnapshot.model_validate_json(now.model_dump_json()) == now


def test_at_the_end_it_agrees_with_the_status(lab: Any) -> None:
    asked: list[Any] = []
    result = lab.run(
        lab.source("a", batches=3, rows=7),
        lab.sink("s", "a.df"),
        lab.sink("t", "a.df"),
        on_start=asked.append,
    )
    end = asked[0].progress()
    assert end.state == result.status.state == "succeeded"
    assert end.elapsed_ms == result.status.duration_ms
    for now, recorded in zip(end.steps, result.status.steps, strict=True):
        counts = ("rows_in", "rows_out", "bytes_in", "bytes_out")
        assert now.model_dump(include=set(counts)) == recorded.model_dump(include=set(counts))
    assert [edge.status for edge in end.edges] == result.status.edges
    assert [(e.from_step, e.to_step, e.rows, e.bytes, e.spooled) for e in result.status.edges] == [
        ("a", "s", 21, 168, True),
        ("a", "t", 21, 168, True),
    ]


def test_waits_are_recorded_with_the_edge(lab: Any) -> None:
    at = {"number": 1, "wait_for": lab.file("seen"), "hang": 0.05}
    seen = {"batch": {"number": 0, "touch": lab.file("seen")}}
    result = lab.run(lab.source("a", batches=2, at={"batch": at}), lab.sink("s", "a.df", at=seen))
    (edge,) = result.status.edges
    (event,) = lab.events(result, "edge_complete")
    assert edge.consumer_wait_ms > 0
    assert edge.producer_wait_ms == 0
    assert {name: event[name] for name in ("producer_wait_ms", "consumer_wait_ms")} == {
        "producer_wait_ms": 0,
        "consumer_wait_ms": edge.consumer_wait_ms,
    }


@pytest.mark.parametrize("name", ["DataError", "ValueError"])
def test_a_failed_run_keeps_what_had_passed(lab: Any, name: str) -> None:
    at = {"batch": {"number": 2, "raise": name}}
    result = lab.run(lab.source("a", batches=3, rows=5, at=at), lab.sink("s", "a.df"))
    assert result.status.edges[0].rows <= 10
    assert lab.outcome(result, "a").rows_out == 10
