"""What a plan says, against real targets and earlier runs; and that planning changes nothing."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from osiris.core import Effect
from osiris.errors import InvalidPipeline
from osiris.operations import plan_pipeline

HOLD = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def rows(lab: Any, query: str = "SELECT 1::INTEGER AS id, 'x' AS name", **more: Any) -> dict[str, Any]:
    """A step whose output's columns are certain before the run."""
    return lab.step("a", "duckdb.processor", query=query) | more


def csv(lab: Any, **config: Any) -> dict[str, Any]:
    return lab.step("f", "filesystem.csv_writer", "a.df", path="out/f.csv", **config)


def plan(lab: Any, *steps: dict[str, Any], **options: Any) -> Any:
    return plan_pipeline(lab.project, lab.pipeline(*steps), **options)


def target(lab: Any, *steps: dict[str, Any], **options: Any) -> Any:
    return plan(lab, *steps, **options).targets[0]


def execute(lab: Any, *statements: str) -> None:
    with duckdb.connect(lab.file("wh.duckdb")) as con:
        for statement in statements:
            con.execute(statement)


def fails_after(lab: Any, *steps: dict[str, Any]) -> list[dict[str, Any]]:
    """Steps with another one that fails when they have written."""
    waits = [step["id"] for step in steps if step["id"] != "a"]
    failing = lab.source("z", needs=waits, timeout_seconds=0.2, at={"run": {"wait_for": lab.file("go")}})
    return [*steps, failing, lab.sink("s", "z.df")]


def contents(folder: Path) -> dict[str, str]:
    """Every file but the run index, which any command may rebuild."""
    files = (file for file in folder.rglob("*") if file.is_file() and ".osiris" not in file.parts)
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_what_does_not_exist_would_be_created(lab: Any) -> None:
    table, file = plan(lab, rows(lab), lab.table("t", "a.df"), csv(lab)).targets
    for planned, name in ((table, "wh.duckdb:t"), (file, "out/f.csv")):
        assert (planned.name, planned.preview.exists, planned.preview.effect) == (name, False, Effect.CREATE)
        assert list(planned.columns) == ["id", "name"]
        assert not planned.preview.is_destructive
    assert not (lab.root / "wh.duckdb").exists()
    assert not (lab.root / "out").exists()


