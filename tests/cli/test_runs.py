"""`osiris runs list` and `osiris runs show`."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def ran(lab: Any) -> Any:
    """One failed run of `p`, then one good run of `q`."""
    lab.run(lab.source("a", at={"run": {"raise": "DataError"}}), lab.sink("s", "a.df"))
    lab.run(lab.source("a"), lab.sink("s", "a.df"), name="q")
    return lab


def test_runs_are_listed_newest_first(ran: Any) -> None:
    lines = ran.osiris("runs", "list").stdout.splitlines()
    assert [line.split()[1:3] for line in lines] == [["q", "succeeded"], ["p", "failed"]]
    assert lines[1].endswith("DAT001")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["q", "p"]),
        (["--pipeline", "p"], ["p"]),
        (["--state", "succeeded"], ["q"]),
        (["--limit", "1"], ["q"]),
        (["--pipeline", "none"], []),
    ],
)
def test_the_list_can_be_narrowed(ran: Any, options: list[str], names: list[str]) -> None:
    document = json.loads(ran.osiris("runs", "list", "--json", *options).stdout)
    assert [row["pipeline"] for row in document["runs"]] == names


@pytest.mark.parametrize("options", [["--state", "done"], ["--limit", "0"]])
def test_a_choice_that_does_not_exist_is_exit_2(ran: Any, options: list[str]) -> None:
    done = ran.osiris("runs", "list", *options)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_without_runs_the_list_says_so(lab: Any) -> None:
    assert lab.osiris("runs", "list").stdout.strip() == "There are no runs yet."
    assert json.loads(lab.osiris("runs", "list", "--json").stdout) == {"ok": True, "runs": []}


def test_a_run_is_shown_with_steps_events_and_error(ran: Any) -> None:
    row = ran.project.index.rows()[1]
    shown = ran.osiris("runs", "show", row.run_id).stdout
    for part in (row.run_id, "failed", "probe.source", "step_failed", "error=DAT001", "run_failed"):
        assert part in shown


def test_show_as_json(ran: Any) -> None:
    document = json.loads(ran.osiris("runs", "show", "last", "--json").stdout)
    assert (document["pipeline"], document["state"], document["alive"]) == ("q", "succeeded", False)
    assert document["events"][-1]["event"] == "run_complete"


def test_a_part_of_the_id_will_do(ran: Any) -> None:
    run_id = ran.project.index.rows()[1].run_id
    assert json.loads(ran.osiris("runs", "show", run_id[-6:], "--json").stdout)["run_id"] == run_id


@pytest.mark.parametrize("run", ["gone", "run_"])
def test_no_such_run_and_too_many_are_told_apart(ran: Any, run: str) -> None:
    done = ran.osiris("runs", "show", run, "--json")
    error = json.loads(done.stdout)["error"]
    assert (error["code"], done.returncode) == ("RUN008", 2)
    assert ("more than one" in error["message"]) is (run == "run_")
    assert ran.project.index.rows()[0].run_id in error["hint"]


def test_an_error_is_shown_with_its_place(ran: Any) -> None:
    row = ran.project.index.rows()[1]
    shown = ran.osiris("runs", "show", row.run_id).stdout
    assert "  where  step a\n" in shown
    assert "  target unchanged\n" in shown


def test_a_run_that_died_is_a_state_of_its_own(ran: Any) -> None:
    folder = next(
        path.parent for path in ran.root.glob("logs/run_*/status.json") if '"q"' in path.read_text()
    )
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps(status | {"state": "running", "exit_code": None}))
    (ran.root / ".osiris/runs.jsonl").unlink()
    found = {state: ran.osiris("runs", "list", "--state", state) for state in ("died", "running")}
    assert found["died"].stdout.split()[1:3] == ["q", "died"]
    assert found["running"].stdout == "No run is like that.\n"
    hint = ran.osiris("runs", "list", "--state", "dead").stderr
    assert "There are: running, succeeded, failed, interrupted, died." in hint


def test_a_run_is_shown_as_its_own_summary_tells_it(ran: Any) -> None:
    ran.pipeline(ran.source("a", batches=2), ran.table("t", "a.df"), name="r")
    told = ran.osiris("run", "pipelines/r.yaml", "--run-key", "k").stdout.splitlines()
    shown = ran.osiris("runs", "show", "last").stdout.splitlines()
    summary = [line for line in told if line.startswith("  ") or line in ("Written", told[-1])]
    assert len(summary) == 5
    assert set(summary) <= set(shown)
    assert shown[1].startswith("  began 20")
    assert shown[1].endswith(", under the run key k")


def test_facts_are_shown_as_json_has_them(ran: Any) -> None:
    shown = ran.osiris("runs", "show", "last").stdout
    assert "closed_early=false" in shown
    for word in ("False", "None", "['"):
        assert word not in shown


def test_a_status_that_cannot_be_read_hides_no_events(ran: Any) -> None:
    folder = ran.root / "logs" / ran.project.index.rows()[0].run_id
    (folder / "status.json").write_text("{")
    shown = ran.osiris("runs", "show", "last")
    assert shown.returncode == 0
    assert f"logs/{folder.name}  its status.json cannot be read" in shown.stdout
    assert "run_complete" in shown.stdout
