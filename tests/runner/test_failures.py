"""A step fails: whose fault it was, what else stops, what stays, and that all records agree."""

from __future__ import annotations

import json
from typing import Any

import pytest

from osiris.runner import region

FAIL = {"raise": "ValueError"}


def check_records_agree(lab: Any, result: Any) -> None:
    """Exit code, status file, last event and index say the same."""
    status = json.loads((result.folder / "status.json").read_text())
    last = lab.events(result)[-1]
    row = lab.project.index.rows()[0]
    error = result.outcome.error
    assert status == result.status.model_dump(mode="json")
    assert last["event"] == ("run_failed" if error else "run_complete")
    assert row.run_id == status["run_id"]
    assert row.state.value == status["state"]
    assert row.exit_code == status["exit_code"] == (error.exit_code if error else 0)
    if error:
        assert row.error_code == status["error"]["code"] == last["error"]["code"] == error.code
        assert last["exit_code"] == status["exit_code"]
    assert lab.leftovers == []


@pytest.mark.parametrize(
    ("point", "edge"),
    [("run", "df"), ("batch", "df"), ("end", "df"), ("close", "df")],
)
@pytest.mark.parametrize("culprit", ["a", "b", "s"])
def test_the_step_that_raised_is_the_one_that_failed(lab: Any, culprit: str, point: str, edge: str) -> None:
    action = FAIL | ({"number": 2} if point == "batch" and culprit != "b" else {})
    at = {culprit: {"at": {point: action}}}
    result = lab.run(
        lab.source("a", batches=50, rows=100, **at.get("a", {})),
        lab.relay("b", "a.df", **at.get("b", {})),
        lab.sink("s", "b.df", **at.get("s", {})),
    )
    failed = lab.events(result, "step_failed")
    assert [event["step_id"] for event in failed] == [culprit]
    assert "ValueError" in failed[0]["traceback"]
    assert result.outcome.error.code == "RUN001"
    assert result.outcome.error.where.step_id == culprit
    assert {event["because_of"] for event in lab.events(result, "step_cancelled")} <= {culprit}
    if culprit != "s":
        assert lab.states(result)["s"] == "cancelled"
        assert not (lab.root / "s.json").exists()
    check_records_agree(lab, result)


def test_a_traceback_is_evidence_not_a_message(lab: Any) -> None:
    lab.pipeline(lab.source("a", at={"run": FAIL}), lab.sink("s", "a.df"))
    done = lab.osiris("run", "pipelines/p.yaml")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "RUN001" in done.stderr


@pytest.mark.parametrize(
    ("raised", "code", "exit_code"),
    [
        ("DataError", "DAT001", 5),
        ("ConnectionFailed", "DAT001", 4),
        ("OutcomeUnknown", "TGT016", 8),
        ("RunError", "DAT001", 1),
        ("MemoryError", "RES002", 1),
        ("OSError", "RUN001", 1),
        ("SystemExit", "RUN001", 1),
        ("Cancelled", "DAT001", 1),
    ],
)
def test_the_root_cause_decides_the_exit_code(lab: Any, raised: str, code: str, exit_code: int) -> None:
    result = lab.run(lab.source("a", at={"batch": {"raise": raised}}), lab.sink("s", "a.df"))
    assert (result.outcome.error.code, result.status.exit_code) == (code, exit_code)
    check_records_agree(lab, result)


def test_an_independent_branch_goes_on(lab: Any) -> None:
    result = lab.run(
        lab.source("a", at={"run": FAIL | {"touch": lab.file("failed")}}),
        lab.sink("s", "a.df"),
        lab.source("b", at={"run": {"wait_for": lab.file("failed")}}),
        lab.sink("t", "b.df"),
        lab.source("c", needs=["s"]),
        lab.sink("u", "c.df", needs=["t"]),
    )
    states = {
        "a": "failed",
        "s": "cancelled",
        "b": "complete",
        "t": "complete",
        "c": "skipped",
        "u": "skipped",
    }
    assert lab.states(result) == states
    assert lab.written("t") == [0]
    check_records_agree(lab, result)


def test_of_two_failures_the_first_one_counts(lab: Any) -> None:
    first = {"raise": "DataError", "touch": lab.file("first")}
    second = {"wait_for": lab.file("first"), "raise": "ConnectionFailed"}
    result = lab.run(
        lab.source("a", at={"run": first}),
        lab.sink("s", "a.df"),
        lab.source("b", at={"run": {"wait_for": lab.file("first")}, "end": second}),
        lab.sink("t", "b.df"),
    )
    assert {event["step_id"] for event in lab.events(result, "step_failed")} == {"a", "b"}
    check_records_agree(lab, result)


def test_two_failures_in_one_region_end_it_once(lab: Any) -> None:
    """Both ends fail at the same time; neither may hang, and one of them is the cause."""
    for _ in range(10):
        result = lab.run(
            lab.source("a", at={"batch": {"number": 0, "raise": "ValueError"}}),
            lab.sink("s", "a.df", at={"run": {"raise": "ValueError"}}),
            new=True,
        )
        assert result.outcome.error.code == "RUN001"
        assert result.outcome.error.where.step_id in ("a", "s")