@pytest.mark.parametrize(
    ("config", "effect", "destructive", "repeats"),
    [
        ({}, Effect.APPEND, False, True),
        ({"write_mode": "replace"}, Effect.REPLACE, True, False),
        ({"write_mode": "merge", "primary_key": ["id"]}, Effect.MERGE, False, False),
    ],
)
def test_a_table_tells_its_rows_and_what_becomes_of_them(
    lab: Any, config: dict[str, Any], effect: Effect, destructive: bool, repeats: bool
) -> None:
    execute(lab, "CREATE TABLE t (id INTEGER, name VARCHAR)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    preview = target(lab, rows(lab), lab.table("t", "a.df", **config)).preview
    assert (preview.exists, preview.rows, preview.effect) == (True, 2, effect)
    assert (preview.is_destructive, preview.repeats, preview.is_atomic) == (destructive, repeats, True)
    assert preview.keys == tuple(config.get("primary_key", ()))
    assert preview.refusal is None


def test_replacing_an_empty_table_destroys_nothing(lab: Any) -> None:
    execute(lab, "CREATE TABLE t (id INTEGER, name VARCHAR)")
    assert not target(lab, rows(lab), lab.table("t", "a.df", write_mode="replace")).preview.is_destructive


@pytest.mark.parametrize(
    ("ddl", "config", "change", "code"),
    [
        ("CREATE TABLE t (id INTEGER)", {}, ("name", None, "VARCHAR", False), "TGT002"),
        ("CREATE TABLE t (id INTEGER, name VARCHAR, n DATE)", {}, ("n", "DATE", None, False), None),
        (
            "CREATE TABLE t (id INTEGER, name VARCHAR, n DATE NOT NULL)",
            {},
            ("n", "DATE", None, False),
            "TGT003",
        ),
        ("CREATE TABLE t (id FLOAT, name VARCHAR)", {}, ("id", "FLOAT", "INTEGER", True), "TGT004"),
        ("CREATE TABLE t (id BIGINT, name VARCHAR)", {}, ("id", "BIGINT", "INTEGER", False), None),
        ("CREATE VIEW t AS SELECT 1 AS id", {}, None, "TGT014"),
        ("CREATE TABLE u (id INTEGER)", {"create": "never"}, None, "TGT001"),
        ("CREATE TABLE u (id INTEGER)", {"write_mode": "merge", "primary_key": ["id"]}, None, None),
    ],
)
def test_the_plan_refuses_what_the_run_refuses(
    lab: Any, ddl: str, config: dict[str, Any], change: tuple[Any, ...] | None, code: str | None
) -> None:
    execute(lab, ddl)
    steps = rows(lab), lab.table("t", "a.df", **config)
    planned = target(lab, *steps)
    shown = [(c.name, c.target_type, c.input_type, c.is_lossy) for c in planned.preview.changes]
    assert shown == ([change] if change else [])
    refused = planned.refusal.to_dict() if planned.refusal else None
    assert (refused["code"] if refused else None) == code
    error = lab.run(*steps).status.error
    assert (error["code"], error["message"]) == (code, refused["message"]) if refused else error is None


def test_what_the_target_cannot_hold_is_refused(lab: Any) -> None:
    assert target(lab, rows(lab, "SELECT NULL AS id"), lab.table("t", "a.df")).refusal.code == "TGT012"
    assert target(lab, rows(lab, "SELECT [1] AS id"), csv(lab)).refusal.code == "DAT013"


def test_columns_that_only_the_run_knows_are_not_guessed(lab: Any) -> None:
    execute(lab, "CREATE TABLE t (id INTEGER, name VARCHAR)")
    planned = target(lab, lab.source("a"), lab.table("t", "a.df"))
    assert (planned.columns, planned.preview.changes, planned.refusal) == (None, (), None)


def test_names_are_certain_where_types_are_not(lab: Any) -> None:
    execute(lab, "CREATE TABLE t (id DATE)")
    steps = lab.source("s"), lab.step("a", "duckdb.processor", "s.df", query="SELECT id, 1 AS n FROM df")
    planned = target(lab, *steps, lab.table("t", "a.df"))
    assert planned.columns == {"id": None, "n": None}
    assert [(c.name, c.input_type) for c in planned.preview.changes] == [("n", "")]
    assert planned.refusal.code == "TGT002"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"component": "filesystem.csv_extractor", "path": "f.csv"}, {"id": None, "d": None}),
        (
            {"component": "filesystem.csv_extractor", "path": "f.csv", "schema": {"d": "DECIMAL(9,2)"}},
            {"id": None, "d": "decimal128(9, 2)"},
        ),
        (
            {
                "component": "filesystem.csv_extractor",
                "path": "f.csv",
                "columns": ["d"],
                "schema": {"d": "DATE"},
            },
            {"d": "date32[day]"},
        ),
        (
            {"component": "filesystem.parquet_extractor", "path": "f.parquet"},
            {"id": "int64", "d": "date32[day]"},
        ),
        ({"component": "duckdb.extractor", "connection": "@duckdb.wh", "table": "u"}, {"id": "int32"}),
    ],
)
def test_a_source_tells_its_columns_without_its_rows(
    lab: Any, source: dict[str, Any], expected: dict[str, str | None]
) -> None:
    (lab.root / "f.csv").write_text("id,d\nnot a number,\n")
    execute(
        lab,
        f"COPY (SELECT 1::BIGINT AS id, DATE '2024-01-31' AS d) TO '{lab.file('f.parquet')}'",
        "CREATE TABLE u (id INTEGER)",
    )
    component = source.pop("component")
    planned = target(lab, lab.step("a", component, **source), csv(lab))
    assert {name: kind and str(kind) for name, kind in planned.columns.items()} == expected


def test_a_source_that_waits_for_a_writer_may_change_meanwhile(lab: Any) -> None:
    execute(lab, "CREATE TABLE t (id INTEGER)")
    read = lab.step("b", "duckdb.extractor", connection="@duckdb.wh", table="t", needs=["t"])
    file = lab.step("f", "filesystem.csv_writer", "b.df", path="out/f.csv")
    planned = plan(lab, rows(lab, "SELECT 1 AS id"), lab.table("t", "a.df"), read, file)
    assert [bool(target.columns) for target in planned.targets] == [True, False]


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_a_file_tells_what_was_published(lab: Any, form: str) -> None:
    writer = lab.step("f", f"filesystem.{form}_writer", "a.df", path="out/f")
    lab.run(rows(lab), writer)
    preview = target(lab, rows(lab, "SELECT 1 AS id, true AS fresh"), writer).preview
    size = (lab.root / "out/f").stat().st_size
    assert (preview.effect, preview.rows, preview.bytes) == (Effect.REPLACE, 1, size)
    assert preview.is_destructive
    changes = [(c.name, c.target_type, c.input_type) for c in preview.changes]
    assert changes == [("name", "string", None), ("fresh", None, "bool")]


@pytest.mark.parametrize(("published", "words"), [(True, "was changed"), (False, "No run has published")])
def test_a_file_that_is_not_as_published_says_so(lab: Any, published: bool, words: str) -> None:
    (lab.root / "out").mkdir()
    if published:
        lab.run(rows(lab), csv(lab))
    (lab.root / "out/f.csv").write_text("id,name\n1,by hand\n")
    preview = target(lab, rows(lab), csv(lab)).preview
    assert (preview.rows, preview.is_destructive) == (None, True)
    assert words in preview.notes[0]


