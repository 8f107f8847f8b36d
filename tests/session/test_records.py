"""Every line that a run writes fits its published schema, in good times and bad."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from osiris.operations import get_schema

QUICK = {"max_attempts": 2, "initial_delay_seconds": 0.01}


def scenarios(lab: Any) -> dict[str, list[dict[str, Any]]]:
    chatty = {"report": {"n": 1, "deep": {"a": [1, None, "é\u2028\n"]}}, "measure": 2.5}
    sink = lab.sink("s", "a.df")
    return {
        "success": [lab.source("a", batches=3, at={"run": chatty}), sink],
        "no rows": [lab.source("a", batches=0), sink],
        "spooled": [lab.source("a"), sink, lab.table("t", "a.df")],
        "failure": [lab.source("a", at={"run": {"raise": "ValueError"}}), sink],
        "data error": [lab.source("a", at={"run": {"raise": "DataError"}}), sink],
        "retried": [lab.source("a", retry=QUICK, at={"run": {"raise": "TargetBusy", "attempts": 1}}), sink],
        "timeout": [lab.source("a", timeout_seconds=0.1, at={"run": {"wait_for": lab.file("never")}}), sink],
        "skipped": [
            lab.source("a", at={"run": {"raise": "ValueError"}}),
            sink,
            lab.source("b", needs=["s"]),
            lab.sink("t", "b.df"),
        ],
        "no secret": [lab.source("a", connection="@probe.main"), sink],
        "csv": [
            lab.step("a", "filesystem.csv_extractor", path="a.csv"),
            sink,
            lab.step("f", "filesystem.csv_writer", "a.df", path="b.csv"),
        ],
        "artifact": [
            lab.source("a", connection="@probe.main", at={"run": {"leak": ["log", "metric", "artifact"]}}),
            sink,
        ],
    }


NAMES = (
    "success",
    "no rows",
    "spooled",
    "failure",
    "data error",
    "retried",
    "timeout",
    "skipped",
    "no secret",
    "csv",
    "artifact",
)


@pytest.mark.parametrize("name", NAMES)
def test_every_line_fits_its_schema(lab: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "artifact":
        for variable in ("PROBE_PATH", "PROBE_TOKEN", "PROBE_PASSWORD"):
            monkeypatch.setenv(variable, f"value-of-{variable}")
    (lab.root / "a.csv").write_text("id,zip\n1,00501\n")
    result = lab.run(*scenarios(lab)[name])
    events = lab.events(result)
    validator = Draft202012Validator(get_schema("events"), format_checker=Draft202012Validator.FORMAT_CHECKER)
    for event in events:
        validator.validate(event)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["event"] == "run_start"
    assert events[-1]["event"] in ("run_complete", "run_failed")
    metrics = [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().split("\n") if line]
    for metric in metrics:
        Draft202012Validator(get_schema("metrics")).validate(metric)
    assert {"peak_rss_bytes", "duration_ms"} <= {metric["metric"] for metric in metrics}
    Draft202012Validator(get_schema("status")).validate(
        json.loads((result.folder / "status.json").read_text())
    )


def test_artifacts_are_listed_with_their_hash(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PROBE_PATH", "PROBE_TOKEN", "PROBE_PASSWORD"):
        monkeypatch.setenv(variable, f"value-of-{variable}")
    result = lab.run(*scenarios(lab)["artifact"])
    (event,) = lab.events(result, "artifact_created")
    content = (result.folder / event["path"]).read_bytes()
    assert event["path"] == "artifacts/a/note.txt"
    assert (event["bytes"], event["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_counts_of_steps_and_edges_agree(lab: Any) -> None:
    result = lab.run(lab.source("a", batches=4, rows=5), lab.relay("b", "a.df"), lab.sink("s", "b.df"))
    counts = [(step.rows_in, step.rows_out, step.rows_written) for step in result.status.steps]
    assert counts == [(0, 20, 0), (20, 20, 0), (20, 0, 20)]
    assert [edge["rows_received"] for edge in lab.events(result, "edge_complete")] == [20, 20]


def test_a_run_that_was_cut_off_can_still_be_shown(lab: Any) -> None:
    result = lab.run(
        lab.source("a", at={"run": {"report": {"text": "one\u2028line"}}}), lab.sink("s", "a.df")
    )
    events = result.folder / "events.jsonl"
    whole = lab.events(result)
    assert "one\u2028line" in {event.get("fields", {}).get("text") for event in whole}
    text = events.read_bytes()
    events.write_bytes(text + b'17\n{"seq": 99, "ev\xc3')
    shown = json.loads(lab.osiris("runs", "show", "last", "--json").stdout)
    assert shown["events"] == whole
    (result.folder / "status.json").write_text('{"run_id": ')
    assert lab.osiris("runs", "show", result.status.run_id).returncode == 0


@pytest.mark.parametrize("damage", ["deleted", "emptied", "cut off", "garbage"])
def test_the_index_survives_damage(lab: Any, damage: str) -> None:
    ids = [lab.run(lab.source("a"), lab.sink("s", "a.df")).status.run_id for _ in range(2)]
    index = lab.root / ".osiris" / "runs.jsonl"
    data = index.read_bytes()
    kept = {"deleted": 2, "emptied": 0, "cut off": 2, "garbage": 2}[damage]
    if damage == "deleted":
        index.unlink()
    else:
        index.write_bytes(
            {"emptied": b"", "cut off": data + b'{"run_id": "run_\xc3', "garbage": b"\xff\n[]\n" + data}[
                damage
            ]
        )
    assert [row.run_id for row in lab.project.index.rows()] == ids[::-1][:kept]
    third = lab.run(lab.source("a"), lab.sink("s", "a.df")).status.run_id
    assert lab.project.index.rows()[0].run_id == third
    assert lab.project.index.rows()[0].state == "succeeded"


def test_a_session_that_was_removed_leaves_the_list(lab: Any) -> None:
    import shutil

    result = lab.run(lab.source("a"), lab.sink("s", "a.df"))
    shutil.rmtree(result.folder)
    assert lab.project.index.rows() == []