@pytest.mark.parametrize(
    ("returned", "code"), [({}, "RUN005"), ({"other": []}, "RUN005"), (None, "RUN005"), ({"df": 5}, "RUN001")]
)
def test_outputs_must_be_those_of_the_spec(lab: Any, returned: Any, code: str) -> None:
    result = lab.run(lab.source("a", returns=returned), lab.sink("s", "a.df"))
    assert result.outcome.error.code == code
    assert lab.states(result) == {"a": "failed", "s": "cancelled"}


@pytest.mark.parametrize("lie", [{"claims": 4}, {"claims": 6}, {"stop_after": 3}])
def test_a_writer_that_loses_rows_is_found_out(lab: Any, lie: dict[str, int]) -> None:
    result = lab.run(lab.source("a", batches=5), lab.sink("s", "a.df", **lie))
    assert result.outcome.error.code == "RUN007"
    assert result.outcome.error.target == "committed"


def test_a_writer_that_takes_a_failure_for_the_end_is_found_out(lab: Any) -> None:
    result = lab.run(
        lab.source("a", batches=5, at={"batch": {"number": 3} | FAIL}), lab.sink("s", "a.df", swallows=True)
    )
    assert lab.outcome(result, "s").error["code"] == "RUN007"
    assert lab.outcome(result, "s").error["target"] == "committed"
    assert result.outcome.error.code == "RUN001"


@pytest.mark.parametrize(
    ("step", "state"),
    [
        ({"at": {"end": FAIL}}, "unknown"),
        ({"at": {"written": FAIL}}, "unknown"),
        ({"at": {"close": FAIL}}, "committed"),
        ({"at": {"end": {"raise": "DataError"}}}, "unchanged"),
    ],
    ids=["before writing", "after writing", "when closing", "with a named error"],
)
def test_a_writer_says_what_is_known_of_its_target(lab: Any, step: dict[str, Any], state: str) -> None:
    result = lab.run(lab.source("a"), lab.sink("s", "a.df", **step))
    assert result.outcome.error.target == state


def test_a_source_that_fails_when_closing_keeps_the_writer_from_committing(lab: Any) -> None:
    lab.run(lab.source("z"), lab.table("s", "z.df"), name="before")
    result = lab.run(lab.source("a", start=7, at={"close": FAIL}), lab.table("s", "a.df"))
    assert lab.states(result) == {"a": "failed", "s": "cancelled"}
    assert lab.rows_of("s") == [0]


@pytest.mark.parametrize(
    ("config", "code"), [({"connection": "@probe.main"}, "CON004"), ({"connection": "@probe.gone"}, "CON002")]
)
def test_a_connection_that_cannot_be_resolved_is_exit_4(lab: Any, config: dict[str, str], code: str) -> None:
    """Checked where the step runs: a manifest is compiled elsewhere, without secrets."""
    compiled = lab.pipeline(lab.source("a", connection="@probe.main"), lab.sink("s", "a.df"))
    lab.osiris("compile", compiled)
    manifest = next((lab.root / "build").rglob("manifest.yaml"))
    if code == "CON002":
        (lab.root / "osiris_connections.yaml").write_text("connections: {}\n")
    result = lab.run_file(manifest)
    assert (result.outcome.error.code, result.status.exit_code) == (code, 4)
    check_records_agree(lab, result)


@pytest.mark.parametrize(
    "code_of_driver", ["import no_such_module\n", "def broken(:\n", "raise RuntimeError\n"]
)
def test_a_driver_that_cannot_be_imported(lab: Any, code_of_driver: str) -> None:
    folder = lab.root / "components" / "probe.source"
    spec = (folder / "spec.yaml").read_text().replace("./../probe/driver.py", "./driver.py")
    (folder / "spec.yaml").write_text(spec)
    (folder / "driver.py").write_text(code_of_driver)
    result = lab.run(lab.source("a"), lab.sink("s", "a.df"))
    assert (result.outcome.error.code, result.status.exit_code) == ("CMP006", 3)
    assert lab.states(result) == {"a": "failed", "s": "cancelled"}


def test_cancel_callbacks_that_fail_or_block_hold_nobody_up(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(region, "STOP_SECONDS", 1.0)
    waiting = {"run": {"wait_for": lab.file("never")}}
    result = lab.run(
        lab.source("a", at={**waiting, "cancel": FAIL}),
        lab.source("b", at={**waiting, "cancel": {"hang": 3}}),
        lab.source("c", at={"run": FAIL}),
        lab.sink("s", "a.df", "b.df", "c.df"),
    )
    assert lab.states(result) == {"a": "cancelled", "b": "cancelled", "c": "failed", "s": "cancelled"}
    assert not result.outcome.must_exit


def test_failed_runs_are_listed(lab: Any) -> None:
    lab.run(lab.source("a", at={"run": FAIL}), lab.sink("s", "a.df"))
    listed = json.loads(lab.osiris("runs", "list", "--json").stdout)["runs"]
    assert [(row["state"], row["error_code"], row["exit_code"]) for row in listed] == [
        ("failed", "RUN001", 1)
    ]