def test_a_resumed_run_keeps_its_key_and_what_is_committed(lab: Any) -> None:
    steps = fails_after(lab, rows(lab), lab.table("t", "a.df"), csv(lab))
    first = lab.run(*steps)
    planned = plan(lab, *steps)
    assert (planned.run.start, planned.run.run_key) == ("resumed", first.status.run_key)
    assert planned.run.resumes == first.status.run_id
    effects = {target.step_id: target.preview.effect for target in planned.targets if target.preview}
    assert effects == {"t": Effect.NOTHING, "f": Effect.NOTHING}
    fresh = plan(lab, *steps, new=True)
    assert (fresh.run.start, fresh.run.run_key) == ("new", None)
    assert fresh.targets[0].preview.effect is Effect.APPEND


def test_a_refused_run_is_a_plan_with_the_refusal(lab: Any) -> None:
    lab.run(*fails_after(lab, rows(lab), lab.table("t", "a.df")))
    planned = plan(lab, rows(lab), lab.table("t", "a.df"))
    assert (planned.run.start, planned.run.refusal.code, planned.exit_code) == ("refused", "RUN010", 0)
    assert "--new" in planned.run.refusal.hint
    assert planned.targets[0].preview.rows == 1


def test_a_named_key_of_another_version_is_refused(lab: Any) -> None:
    lab.run(rows(lab), lab.table("t", "a.df"), run_key="day")
    assert plan(lab, rows(lab), lab.table("t", "a.df"), run_key="day").run.start == "named"
    planned = plan(lab, rows(lab, "SELECT 2 AS id"), lab.table("t", "a.df"), run_key="day")
    assert (planned.run.refusal.code, planned.targets[0].refusal.code) == ("RUN009", "RUN009")


def test_the_last_run_is_compared(lab: Any) -> None:
    assert plan(lab, rows(lab), csv(lab)).last_run is None
    first = lab.run(rows(lab), csv(lab))
    same = plan(lab, rows(lab), csv(lab)).last_run
    assert (same.run_id, same.state, bool(same.changes)) == (first.status.run_id, "succeeded", False)
    other = plan(lab, rows(lab), csv(lab, delimiter=";")).last_run
    assert [change.key for change in other.changes.steps[0].changes] == ["config.delimiter"]
    (first.folder / "manifest.yaml").unlink()
    assert plan(lab, rows(lab), csv(lab)).last_run.changes is None


def test_a_manifest_can_be_planned_and_its_pins_are_checked(lab: Any) -> None:
    first = lab.run(rows(lab), csv(lab))
    file = first.folder / "manifest.yaml"
    assert plan_pipeline(lab.project, file).run.start == "new"
    from osiris.manifest import dump_manifest, load_manifest

    manifest = load_manifest(file).model_copy(update={"engines": {"duckdb": "0.1"}}).sealed()
    file.write_text(dump_manifest(manifest))
    assert plan_pipeline(lab.project, file).run.refusal.code == "MAN003"


def test_a_writer_that_does_not_tell_is_not_known(lab: Any) -> None:
    planned = target(lab, rows(lab), lab.sink("s", "a.df"))
    assert (planned.preview, planned.refusal, planned.failure) == (None, None, None)


def test_a_database_that_another_process_holds_keeps_nothing_else_from_being_told(lab: Any) -> None:
    execute(lab, "CREATE TABLE t (id INTEGER)")
    command = [sys.executable, "-c", HOLD, lab.file("wh.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        planned = plan(lab, rows(lab), lab.table("t", "a.df"), csv(lab))
        holder.communicate("")
    table, file = planned.targets
    assert (table.preview, table.failure.code, planned.exit_code) == (None, "CON022", 4)
    assert file.preview.effect is Effect.CREATE


def test_a_source_that_cannot_be_read_is_a_problem_of_its_step(lab: Any) -> None:
    planned = plan(lab, lab.step("a", "filesystem.csv_extractor", path="none.csv"), csv(lab))
    assert [(error.code, error.where.step_id) for error in planned.problems] == [("FIL003", "a")]
    assert planned.targets[0].columns is None


def test_an_invalid_pipeline_has_no_plan(lab: Any) -> None:
    with pytest.raises(InvalidPipeline):
        plan(lab, rows(lab), csv(lab, colour="red"))


def test_planning_changes_nothing(lab: Any) -> None:
    steps = fails_after(lab, rows(lab), lab.table("t", "a.df"), csv(lab))
    lab.run(*steps)
    sidecar = lab.root / "out/f.csv.osiris.json"
    sidecar.rename(lab.root / "out/.f.csv.osiris-00000000-1.sidecar")  # a death between the two renames
    lab.pipeline(*steps)
    before = contents(lab.root)
    assert plan(lab, *steps).targets[1].preview.effect is Effect.NOTHING
    assert contents(lab.root) == before
