"""Trying again: only what may pass, only where nothing stays, and never longer than told."""

from __future__ import annotations

import time
from typing import Any

import pytest

from osiris.runner import region

QUICK = {"max_attempts": 3, "initial_delay_seconds": 0.01, "max_delay_seconds": 0.02}


def busy(attempts: int, **more: Any) -> dict[str, Any]:
    """Fails with a passing error in the first attempts."""
    return {"raise": "TargetBusy", "attempts": attempts, **more}


def attempts(lab: Any, result: Any, step_id: str) -> list[tuple[str, int]]:
    events = lab.events(result, "step_start", "step_failed", "step_complete", "step_cancelled")
    return [(event["event"], event["attempt"]) for event in events if event["step_id"] == step_id]


@pytest.mark.parametrize("point", ["run", "batch", "end", "close"])
def test_a_passing_failure_is_tried_again(lab: Any, point: str) -> None:
    result = lab.run(
        lab.source(
            "a", batches=3, retry=QUICK, at={point: busy(2) | ({"number": 1} if point == "batch" else {})}
        ),
        lab.relay("b", "a.df"),
        lab.sink("s", "b.df"),
    )
    failed = [(f"step_{what}", n) for n in (1, 2) for what in ("start", "failed")]
    assert attempts(lab, result, "a") == [*failed, ("step_start", 3), ("step_complete", 3)]
    delays = [event["retry_in_seconds"] for event in lab.events(result, "step_failed")]
    assert all(0.005 <= delay <= 0.02 for delay in delays)
    assert lab.written("s") == [0, 1, 2]
    assert lab.outcome(result, "s").attempts == 3
    assert lab.outcome(result, "a").error is None
    assert result.status.exit_code == 0


def test_it_ends_when_the_tries_are_used_up(lab: Any) -> None:
    result = lab.run(lab.source("a", retry=QUICK, at={"run": busy(9)}), lab.sink("s", "a.df"))
    failures = lab.events(result, "step_failed")
    assert [event.get("retry_in_seconds") is None for event in failures] == [False, False, True]
    assert (result.outcome.error.code, result.status.exit_code) == ("CON022", 4)


@pytest.mark.parametrize(
    "step",
    [
        {"raise": "ValueError"},
        {"raise": "DataError"},
        {"raise": "OutcomeUnknown"},
    ],
    ids=["unnamed", "data", "outcome unknown"],
)
def test_what_does_not_pass_by_itself_is_not_tried_again(lab: Any, step: dict[str, Any]) -> None:
    result = lab.run(lab.source("a", retry=QUICK, at={"run": step}), lab.sink("s", "a.df"))
    assert attempts(lab, result, "a") == [("step_start", 1), ("step_failed", 1)]


@pytest.mark.parametrize("target", ["committed", "unknown"])
def test_a_write_that_may_have_happened_is_not_tried_again(lab: Any, target: str) -> None:
    at = {"target": target, "end": busy(9)}
    result = lab.run(lab.source("a"), lab.sink("s", "a.df", retry=QUICK, at=at))
    assert attempts(lab, result, "s") == [("step_start", 1), ("step_failed", 1)]
    assert result.outcome.error.target == target


def test_a_writer_is_rolled_back_before_the_next_try(lab: Any) -> None:
    """The source breaks off after the writer has taken rows; in the end each row is there once."""
    result = lab.run(
        lab.source("a", batches=50, rows=5000, retry=QUICK, at={"batch": busy(2, number=40)}),
        lab.table("t", "a.df"),
    )
    assert result.outcome.error is None
    assert attempts(lab, result, "t")[-1] == ("step_complete", 3)
    assert lab.rows_of("t") == list(range(250_000))


def test_only_the_region_is_tried_again(lab: Any) -> None:
    """What lies behind a spool is read from it, not from the source."""
    result = lab.run(
        lab.source("a", batches=3),
        lab.sink("s", "a.df"),
        lab.relay("b", "a.df", retry=QUICK, at={"end": busy(1)}),
        lab.sink("t", "b.df"),
    )
    assert [lab.outcome(result, step).attempts for step in "asbt"] == [1, 1, 2, 2]
    assert lab.written("t") == [0, 1, 2]


def test_a_spool_is_written_anew_by_a_retry(lab: Any) -> None:
    result = lab.run(
        lab.source("a", batches=3, retry=QUICK, at={"batch": busy(1, number=2)}),
        lab.sink("s", "a.df"),
        lab.sink("t", "a.df"),
    )
    assert result.outcome.error is None
    assert lab.written("s") == lab.written("t") == [0, 1, 2]


def test_a_step_has_only_so_much_time(lab: Any) -> None:
    result = lab.run(
        lab.source("a", timeout_seconds=0.2, at={"run": {"wait_for": lab.file("never")}}),
        lab.sink("s", "a.df"),
    )
    assert (result.outcome.error.code, result.status.exit_code) == ("RUN002", 1)
    assert result.outcome.error.where.step_id == "a"
    assert lab.states(result) == {"a": "failed", "s": "cancelled"}
    assert lab.outcome(result, "s").because_of == "a"
    assert not result.outcome.must_exit


def test_a_slow_source_is_not_its_readers_fault(lab: Any) -> None:
    """The sink's time is up while it waits; it is the sink that had a timeout."""
    result = lab.run(
        lab.source("a", at={"batch": {"wait_for": lab.file("never")}}),
        lab.sink("s", "a.df", timeout_seconds=0.2),
    )
    assert lab.states(result) == {"a": "cancelled", "s": "failed"}
    assert result.outcome.error.code == "RUN002"


def test_each_try_has_the_whole_time(lab: Any) -> None:
    at = {"run": busy(2, hang=0.3)}
    result = lab.run(lab.source("a", timeout_seconds=0.8, retry=QUICK, at=at), lab.sink("s", "a.df"))
    assert result.outcome.error is None


@pytest.mark.parametrize("stubborn", ["a", "s"])
def test_a_step_that_ignores_its_end_is_left_behind(
    lab: Any, stubborn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never reported as complete, and what it does later changes no record."""
    monkeypatch.setattr(region, "STOP_SECONDS", 0.3)
    late = {"run": {"hang": 1.0, "report": {"too": "late"}, "measure": 1, "then_touch": lab.file("late")}}
    at = {stubborn: {"at": late, "timeout_seconds": 0.2}}
    result = lab.run(lab.source("a", **at.get("a", {})), lab.sink("s", "a.df", **at.get("s", {})))
    assert result.outcome.must_exit
    assert lab.states(result)[stubborn] == "failed"
    assert result.outcome.error.code == "RUN002"
    assert result.outcome.error.target == ("unknown" if stubborn == "s" else "unchanged")
    before = lab.events(result)
    assert before[-1]["event"] == "run_failed"
    lab.wait_for("late")
    assert lab.events(result) == before


@pytest.mark.slow
def test_a_process_with_a_stubborn_step_ends_within_five_seconds(lab: Any) -> None:
    at = {"run": {"hang": 60}}
    lab.pipeline(lab.source("a", timeout_seconds=0.2, at=at), lab.sink("s", "a.df"))
    began = time.monotonic()
    done = lab.osiris("run", "pipelines/p.yaml")
    assert (done.returncode, time.monotonic() - began < 6) == (1, True)
    assert "RUN002" in done.stderr
    assert lab.project.index.rows()[0].state == "failed"
    assert lab.leftovers == []
