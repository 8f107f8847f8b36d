"""A run in a process of its own: what the child gets and tells, and what follows when one of the two dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from osiris.session.session import is_alive

ISOLATED = ("--adapter", "isolated")
SECONDS = 5


def record(lab: Any) -> dict[str, Any]:
    """The status of the newest run; its events are numbered without gaps and end with the run's end."""
    row = lab.project.index.rows()[0]
    folder = lab.root / "logs" / row.run_id
    status: dict[str, Any] = json.loads((folder / "status.json").read_text())
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [events[0]["event"], events[-1]["event"]] == ["run_start", "run_failed"]
    assert events[-1]["error"] == status["error"]
    assert (row.state.value, row.exit_code) == (status["state"], status["exit_code"])
    return status


def dies(lab: Any, how: str | int) -> dict[str, Any]:
    """Dies the first time; `dead` tells the second one."""
    return {"unless": lab.file("dead"), "touch": lab.file("dead"), "die": how}


HOW = [
    ("SIGKILL", "was ended by SIGKILL", {"signal": "SIGKILL"}),
    ("SIGSEGV", "was ended by SIGSEGV", {"signal": "SIGSEGV"}),
    (7, "ended with exit code 7", {"exit_code": 7}),
    (0, "ended with exit code 0", {"exit_code": 0}),
]


@pytest.mark.parametrize(
    ("how", "words", "details"), [HOW[0], *(pytest.param(*h, marks=pytest.mark.slow) for h in HOW[1:])]
)
def test_a_child_that_dies_fails_the_run_by_name_and_the_next_one_finishes_it(
    lab: Any, how: str | int, words: str, details: dict[str, Any]
) -> None:
    steps = (lab.source("a", at={"batch": dies(lab, how)}), lab.table("t", "a.df"), lab.sink("s", "a.df"))
    done = lab.osiris("run", lab.pipeline(*steps), *ISOLATED)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert f"RUN011  The process that carried out the run {words} before the run was over." in done.stderr
    error = record(lab)["error"]
    assert (error["code"], error["error"], error["target"]) == ("RUN011", "RunError", "unchanged")
    assert error["details"] == details
    again = lab.run(*steps, adapter="isolated")
    assert again.status.resumes is not None
    assert lab.rows_of("t") == [0]
    assert lab.leftovers == []


def test_a_writer_at_work_has_an_unknown_target(lab: Any) -> None:
    at = {"end": dies(lab, "SIGKILL")}
    result = lab.run(lab.source("a"), lab.sink("s", "a.df", at=at), adapter="isolated")
    status = record(lab)
    assert status["error"]["target"] == "unknown"
    assert result.outcome.error.target.value == "unknown"
    assert {step["id"]: (step["state"], (step["error"] or {}).get("target")) for step in status["steps"]} == {
        "a": ("cancelled", None),
        "s": ("cancelled", "unknown"),
    }
    assert status["peak_rss_bytes"] > 10_000_000


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.parametrize(
    "failpoint", ["commit.before_commit", "commit.after_commit", "publish.between_renames"]
)
def test_killed_while_it_commits_the_next_run_writes_each_row_once(lab: Any, failpoint: str) -> None:
    file = lab.pipeline(
        lab.source("a", rows=9),
        lab.table("t", "a.df"),
        lab.step("f", "filesystem.csv_writer", "a.df", path="out/f.csv") | {"needs": ["t"]},
    )
    struck = lab.osiris("run", file, *ISOLATED, env=os.environ | {"OSIRIS_FAILPOINTS": f"{failpoint}=kill"})
    assert (struck.returncode, record(lab)["error"]["target"]) == (1, "unknown")
    again = lab.osiris("run", file, *ISOLATED, "--json")
    assert json.loads(again.stdout)["resumes"] is not None
    assert lab.rows_of("t") == list(range(9))
    assert (lab.root / "out/f.csv").read_text().split() == ["id", *map(str, range(9))]


def test_events_come_while_the_run_goes_on(lab: Any) -> None:
    seen = []

    def watch(event: dict[str, Any]) -> None:
        seen.append(event["seq"])
        if event["event"] == "driver_event":
            (lab.root / "go on").touch()

    steps = (
        lab.source("a", at={"run": {"report": {"n": 1}}, "batch": {"wait_for": lab.file("go on")}}),
        lab.sink("s", "a.df"),
    )
    result = lab.run(*steps, adapter="isolated", observers=(watch,))
    assert result.outcome.error is None
    assert seen == list(range(1, len(seen) + 1))


