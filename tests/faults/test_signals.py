"""Ctrl-C and SIGTERM at the real command: an orderly end within five seconds, and nothing half done."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import Any

import pytest

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SECONDS = 5


def begun(lab: Any, *steps: dict[str, Any]) -> subprocess.Popen[str]:
    """A run that has come to where a step touches `here`."""
    process = lab.start("run", lab.pipeline(*steps))
    lab.wait_for("here")
    return process


def stopped(process: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str]:
    began = time.monotonic()
    process.send_signal(number)
    said = process.communicate(timeout=30)
    assert time.monotonic() - began < SECONDS
    assert process.returncode == CODES[number]
    assert "Traceback" not in said[0] + said[1]
    return said


def waiting(lab: Any, **more: Any) -> dict[str, Any]:
    return {"touch": lab.file("here"), "wait_for": lab.file("never"), **more}


@pytest.mark.parametrize("number", CODES)
def test_a_signal_ends_the_run_in_order(lab: Any, number: signal.Signals) -> None:
    """The writer has taken rows; none of them stays, and the next run does it all."""
    lab.run(lab.source("a", start=7), lab.table("t", "a.df"), name="before")
    steps = (lab.source("a", batches=9, at={"batch": waiting(lab, number=8)}), lab.table("t", "a.df"))
    out, err = stopped(begun(lab, *steps), number)
    row = lab.project.index.rows()[0]
    assert (row.state, row.exit_code, row.error_code) == ("interrupted", CODES[number], "RUN004")
    status = json.loads((lab.root / "logs" / row.run_id / "status.json").read_text())
    assert [step["state"] for step in status["steps"]] == ["cancelled", "cancelled"]
    assert "was interrupted" in out
    assert "stopping" in err
    assert "same command again" in err
    assert lab.rows_of("t") == [7]
    assert lab.leftovers == []
    (lab.root / "never").touch()
    again = lab.run(*steps)
    assert again.status.resumes == row.run_id
    assert lab.rows_of("t") == sorted([7, *range(9)])


def test_a_step_without_edges_under_way_is_cancelled_not_failed(lab: Any) -> None:
    """It has no channel that could carry the cause, and raises what it likes when it is stopped."""
    at = {"run": waiting(lab, **{"raise": "ValueError"})}
    stopped(begun(lab, lab.source("a", at=at), lab.sink("s", "a.df"), lab.sink("t", "a.df")), signal.SIGINT)
    status = json.loads(next((lab.root / "logs").glob("run_*/status.json")).read_text())
    assert [step["state"] for step in status["steps"]] == ["cancelled", "skipped", "skipped"]
    assert status["error"]["code"] == "RUN004"


def test_a_signal_ends_the_wait_before_a_retry(lab: Any) -> None:
    retry = {"max_attempts": 3, "initial_delay_seconds": 300, "max_delay_seconds": 300}
    at = {"run": {"touch": lab.file("here"), "raise": "TargetBusy"}}
    process = begun(lab, lab.source("a", retry=retry, at=at), lab.sink("s", "a.df"))
    for line in process.stderr or ():
        if "trying again" in line:
            break
    stopped(process, signal.SIGINT)


def test_a_signal_stops_an_engine_at_work(lab: Any) -> None:
    """A query of hours, in the middle of its work."""
    query = (
        "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b, df WHERE hash(a.range, b.range) = 1"
    )
    source = lab.source("a", at={"end": {"touch": lab.file("here")}})
    process = begun(
        lab, source, lab.step("q", "duckdb.processor", "a.df", query=query), lab.table("t", "q.df")
    )
    stopped(process, signal.SIGINT)
    assert lab.leftovers == []


@pytest.mark.slow
def test_a_stubborn_step_does_not_outlive_five_seconds(lab: Any) -> None:
    at = {"run": {"touch": lab.file("here"), "hang": 60}}
    process = begun(lab, lab.source("a", at=at), lab.sink("s", "a.df"))
    stopped(process, signal.SIGTERM)
    assert lab.project.index.rows()[0].state == "interrupted"
    assert lab.leftovers == []


def test_the_second_request_ends_the_process_at_once(lab: Any) -> None:
    at = {"run": {"touch": lab.file("here"), "hang": 60}}
    process = begun(lab, lab.source("a", at=at), lab.sink("s", "a.df"))
    process.send_signal(signal.SIGINT)
    for line in process.stderr or ():
        if "stopping" in line:
            break
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert time.monotonic() - began < 3, "an orderly stop waits longer for this step"
    assert process.returncode == 130
    listed = json.loads(lab.osiris("runs", "list", "--json").stdout)["runs"]
    assert listed[0]["died"]


def test_json_is_one_document_even_when_interrupted(lab: Any) -> None:
    file = lab.pipeline(lab.source("a", at={"run": waiting(lab)}), lab.sink("s", "a.df"))
    process = lab.start("run", file, "--json")
    lab.wait_for("here")
    out, _ = stopped(process, signal.SIGINT)
    assert json.loads(out)["exit_code"] == 130


def test_a_failed_run_that_is_interrupted_says_both(lab: Any) -> None:
    """One branch has failed, the other is stopped: the run is interrupted, the step has failed."""
    process = begun(
        lab,
        lab.source("a", at={"run": {"raise": "DataError"}}),
        lab.sink("s", "a.df"),
        lab.source("b", needs=[], at={"run": waiting(lab)}),
        lab.sink("t", "b.df"),
    )
    for line in process.stderr or ():
        if "✗ a" in line:
            break
    stopped(process, signal.SIGINT)
    status = json.loads(next((lab.root / "logs").glob("run_*/status.json")).read_text())
    assert {step["id"]: step["state"] for step in status["steps"]} == {
        "a": "failed",
        "s": "cancelled",
        "b": "cancelled",
        "t": "cancelled",
    }


@pytest.mark.slow
def test_a_signal_is_heard_at_any_moment(lab: Any) -> None:
    """Many at once: one of them falls between the main thread's last look and its wait."""
    for _ in range(10):
        at = {"run": {"touch": lab.file("here"), "wait_for": lab.file("never")}}
        process = begun(lab, lab.source("a", at=at), lab.sink("s", "a.df"))
        stopped(process, signal.SIGTERM)
        (lab.root / "here").unlink()
