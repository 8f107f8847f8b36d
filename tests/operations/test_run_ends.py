"""What the records say where a run did not end by the book."""

from __future__ import annotations

import json
from typing import Any

import pytest

from osiris.redaction import redactor
from osiris.runner import region
from osiris.runner.attempts import AttemptFactory
from osiris.session import RunState


def fails(*_: Any) -> None:
    raise ValueError("no such thing as hunter2hunter2")


@pytest.mark.parametrize("where", ["release", "make"])
def test_a_bug_in_the_runner_ends_the_run_with_a_traceback(
    lab: Any, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Around the regions, and inside one."""
    redactor.learn("hunter2hunter2")
    monkeypatch.setattr(AttemptFactory, where, fails)
    result = lab.run(lab.source("a"), lab.sink("s", "a.df"))
    assert (result.outcome.error.code, result.status.state) == ("INT001", RunState.FAILED)
    assert lab.project.index.rows()[0].state is RunState.FAILED
    (event,) = lab.events(result, "run_failed")
    assert "ValueError" in event["traceback"]
    assert "hunter2hunter2" not in event["traceback"]
    assert lab.leftovers == []


def test_other_branches_are_stopped_when_the_runner_fails(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AttemptFactory, "release", fails)
    waiting = {"run": {"touch": lab.file("here"), "wait_for": lab.file("never")}}
    result = lab.run(
        lab.source("a", at={"run": {"wait_for": lab.file("here")}}),
        lab.sink("s", "a.df"),
        lab.source("b", at=waiting),
        lab.sink("t", "b.df"),
    )
    assert result.outcome.error.code == "INT001"
    assert lab.states(result)["t"] == "cancelled"


def test_a_writer_that_did_not_stop_makes_the_target_unknown(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(region, "STOP_SECONDS", 0.2)
    hanging = {"run": {"touch": lab.file("here"), "hang": 3}}
    failing = {"wait_for": lab.file("here"), "raise": "DataError"}
    result = lab.run(lab.source("a", at={"end": failing}), lab.sink("s", "a.df", at=hanging))
    status = json.loads((result.folder / "status.json").read_text())
    step = next(step for step in status["steps"] if step["id"] == "s")
    assert (step["state"], step["error"]["target"]) == ("cancelled", "unknown")
    assert result.outcome.error.code == "DAT001"
    assert result.outcome.error.target == status["error"]["target"] == "unknown"
    assert lab.project.index.rows()[0].may_have_written
