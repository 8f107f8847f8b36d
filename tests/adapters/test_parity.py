"""Where a pipeline runs makes no difference: the same events, counts, files, errors and exit codes."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from osiris.adapters.stopping import stop_reason
from osiris.operations import RunOptions, run_pipeline
from osiris.redaction import redactor

ADAPTERS = ("local", "isolated")
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

VARIABLE = {
    *("ts", "session", "started_at", "ended_at", "duration_ms", "elapsed_ms", "peak_rss_bytes", "traceback"),
    *("producer_wait_ms", "consumer_wait_ms", "retry_in_seconds", "adapter"),
}
VARIABLE_TEXT = re.compile(r"\d+\.\d\d s|[\d.,]+/s|run_\w+| +")
RUN_ID = re.compile(r"run_\d{8}T\d{6}Z_[0-9a-f]{6}")

Run = Callable[..., Any]
Scenario = Callable[[Any, Run], None]


def csv_to_sql_to_parquet(lab: Any, run: Run) -> None:
    (lab.root / "rows.csv").write_text("id,name\n1,one\n2,two\n3,three\n")
    for fuse in (True, False):
        run(
            lab.step("a", "filesystem.csv_extractor", path="rows.csv"),
            lab.step("q", "duckdb.processor", "a.df", query="SELECT *, id * 2 AS twice FROM df WHERE id > 1"),
            lab.step("f", "filesystem.parquet_writer", "q.df", path="out/rows.parquet"),
            fuse=fuse,
        )


def append_and_merge(lab: Any, run: Run) -> None:
    for start in (0, 2):
        run(
            lab.source("a", rows=4, start=start),
            lab.table("added", "a.df"),
            lab.table("merged", "a.df", write_mode="merge", primary_key=["id"]) | {"needs": ["added"]},
        )
    assert lab.rows_of("added") == sorted([*range(4), *range(2, 6)])
    assert lab.rows_of("merged") == list(range(6))


def fan_out(lab: Any, run: Run) -> None:
    run(
        lab.source("a", batches=3, rows=2),
        lab.split("p", "a.df"),
        lab.sink("even", "p.even"),
        lab.sink("all", "a.df", "p.odd"),
        lab.source("b", needs=["even"], batches=0),
        lab.relay("c", "b.df"),
        lab.sink("none", "c.df"),
    )


def an_extractor_fails(lab: Any, run: Run) -> None:
    at = {"batch": {"raise": "DataError"}}
    run(lab.source("a", at=at), lab.table("t", "a.df"), lab.source("b"), lab.sink("s", "b.df"))


def a_processor_fails(lab: Any, run: Run) -> None:
    run(
        lab.source("a"), lab.relay("b", "a.df", at={"batch": {"raise": "ValueError"}}), lab.table("t", "b.df")
    )


def a_writer_does_not_know(lab: Any, run: Run) -> None:
    at = {"end": {"raise": "OutcomeUnknown"}, "target": "unknown"}
    run(lab.source("a"), lab.sink("s", "a.df", at=at), lab.source("b", needs=["s"]), lab.sink("t", "b.df"))


def bad_data(lab: Any, run: Run) -> None:
    (lab.root / "rows.csv").write_text("id\n1\nmany\n")
    step = lab.step("a", "filesystem.csv_extractor", path="rows.csv", schema={"id": "BIGINT"})
    run(step, lab.table("t", "a.df"))


def a_secret_is_missing(lab: Any, run: Run) -> None:
    (lab.root / ".env").write_text("PROBE_PATH=main\n")
    run(lab.source("a", connection="@probe.main"), lab.sink("s", "a.df"))


def a_secret_is_given(lab: Any, run: Run) -> None:
    (lab.root / ".env").write_text("PROBE_PATH=main\nPROBE_TOKEN=hunter2hunter2\nPROBE_PASSWORD=pass5word5\n")
    at = {"run": {"leak": ["log", "event", "metric", "artifact"]}, "batch": {"leak": ["raise"]}}
    run(lab.source("a", connection="@probe.main", at=at), lab.sink("s", "a.df"))


def a_retry_succeeds(lab: Any, run: Run) -> None:
    retry = {"max_attempts": 3, "initial_delay_seconds": 0.01, "max_delay_seconds": 0.01}
    """The file that the first try left is another one in the end."""
    at = {
        "run": {"attempts": 2, "keep": {"try.txt": "not yet"}, "raise": "TargetBusy"},
        "batch": {"keep": {"try.txt": "done"}},
    }
    run(lab.source("a", retry=retry, at=at), lab.table("t", "a.df"))


def a_step_takes_too_long(lab: Any, run: Run) -> None:
    at = {"run": {"wait_for": lab.file("never")}}
    run(lab.source("a", at=at, timeout_seconds=0.2), lab.sink("s", "a.df"))


def a_key_is_committed_already(lab: Any, run: Run) -> None:
    for _ in range(2):
        run(
            lab.source("a", rows=3),
            lab.table("t", "a.df"),
            lab.step("f", "filesystem.csv_writer", "a.df", path="out/f.csv"),
            run_key="2024-03-10",
        )
    assert lab.rows_of("t") == [0, 1, 2]


def a_failed_run_is_resumed(lab: Any, run: Run) -> None:
    steps = (
        lab.source("a", rows=3),
        lab.table("t", "a.df"),
        lab.sink("s", "a.df"),
        lab.step("b", "filesystem.csv_extractor", path="late.csv", schema={"id": "BIGINT"})
        | {"needs": ["t"]},
        lab.table("u", "b.df"),
    )
    run(*steps)
    (lab.root / "late.csv").write_text("id\n7\n")
    run(*steps)
    assert (lab.rows_of("t"), lab.rows_of("u")) == ([0, 1, 2], [7])


def a_driver_exits(lab: Any, run: Run) -> None:
    run(lab.source("a", at={"batch": {"raise": "SystemExit"}}), lab.table("t", "a.df"))


def a_driver_keeps_files(lab: Any, run: Run) -> None:
    keep = {"run": {"keep": {"note.txt": "first", "č.json": "{}"}, "report": {"n": 1}, "measure": 2}}
    run(lab.source("a", at=keep), lab.sink("s", "a.df", at={"end": {"keep": {"note.txt": "x" * 100_000}}}))


def a_component_of_the_project(lab: Any, run: Run) -> None:
    shutil.copytree(EXAMPLES, lab.root, dirs_exist_ok=True)
    (lab.root / "components/mbox.extractor/.env.local").write_text("not for others")
    run(lab.root / "pipelines/mail.yaml")
    with duckdb.connect(lab.file("warehouse.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM messages").fetchone() == (2,)


def it_is_stopped_before_it_begins(lab: Any, run: Run) -> None:
    def stop(adapter: Any) -> None:
        adapter.cancel(stop_reason(signal.SIGTERM))

    at = {"run": {"wait_for": lab.file("never")}}
    run(lab.source("a", at=at), lab.table("t", "a.df"), on_start=stop)


SCENARIOS: dict[Scenario, tuple[pytest.MarkDecorator, ...]] = {
    csv_to_sql_to_parquet: (),
    a_writer_does_not_know: (),
    **dict.fromkeys(
        (
            append_and_merge,
            fan_out,
            an_extractor_fails,
            a_processor_fails,
            bad_data,
            a_secret_is_missing,
            a_secret_is_given,
            a_retry_succeeds,
            a_step_takes_too_long,
            a_key_is_committed_already,
            a_failed_run_is_resumed,
            a_driver_exits,
            a_driver_keeps_files,
            a_component_of_the_project,
            it_is_stopped_before_it_begins,
        ),
        (pytest.mark.slow,),
    ),
}


def session(lab: Any, folder: Path) -> dict[str, Any]:
    """All that a run recorded, without what differs from one run to the next."""
    events, metrics = (
        [json.loads(line) for line in (folder / name).read_text().splitlines()]
        for name in ("events.jsonl", "metrics.jsonl")
    )
    assert [event.pop("seq") for event in events] == list(range(1, len(events) + 1))
    for metric in metrics:
        if metric["metric"] in ("duration_ms", "peak_rss_bytes"):
            metric["value"] = metric["value"] >= 0
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {
        "first and last": [events[0]["event"], events[-1]["event"]],
        "events": sorted(json.dumps(plain(lab, event), sort_keys=True) for event in events),
        "metrics": sorted(json.dumps(plain(lab, metric), sort_keys=True) for metric in metrics),
        "status": plain(lab, json.loads((folder / "status.json").read_text())),
        "index": [plain(lab, row.model_dump(mode="json")) for row in lab.project.index.rows()],
        "files": sorted(files),
        "content": {
            name: files[name].read_bytes() for name in files if not name.endswith((".jsonl", "status.json"))
        },
    }


def plain(lab: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: item is not None if key in VARIABLE else plain(lab, item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(lab, item) for item in value]
    return RUN_ID.sub("RUN", value.replace(str(lab.root), "ROOT")) if isinstance(value, str) else value


def written(lab: Any) -> dict[str, Any]:
    """The files and rows that the run wrote beside its session."""
    tables = {}
    if (lab.root / "wh.duckdb").exists():
        with duckdb.connect(lab.file("wh.duckdb"), read_only=True) as con:
            names = [
                name for (name,) in con.execute("SHOW TABLES").fetchall() if not name.startswith("_osiris")
            ]
            tables = {name: con.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names}
    files = (
        path
        for path in lab.root.rglob("*")
        if path.is_file() and path.suffix in (".csv", ".parquet", ".json")
    )
    own = {"logs", ".osiris", "build", "components"}
    kept = {path.relative_to(lab.root): path.read_bytes() for path in files}
    data = {str(name): data for name, data in kept.items() if not own & set(name.parts)}
    return {
        "tables": tables,
        "files": {n: d for n, d in data.items() if not n.endswith(".osiris.json")},
        "names": sorted(data),
    }


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Where two values differ, one line each."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from differences(one[key], other[key], f"{place}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{place}/{number}")
    elif one != other:
        yield f"{place}: {one!r} is not {other!r}"


@pytest.mark.parametrize(
    "scenario", [pytest.param(case, marks=marks, id=case.__name__) for case, marks in SCENARIOS.items()]
)
def test_where_it_runs_makes_no_difference(new_lab: Any, scenario: Scenario) -> None:
    root = new_lab().root  # one folder for both: the probes' paths are part of the fingerprint
    seen = []
    for adapter in ADAPTERS:
        shutil.rmtree(root)
        seen.append(seen_with(adapter, type(new_lab())(root), scenario))
    assert list(differences(*seen)) == []


def seen_with(adapter: str, lab: Any, scenario: Scenario) -> dict[str, Any]:
    """What a scenario leaves behind."""
    outcomes: list[dict[str, Any]] = []

    def run(*steps: Any, **options: Any) -> None:
        file = steps[0] if isinstance(steps[0], Path) else lab.pipeline(*steps)
        result = run_pipeline(lab.project, file, RunOptions(adapter=adapter, **options))
        assert result.status.adapter == adapter
        error = result.outcome.error
        told = {"result": result.to_dict(), "error": error and error.to_dict()}
        outcomes.append(session(lab, result.folder) | plain(lab, redactor.record(told)))

    scenario(lab, run)
    assert outcomes
    assert lab.leftovers == []
    return {"runs": outcomes, "written": written(lab)}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_alike(new_lab: Any, number: signal.Signals) -> None:
    root = new_lab().root
    seen = []
    for adapter in ADAPTERS:
        shutil.rmtree(root)
        lab = type(new_lab())(root)
        at = {"batch": {"touch": lab.file("here"), "wait_for": lab.file("never")}}
        file = lab.pipeline(lab.source("a", at=at), lab.table("t", "a.df"), lab.sink("s", "a.df"))
        process = lab.start("run", file, "--adapter", adapter)
        lab.wait_for("here")
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        (folder,) = lab.root.glob("logs/run_*")
        texts = [VARIABLE_TEXT.sub("", text) for text in (out, err)]
        seen.append(session(lab, folder) | {"said": texts, "code": process.returncode})
    assert seen[0]["code"] == 128 + number
    assert list(differences(*seen)) == []