def test_it_tells_how_it_stands_while_it_goes_on(lab: Any) -> None:
    adapters: list[Any] = []
    seen: list[Any] = []

    def look() -> None:
        while (snapshot := adapters[0].progress()) is None or snapshot.edges[0].rows == 0:
            time.sleep(0.01)
        seen.append(snapshot)
        (lab.root / "go on").touch()

    at = {"batch": {"number": 3, "wait_for": lab.file("go on")}}
    steps = (lab.source("a", batches=4, rows=5, at=at), lab.sink("s", "a.df"))
    watcher = threading.Thread(target=look)
    result = lab.run(*steps, adapter="isolated", on_start=lambda a: (adapters.append(a), watcher.start()))
    watcher.join()
    assert (seen[0].run_id, seen[0].state.value) == (result.status.run_id, "running")
    assert {step.id: step.state.value for step in seen[0].steps} == {"a": "running", "s": "running"}
    assert seen[0].edges[0].rows in (5, 10, 15)


def test_the_child_gets_a_clean_place(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROBE_TOKEN", "SHELL_SECRET", "PYTHONPATH"):
        monkeypatch.setenv(name, "hunter2hunter2")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    result = lab.run(lab.source("a", at={"run": {"look": True}}), lab.sink("s", "a.df"), adapter="isolated")
    (looked,) = lab.events(result, "driver_event")
    given = looked["fields"]
    assert {"PATH", "LC_ALL"} <= set(given["variables"])
    assert not {"PROBE_TOKEN", "SHELL_SECRET", "PYTHONPATH"} & set(given["variables"])
    assert Path(given["folder"]).is_relative_to(lab.root / ".osiris" / "work" / result.status.run_id)
    assert not Path(given["folder"]).exists()
    assert (given["stdin"], given["session"]) == ("", True)


@pytest.mark.parametrize("form", [("--json",), pytest.param((), marks=pytest.mark.slow)], ids=str)
def test_what_a_driver_prints_is_never_taken_for_a_report(lab: Any, form: tuple[str, ...]) -> None:
    frame = json.dumps({"kind": "event", "number": 2, "body": {"event": "run_complete", "seq": 2}})
    file = lab.pipeline(lab.source("a", at={"run": {"print": f"loud\n{frame}\nlast"}}), lab.sink("s", "a.df"))
    done = lab.osiris("run", file, *ISOLATED, *form)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("loud") == done.stderr.count("run_complete") == 2
    assert "last" in done.stderr
    if form:
        assert json.loads(done.stdout)["adapter"] == "isolated"
    else:
        assert "loud" not in done.stdout


def test_a_broken_report_ends_the_run(lab: Any) -> None:
    at = {"batch": {"jam": "no report\n", "wait_for": lab.file("never")}}
    result = lab.run(lab.source("a", at=at), lab.sink("s", "a.df"), adapter="isolated")
    error = record(lab)["error"]
    assert (error["code"], error["target"], result.status.exit_code) == ("RUN012", "unknown", 1)
    assert lab.leftovers == []


def waiting(lab: Any, **more: Any) -> dict[str, Any]:
    return {"touch": lab.file("here"), "wait_for": lab.file("never"), **more}


def begun(lab: Any, at: dict[str, Any]) -> subprocess.Popen[str]:
    """A run in the middle of a batch."""
    process = lab.start(
        "run", lab.pipeline(lab.source("a", at={"batch": at}), lab.table("t", "a.df")), *ISOLATED
    )
    lab.wait_for("here")
    return process


def stopped(process: subprocess.Popen[str], number: signal.Signals) -> str:
    began = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < SECONDS
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    return err


def wait_for_the_end(lab: Any) -> None:
    """Until nobody holds the newest session any more."""
    deadline = time.monotonic() + SECONDS
    while is_alive(lab.root / "logs" / lab.project.index.rows()[0].run_id):
        assert time.monotonic() < deadline, "the child goes on"
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_ends_the_run_in_order(lab: Any, number: signal.Signals) -> None:
    process = begun(lab, waiting(lab))
    assert "same command again" in stopped(process, number)
    status = record(lab)
    assert (status["state"], status["error"]["code"]) == ("interrupted", "RUN004")
    assert [step["state"] for step in status["steps"]] == ["cancelled", "cancelled"]
    assert status["error"]["target"] == "unchanged"
    assert lab.leftovers == []
    (lab.root / "never").touch()
    again = lab.osiris("run", "pipelines/p.yaml", *ISOLATED, "--json")
    assert json.loads(again.stdout)["resumes"] == status["run_id"]
    assert lab.rows_of("t") == [0]


@pytest.mark.slow
@pytest.mark.parametrize("stubborn", [{"hang": 60}, {"die": "SIGSTOP"}], ids=str)
def test_a_stubborn_child_does_not_outlive_five_seconds(lab: Any, stubborn: dict[str, Any]) -> None:
    stopped(begun(lab, {"touch": lab.file("here"), **stubborn}), signal.SIGTERM)
    status = record(lab)
    assert (status["state"], status["error"]["code"], status["exit_code"]) == ("interrupted", "RUN004", 143)
    assert not is_alive(lab.root / "logs" / status["run_id"])
    assert lab.leftovers == []


def test_the_second_request_ends_both_at_once(lab: Any) -> None:
    process = begun(lab, {"touch": lab.file("here"), "hang": 60})
    process.send_signal(signal.SIGINT)
    for line in process.stderr or ():
        if "stopping" in line:
            break
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    wait_for_the_end(lab)
    assert time.monotonic() - began < 3, "an orderly stop waits longer for this step"
    assert process.returncode == 130


@pytest.mark.slow
def test_a_child_without_its_parent_stops_and_holds_the_run_until_then(lab: Any) -> None:
    process = begun(lab, {"unless": lab.file("go"), "touch": lab.file("here"), "hang": 60})
    process.kill()
    process.communicate()
    refused = lab.osiris("run", "pipelines/p.yaml", *ISOLATED)
    assert (refused.returncode, "RUN006" in refused.stderr) == (1, True)
    wait_for_the_end(lab)
    row = lab.project.index.rows()[0]
    assert lab.project.index.true_state(row) == "died"
    (lab.root / "go").touch()
    again = lab.osiris("run", "pipelines/p.yaml", *ISOLATED, "--json")
    assert json.loads(again.stdout)["resumes"] == row.run_id
    assert lab.rows_of("t") == [0]
    assert lab.leftovers == []


def test_only_what_is_used_is_handed_over(lab: Any) -> None:
    """The folder is looked at while the child runs; the connection that holds clear text is not used."""
    (lab.root / ".env").write_text("PROBE_TOKEN=hunter2hunter2\nPROBE_PATH=x\nPROBE_PASSWORD=pass5word5\n")
    with (lab.root / "osiris_connections.yaml").open("a") as file:
        file.write("    other: {path: other.duckdb}\n")
    steps = (lab.source("a", connection="@probe.main", at={"run": waiting(lab)}), lab.sink("s", "a.df"))
    process = lab.start("run", lab.pipeline(*steps), *ISOLATED)
    lab.wait_for("here")
    (place,) = lab.root.glob(".osiris/work/run_*/isolated")
    declared = (place / "osiris_connections.yaml").read_text()
    assert "${PROBE_TOKEN}" in declared
    assert "duckdb" not in declared
    assert not [path for path in place.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    (lab.root / "never").touch()
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.slow
def test_clear_text_is_handed_to_no_child(lab: Any) -> None:
    (lab.root / ".env").write_text("PROBE_TOKEN=hunter2hunter2\nPROBE_PATH=x\nPROBE_PASSWORD=pass5word5\n")
    file = lab.pipeline(lab.source("a", connection="@probe.main"), lab.sink("s", "a.df"))
    assert lab.osiris("compile", file).returncode == 0
    connections = lab.root / "osiris_connections.yaml"
    connections.write_text(connections.read_text().replace('"${PROBE_TOKEN}"', "clear-text-token"))
    done = lab.osiris("run", next(lab.root.glob("build/p/*/manifest.yaml")), *ISOLATED)
    assert (done.returncode, record(lab)["error"]["code"]) == (4, "CON005")
    assert not any("clear-text-token" in path.read_text() for path in lab.root.glob("logs/**/*.*"))


def test_a_run_is_recorded_although_its_program_cannot_start(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(lab.root / "no-python"))
    result = lab.run(lab.source("a"), lab.sink("s", "a.df"), adapter="isolated")
    assert (result.outcome.error.code, record(lab)["state"]) == ("RES003", "failed")
    assert lab.leftovers == []


def test_a_child_that_cannot_begin_says_why(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from osiris.adapters import isolated

    monkeypatch.setattr(isolated, "_PROGRAM", ("-c", "raise SystemExit('no worker here')"))
    result = lab.run(lab.source("a"), lab.sink("s", "a.df"), adapter="isolated")
    assert (result.outcome.error.code, result.outcome.error.details) == ("RUN011", {"exit_code": 1})
    assert record(lab)["steps"][0]["state"] == "skipped"
