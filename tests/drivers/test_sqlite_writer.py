"""sqlite.writer against real database files."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.connectors.sqlite import connection
from osiris.core import ColumnChange, Effect, PlannedStep
from osiris.drivers.sqlite_extractor_driver import SQLiteExtractorDriver
from osiris.drivers.sqlite_writer_driver import SQLiteWriterDriver
from osiris.errors import Cancelled, ConnectionFailed, DataError, OsirisError, PipelineError, TargetBusy
from osiris.testing import RecordingContext

MODES = ("append", "replace", "merge")
FAILPOINTS = ("before_begin", "after_fence", "after_apply", "before_commit", "after_commit")
OLD = pa.table({"id": [1, 2], "name": ["ann", "bob"]})
NEW = pa.table({"id": [2, 3], "name": ["BOB", "cyd"]})
BEFORE = [(1, "ann"), (2, "bob")]
EXPECTED = {
    "append": [(1, "ann"), (2, "BOB"), (2, "bob"), (3, "cyd")],
    "replace": [(2, "BOB"), (3, "cyd")],
    "merge": [(1, "ann"), (2, "BOB"), (3, "cyd")],
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "shop.sqlite"


def write(
    database: Path, data: pa.Table | pa.RecordBatchReader, run_key: str = "k", **config: Any
) -> RecordingContext:
    reader = data.to_reader() if isinstance(data, pa.Table) else data
    context = config.pop("context", None) or RecordingContext(database.parent, run_key=run_key)
    config = {"table": "people", **config, "resolved_connection": {"path": str(database)}}
    if config.get("write_mode") == "merge":
        config = {"primary_key": ["id"], **config}
    driver = SQLiteWriterDriver()
    try:
        outputs = driver.run(step_id="step", config=config, inputs={"df": reader}, ctx=context)
    finally:
        context.finish()
    assert outputs == {}
    return context


def rows(database: Path, sql: str = "SELECT id, name FROM people ORDER BY id, name") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as con:
        return con.execute(sql).fetchall()


def execute(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as con, con:
        for statement in statements:
            con.execute(statement)


@pytest.fixture
def people(database: Path) -> Path:
    """A table of two people, in a file that is not in WAL mode."""
    execute(
        database,
        "CREATE TABLE people (id INTEGER, name VARCHAR(20))",
        "INSERT INTO people VALUES (1, 'ann'), (2, 'bob')",
    )
    return database


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(OsirisError) as caught:
        act()
    return caught.value.code


def no_lock_is_left(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=0)) as con:
        con.execute("BEGIN EXCLUSIVE")
    return True


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_writes_what_it_says(people: Path, mode: str) -> None:
    context = write(people, NEW, write_mode=mode)
    assert rows(people) == EXPECTED[mode]
    written = context.event("target_written")
    assert (written["target"], written["table"], written["path"]) == ("table", "people", people.name)
    assert (written["rows"], written["write_mode"]) == (2, mode)
    assert context.metric("rows_written") == 2
    assert list(context.work_dir.iterdir()) == []


def test_a_write_tells_new_rows_from_changed_and_deleted_ones(people: Path) -> None:
    merged = write(people, NEW, write_mode="merge").event("target_written")
    replaced = write(people, NEW, run_key="again", write_mode="replace").event("target_written")
    assert (merged["rows_inserted"], merged["rows_updated"], merged["rows_deleted"]) == (1, 1, 0)
    assert (replaced["rows_inserted"], replaced["rows_updated"], replaced["rows_deleted"]) == (2, 0, 3)


@pytest.mark.parametrize("mode", MODES)
def test_a_second_run_of_a_run_key_changes_nothing(people: Path, mode: str) -> None:
    write(people, NEW, write_mode=mode)
    again = write(people, never_read(NEW.schema), write_mode=mode)
    assert again.event("already_committed")["rows"] == 2
    assert rows(people) == EXPECTED[mode]


def never_read(schema: pa.Schema) -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        pytest.fail("the input was read")
        yield

    return pa.RecordBatchReader.from_batches(schema, batches())


def test_a_run_key_of_another_version_is_refused(people: Path) -> None:
    write(people, NEW)
    changed = RecordingContext(people.parent, run_key="k")
    changed.fingerprint = "sha256:" + "1" * 64
    assert code_of(lambda: write(people, NEW, context=changed)) == "RUN009"


@pytest.mark.parametrize("mode", MODES)
def test_a_missing_table_is_made_strict_with_the_types_of_the_stream(database: Path, mode: str) -> None:
    data = pa.table(
        {
            "id": pa.array([1], pa.uint64()),
            "amount": pa.array([Decimal("1.50")], pa.decimal128(20, 2)),
            "paid": pa.array([True]),
            "kind": pa.array(["a"]).dictionary_encode(),
        }
    )
    write(database, data, write_mode=mode)
    key = "" if mode != "merge" else " NOT NULL"
    made = (
        f'CREATE TABLE "people" ("id" INTEGER{key}, "amount" TEXT, "paid" INTEGER CHECK ("paid" IN (0, 1)), '
    )
    made += '"kind" TEXT' + (', PRIMARY KEY ("id")' if key else "") + ") STRICT"
    assert rows(database, "SELECT sql FROM sqlite_master WHERE name = 'people'") == [(made,)]
    assert rows(database, "SELECT * FROM people") == [(1, "1.50", 1, "a")]


def test_a_written_file_is_in_wal_mode_and_whole_by_itself(database: Path) -> None:
    write(database, OLD)
    assert rows(database, "PRAGMA journal_mode") == [("wal",)]
    assert [path.name for path in database.parent.iterdir() if path.is_file()] == [database.name]


def test_replace_keeps_views_indexes_and_keys(people: Path) -> None:
    execute(
        people, "CREATE UNIQUE INDEX by_id ON people (id)", "CREATE VIEW names AS SELECT name FROM people"
    )
    write(people, NEW, write_mode="replace")
    assert rows(people, "SELECT * FROM names ORDER BY 1") == [("BOB",), ("cyd",)]


@pytest.mark.parametrize("size", [0, 1, 20_000])
def test_replace_works_with_a_primary_key_of_any_size(database: Path, size: int) -> None:
    execute(database, "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
    data = pa.table({"id": pa.array(range(size), pa.int64()), "name": pa.array(["x"] * size, pa.string())})
    for run in range(3):
        write(database, data, run_key=f"k{run}", write_mode="replace", allow_empty=True)
    assert rows(database, "SELECT count(*) FROM people") == [(size,)]


def test_columns_are_matched_by_name_whatever_their_case_and_order(people: Path) -> None:
    write(people, pa.table({"NAME": ["dan"], "Id": pa.array([4], pa.int16())}))
    assert (4, "dan") in rows(people)


def test_columns_are_told_apart_as_sqlite_does(database: Path) -> None:
    execute(database, 'CREATE TABLE people ("straße" INT, "strasse" INT, "a""b` c" INT)')
    write(database, pa.table({"straße": [7], 'A"b` c': [8]}))
    assert rows(database, "SELECT * FROM people") == [(7, None, 8)]


def test_a_missing_column_gets_its_default(database: Path) -> None:
    execute(
        database,
        "CREATE TABLE people (n INTEGER PRIMARY KEY, id INT, name TEXT NOT NULL DEFAULT 'nobody', age INT,"
        " twice INT AS (id * 2))",
    )
    write(database, pa.table({"id": [1]}))
    assert rows(database, "SELECT * FROM people") == [(1, 1, "nobody", None, 2)]


@pytest.mark.parametrize("allow_empty", [False, True])
def test_no_rows_replace_a_full_table_only_if_allowed(people: Path, allow_empty: bool) -> None:
    if allow_empty:
        write(people, OLD.slice(0, 0), write_mode="replace", allow_empty=True)
        assert rows(people) == []
    else:
        assert code_of(lambda: write(people, OLD.slice(0, 0), write_mode="replace")) == "TGT010"
        assert rows(people) == BEFORE


TINY = (
    "CREATE VIEW names AS SELECT name FROM people",
    "CREATE VIRTUAL TABLE texts USING fts5(name)",
    "CREATE TABLE tiny (id INT NOT NULL CHECK (id > 0), n INT, twice INT AS (n * 2), amount DECIMAL(10,2),"
    " born DATE, zip STRING, key INTEGER PRIMARY KEY)",
)
ONE = pa.array([1], pa.int8())
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str, str | None]] = {
    "unknown column": ({"id": [1], "nmae": ["x"]}, {}, "TGT002", "name"),
    "generated column": ({"id": [1], "twice": [2]}, {"table": "tiny"}, "TGT002", "id, n, amount"),
    "no table": ({"id": [1]}, {"table": "nowhere", "create": "never"}, "TGT001", "if_missing"),
    "double into integer": ({"id": [1.0]}, {}, "TGT004", "CAST"),
    "text into integer": ({"id": ["007"]}, {}, "TGT004", "TEXT"),
    "text into date": ({"id": [1], "born": ["2024-01-01"]}, {"table": "tiny"}, "TGT004", "CAST"),
    "decimal into doubles": ({"id": [1], "amount": [Decimal("1.5")]}, {"table": "tiny"}, "TGT004", "DOUBLE"),
    "bytes into text": ({"id": [1], "name": [b"x"]}, {}, "TGT004", "CAST"),
    "text that becomes a number": ({"id": [1], "zip": ["007"]}, {"table": "tiny"}, "TGT012", "cast"),
    "twins": ({"id": [1], "ID": [2]}, {}, "TGT005", "Rename"),
    "twins in a new table": ({"id": [1], "ID": [2]}, {"table": "new"}, "TGT005", "Rename"),
    "no columns": ({}, {}, "SQL015", "Name"),
    "no name": ({"id": [1], "": [2]}, {}, "SQL015", "Name"),
    "NUL in a name": ({"id": [1], "a\0b": [2]}, {}, "SQL014", "Rename"),
    "reserved by Osiris": ({"id": [1]}, {"table": "_Osiris_commits"}, "TGT006", "_osiris_"),
    "reserved by SQLite": ({"id": [1]}, {"table": "sqlite_stat1"}, "TGT006", "sqlite_"),
    "null key": ({"id": [1, None], "name": ["a", "b"]}, {"write_mode": "merge"}, "TGT007", "primary_key"),
    "null rowid": ({"id": [1], "key": pa.nulls(1, pa.int64())}, {"table": "tiny"}, "TGT007", "number all"),
    "key twice": ({"id": [7, 7], "name": ["a", "b"]}, {"write_mode": "merge"}, "TGT008", "row_number"),
    "key missing": ({"name": ["x"]}, {"write_mode": "merge"}, "TGT013", "name"),
    "key missing, new": ({"a": [1]}, {"write_mode": "merge", "table": "new"}, "TGT013", "a"),
    "view": ({"id": [1]}, {"table": "names"}, "TGT014", "table"),
    "virtual table": ({"id": [1]}, {"table": "texts"}, "TGT014", "table"),
    "list": ({"id": [1], "x": [[1]]}, {"table": "new"}, "TGT012", "to_json"),
    "duration": ({"id": [1], "x": pa.array([1], pa.duration("s"))}, {"table": "new"}, "TGT012", "CAST"),
    "untyped": ({"id": [1], "x": pa.nulls(1)}, {"table": "new"}, "TGT012", "CAST"),
    "not a number": ({"id": [1], "x": [float("nan")]}, {"table": "new"}, "TGT012", "Replace"),
    "too big": ({"id": pa.array([2**63], pa.uint64())}, {}, "TGT012", "cast"),
    "NUL in a text": ({"id": [1], "name": ["a\0b"]}, {}, "TGT012", "Replace"),
    "check": ({"id": [-1], "n": ONE}, {"table": "tiny"}, "TGT011", None),
    "null": ({"n": ONE}, {"table": "tiny"}, "TGT003", "default"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("mode", MODES)
def test_what_would_go_wrong_is_refused_and_changes_nothing(people: Path, case: Any, mode: str) -> None:
    columns, config, code, hint = case
    execute(people, *TINY)
    data = pa.table(columns)
    with pytest.raises(OsirisError) as caught:
        write(people, data, **{"write_mode": mode, **config})
    if "id" in columns or mode != "merge":
        assert caught.value.code == code
        assert hint is None or hint in str(caught.value.hint)
    assert caught.value.target == "unchanged"
    assert rows(people) == BEFORE
    assert rows(people, "SELECT count(*) FROM tiny") == [(0,)]
    assert rows(people, "SELECT name FROM sqlite_master WHERE name IN ('new', '_osiris_commits')") == []
    assert no_lock_is_left(people)


def test_a_value_that_cannot_be_kept_is_told_with_its_row(people: Path) -> None:
    many = pa.table({"id": [*range(20_000), 5], "name": ["x"] * 20_000 + ["a\0b"]})
    with pytest.raises(DataError) as caught:
        write(people, many)
    assert "Row 20001" in caught.value.message
    assert '"name"' in caught.value.message
    assert caught.value.details == {"column": "name", "row": 20_001}


def test_duplicate_keys_are_shown_by_example(people: Path) -> None:
    long = "x" * 500
    data = pa.table({"id": [long, long, "b", "b", "c", "c", "d", "d"]})
    with pytest.raises(DataError) as caught:
        write(people, data, table="new", write_mode="merge")
    assert "b; c; d" in caught.value.message


def test_a_target_with_a_key_twice_is_not_merged_into(people: Path) -> None:
    execute(people, "INSERT INTO people VALUES (1, 'again')")
    assert code_of(lambda: write(people, NEW, write_mode="merge")) == "TGT009"


@pytest.mark.parametrize("unique", [False, True])
def test_keys_are_compared_as_the_target_s_column_does(database: Path, unique: bool) -> None:
    execute(database, f"CREATE TABLE people (id TEXT COLLATE NOCASE {'UNIQUE' if unique else ''}, name TEXT)")
    execute(database, "INSERT INTO people VALUES ('Ann', 'old')")
    write(database, pa.table({"id": ["ANN", "bob"], "name": ["new", "new"]}), write_mode="merge")
    assert rows(database) == [("Ann", "new"), ("bob", "new")]
    twice = pa.table({"id": ["x", "X"], "name": ["a", "b"]})
    assert code_of(lambda: write(database, twice, run_key="2", write_mode="merge")) == "TGT008"


@pytest.mark.parametrize("key", [["A", "b"], ["b", "a"]])
def test_a_key_may_have_several_columns_in_any_case(database: Path, key: list[str]) -> None:
    first = pa.table({"a": [1, 1, 2], "b": ["x", "y", "x"], "n": [1, 2, 3]})
    second = pa.table({"B": ["y", "z"], "A": [1, 1], "N": [20, 40]})
    for run, data in enumerate((first, second)):
        write(database, data, run_key=f"k{run}", table="t", write_mode="merge", primary_key=key)
    expected = [(1, "x", 1), (1, "y", 20), (1, "z", 40), (2, "x", 3)]
    assert rows(database, "SELECT a, b, n FROM t ORDER BY 1, 2") == expected


def test_a_table_of_keys_alone_can_be_merged(database: Path) -> None:
    for run in range(2):
        write(database, pa.table({"id": [1, 2]}), run_key=f"k{run}", write_mode="merge")
    assert rows(database, "SELECT id FROM people ORDER BY id") == [(1,), (2,)]


def test_a_merge_looks_rows_up_by_the_target_s_index(database: Path) -> None:
    """A few rows into a large table: hundreds of times more steps if the table were read."""
    execute(
        database,
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)",
        "INSERT INTO people WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
        " SELECT i, 'x' FROM n",
    )
    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    context = RecordingContext(database.parent)

    def begin_to_count() -> None:
        (connector,) = context._resources
        connector.con.set_progress_handler(count, 1000)  # type: ignore[attr-defined]

    context.failpoints["commit.after_fence"] = begin_to_count
    write(database, NEW, context=context, write_mode="merge")
    assert rows(database, "SELECT id, name FROM people WHERE id < 4") == [(1, "x"), (2, "BOB"), (3, "cyd")]
    assert steps[0] < 100


CONFLICTS = {
    "ignored": "CREATE TABLE people (id INTEGER UNIQUE ON CONFLICT IGNORE, name TEXT)",
    "replaced": "CREATE TABLE people (id INTEGER UNIQUE ON CONFLICT REPLACE, name TEXT)",
}


@pytest.mark.parametrize("table", CONFLICTS.values(), ids=CONFLICTS)
def test_a_conflict_clause_of_the_table_loses_no_row(database: Path, table: str) -> None:
    execute(database, table, "INSERT INTO people VALUES (1, 'ann'), (2, 'bob')")
    assert code_of(lambda: write(database, NEW)) == "TGT011"
    assert rows(database) == BEFORE


def test_a_trigger_that_drops_a_row_stops_the_commit(people: Path) -> None:
    execute(
        people,
        "CREATE TRIGGER drops BEFORE INSERT ON people WHEN new.id = 3 BEGIN SELECT raise(IGNORE); END",
    )
    assert code_of(lambda: write(people, NEW)) == "RUN007"
    assert rows(people) == BEFORE


def test_rows_that_a_trigger_writes_elsewhere_are_not_counted(people: Path) -> None:
    execute(
        people,
        "CREATE TABLE log (id INT)",
        "CREATE TRIGGER logs AFTER INSERT ON people BEGIN INSERT INTO log VALUES (new.id), (new.id); END",
    )
    assert write(people, NEW).event("target_written")["rows"] == 2
    assert rows(people, "SELECT count(*) FROM log") == [(4,)]


ORDERS = "CREATE TABLE orders (person INT REFERENCES people (id) {})"


@pytest.fixture
def customers(database: Path) -> Path:
    """People whom orders refer to."""
    execute(database, "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)", ORDERS.format(""))
    execute(database, "INSERT INTO people VALUES (1, 'ann'), (2, 'bob')", "INSERT INTO orders VALUES (2)")
    return database


def test_replace_keeps_what_refers_to_the_rows(customers: Path) -> None:
    write(customers, NEW, write_mode="replace")
    assert rows(customers) == EXPECTED["replace"]
    without = pa.table({"id": [9], "name": ["x"]})
    assert code_of(lambda: write(customers, without, "2", write_mode="replace")) == "TGT011"
    assert rows(customers) == EXPECTED["replace"]


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_replace_never_deletes_or_changes_rows_of_other_tables(database: Path, action: str) -> None:
    execute(database, "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
    execute(database, ORDERS.format(f"ON DELETE {action}"), "INSERT INTO people VALUES (1, 'ann')")
    execute(database, "INSERT INTO orders VALUES (1)")
    with pytest.raises(PipelineError) as caught:
        write(database, NEW, write_mode="replace")
    assert caught.value.code == "TGT017"
    assert "orders" in caught.value.message
    write(database, NEW, write_mode="merge")
    assert rows(database, "SELECT * FROM orders") == [(1,)]


def test_a_row_without_what_it_refers_to_is_refused(customers: Path) -> None:
    assert code_of(lambda: write(customers, pa.table({"person": [1, 99]}), table="orders")) == "TGT011"
    assert rows(customers, "SELECT * FROM orders") == [(2,)]


class SourceBrokeError(Exception):
    """What an upstream step raises."""


def breaking(table: pa.Table, after: int) -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from table.to_batches(max_chunksize=1000)[:after]
        raise SourceBrokeError("the source broke")

    return pa.RecordBatchReader.from_batches(table.schema, batches())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("after", [0, 1, 7, 40])
def test_an_upstream_error_arrives_as_it_was_and_changes_nothing(people: Path, mode: str, after: int) -> None:
    many = pa.table({"id": pa.array(range(50_000)), "name": pa.array(["x"] * 50_000)})
    with pytest.raises(SourceBrokeError):
        write(people, breaking(many, after), write_mode=mode)
    assert rows(people) == BEFORE
    write(people, NEW, write_mode=mode)
    assert rows(people) == EXPECTED[mode]


@pytest.mark.parametrize("create", ["if_missing", "never"])
def test_what_fails_before_the_first_row_leaves_no_database_behind(database: Path, create: str) -> None:
    with pytest.raises((SourceBrokeError, PipelineError)):
        write(database, breaking(OLD, int(create == "never")), create=create)
    assert not database.exists()


def test_the_producer_s_broken_text_is_refused(people: Path) -> None:
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    )
    assert code_of(lambda: write(people, pa.table({"id": [1], "name": broken}))) == "DAT017"
    assert rows(people) == BEFORE


class InjectedError(Exception):
    """What a failpoint raises."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_failure_at_any_point_is_all_or_nothing(people: Path, mode: str, failpoint: str) -> None:
    def strike() -> None:
        raise InjectedError

    context = RecordingContext(people.parent, run_key="k")
    context.failpoints[f"commit.{failpoint}"] = strike
    with pytest.raises(InjectedError):
        write(people, NEW, write_mode=mode, context=context)
    assert rows(people) == (EXPECTED[mode] if failpoint == "after_commit" else BEFORE)
    write(people, NEW, write_mode=mode)
    assert rows(people) == EXPECTED[mode]
    assert list(context.work_dir.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from osiris.drivers.sqlite_writer_driver import SQLiteWriterDriver
from osiris.testing import RecordingContext
database, mode, failpoint = sys.argv[1:]
context = RecordingContext(Path(database).parent, run_key="k")
context.failpoints[f"commit.{failpoint}"] = lambda: os.kill(os.getpid(), signal.SIGKILL)
config = {"table": "people", "write_mode": mode, "primary_key": ["id"],
          "resolved_connection": {"path": database}}
schema = pa.schema([("id", pa.int64()), ("name", pa.string())])
def batches():
    yield pa.record_batch({"id": [2, 3], "name": ["BOB", "cyd"]}, schema=schema)
    for start in range(1000, 200_000, 1000):
        if failpoint == "mid_stream" and start == 150_000:
            os.kill(os.getpid(), signal.SIGKILL)
        yield pa.record_batch({"id": range(start, start + 1000), "name": ["x" * 100] * 1000}, schema=schema)
reader = pa.RecordBatchReader.from_batches(schema, batches())
SQLiteWriterDriver().run(step_id="step", config=config, inputs={"df": reader}, ctx=context)
"""
FEW = "SELECT id, name FROM people WHERE id < 1000 ORDER BY id, name"


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failpoint", [*FAILPOINTS, "mid_stream"])
def test_kill_9_is_all_or_nothing_and_a_rerun_finishes(people: Path, mode: str, failpoint: str) -> None:
    """Megabytes have reached the file's log by then; a reader does not see them."""
    killed = subprocess.run([sys.executable, "-c", KILLED, str(people), mode, failpoint], check=False)
    assert killed.returncode == -9
    committed = failpoint == "after_commit"
    assert rows(people, FEW) == (EXPECTED[mode] if committed else BEFORE)
    assert rows(people, "SELECT count(*) >= 199000 FROM people") == [(int(committed),)]
    again = write(people, NEW, write_mode=mode)
    assert rows(people, FEW) == EXPECTED[mode]
    assert ("already_committed" in dict(again.events)) == committed
    assert rows(people, "PRAGMA integrity_check") == [("ok",)]


HOLDER = """
import sqlite3, sys
con = sqlite3.connect(sys.argv[1], isolation_level=None)
con.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("mode", MODES)
def test_another_writer_makes_the_target_busy(
    people: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LOCK_SECONDS", 0.1)
    command = [sys.executable, "-c", HOLDER, str(people)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(TargetBusy) as caught:
            write(people, NEW, write_mode=mode)
        holder.communicate("")
    assert (caught.value.code, caught.value.exit_code, caught.value.transient) == ("CON022", 4, True)
    write(people, NEW, write_mode=mode)
    assert rows(people) == EXPECTED[mode]


def test_a_writer_waits_for_another_one_that_ends_in_time(
    people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other transaction ends when this one has found the file locked: both have written."""
    write(people, OLD, run_key="wal")
    other = sqlite3.connect(people, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO people VALUES (9, 'other')")
    is_busy, locked = connection.is_busy, []

    def commit_once(exc: sqlite3.Error) -> bool:
        locked.append(exc)
        other.execute("COMMIT")
        return is_busy(exc)

    monkeypatch.setattr(connection, "is_busy", commit_once)
    write(people, NEW)
    other.close()
    assert len(locked) == 1
    assert [row for row in rows(people) if row[0] in (3, 9)] == [(3, "cyd"), (9, "other")]


def test_writers_of_one_process_wait_for_each_other_however_long(
    people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second comes while the first is in its transaction, and would give up if it asked SQLite."""
    monkeypatch.setattr(connection, "LOCK_SECONDS", 0.0)
    second = threading.Thread(target=lambda: write(people, NEW, run_key="2", table="second"))
    waits = threading.Event()
    monkeypatch.setattr(connection._WRITERS, "wait_for", watched(connection._WRITERS.wait_for, waits))
    first = RecordingContext(people.parent, run_key="1")

    def begin_the_second() -> None:
        waits.clear()
        second.start()
        assert waits.wait(30)

    first.failpoints["commit.before_commit"] = begin_the_second
    write(people, NEW, context=first, table="first")
    second.join(30)
    assert rows(people, "SELECT count(*) FROM first JOIN second USING (id)") == [(2,)]


def watched(act: Callable[..., Any], called: threading.Event) -> Callable[..., Any]:
    def watch(*arguments: Any) -> Any:
        called.set()
        return act(*arguments)

    return watch


def test_a_writer_that_waits_its_turn_can_be_stopped(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits, stopped = threading.Event(), RecordingContext(people.parent, run_key="2")
    monkeypatch.setattr(connection._WRITERS, "wait_for", watched(connection._WRITERS.wait_for, waits))
    errors: list[BaseException] = []

    def wait_in_vain() -> None:
        try:
            write(people, NEW, context=stopped)
        except OsirisError as error:
            errors.append(error)

    def cancel_the_second() -> None:
        waits.clear()
        second = threading.Thread(target=wait_in_vain)
        second.start()
        assert waits.wait(30)
        stopped.cancel()
        second.join(30)

    first = RecordingContext(people.parent, run_key="1")
    first.failpoints["commit.before_commit"] = cancel_the_second
    write(people, NEW, context=first)
    assert [type(error) for error in errors] == [Cancelled]
    assert rows(people) == EXPECTED["append"]


def test_two_writers_with_one_run_key_have_the_effect_of_one(people: Path) -> None:
    """Another process commits while the first waits to begin: the fence lets only one of them through."""
    first = RecordingContext(people.parent, run_key="k")
    script = KILLED.replace("os.kill(os.getpid(), signal.SIGKILL)", "None").replace("200_000", "1000")
    other = [sys.executable, "-c", script, str(people), "append", "none"]
    first.failpoints["commit.before_begin"] = lambda: subprocess.run(other, check=True) and None
    with pytest.raises(TargetBusy) as caught:
        write(people, NEW, context=first)
    assert caught.value.code == "TGT015"
    assert rows(people) == EXPECTED["append"]


@pytest.mark.parametrize("mode", MODES)
def test_a_table_that_is_changed_meanwhile_is_looked_at_again(people: Path, mode: str) -> None:
    context = RecordingContext(people.parent)
    change = "ALTER TABLE people ADD COLUMN age INT"
    context.failpoints["commit.before_begin"] = lambda: execute(people, change)
    with pytest.raises(TargetBusy) as caught:
        write(people, NEW, context=context, write_mode=mode)
    assert caught.value.code == "TGT015"
    write(people, NEW, write_mode=mode)
    assert rows(people) == EXPECTED[mode]


@pytest.mark.parametrize("mode", MODES)
def test_a_stream_from_the_file_itself_is_written_to_it(people: Path, mode: str) -> None:
    """The file is not in WAL mode, and its reader holds it open until the writer has taken the last row."""
    rows_read = 60_000
    execute(
        people,
        "CREATE TABLE source (id INTEGER, name TEXT)",
        "INSERT INTO source WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        f" SELECT i, 'x' || i FROM n LIMIT {rows_read}",
    )
    reading = RecordingContext(people.parent / "reading")
    config = {"table": "source", "resolved_connection": {"path": str(people)}}
    out = SQLiteExtractorDriver().run(step_id="r", config=config, inputs=None, ctx=reading)["df"]

    def batches() -> Iterator[pa.RecordBatch]:
        yield from out  # type: ignore[misc]
        reading.finish()

    write(people, pa.RecordBatchReader.from_batches(out.schema, batches()), write_mode=mode)  # type: ignore[attr-defined]
    assert rows(people, "SELECT count(*) FROM people WHERE name LIKE 'x%'") == [(rows_read,)]
    assert rows(people, "PRAGMA journal_mode") == [("wal",)]


LIMITED = """
import json, os, resource, signal, sys
from pathlib import Path
import pyarrow as pa
from osiris.drivers.sqlite_writer_driver import SQLiteWriterDriver
from osiris.errors import OsirisError
from osiris.testing import RecordingContext
database, mode, failpoint, size, rows = sys.argv[1], sys.argv[2], sys.argv[3], *map(int, sys.argv[4:])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
context = RecordingContext(Path(database).parent, run_key="k")
limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
limit() if failpoint == "now" else context.failpoints.update({f"commit.{failpoint}": limit})
config = {"table": "people", "write_mode": mode, "primary_key": ["id"],
          "resolved_connection": {"path": database}}
data = pa.table({"id": pa.array(range(10, rows + 10), pa.int64()), "name": ["x" * 50] * rows})
try:
    SQLiteWriterDriver().run(step_id="step", config=config, inputs={"df": data.to_reader()}, ctx=context)
except OsirisError as error:
    print(json.dumps(error.to_dict()))
"""


def limited(database: Path, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-c", LIMITED, str(database), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("mode", MODES)
def test_a_full_disk_changes_nothing(people: Path, mode: str) -> None:
    error = limited(people, mode, "now", 4_000_000, 300_000)
    assert (error["code"], error["target"]) in (("RES001", "unchanged"), ("RES003", "unchanged"))
    assert rows(people) == BEFORE
    write(people, NEW, write_mode=mode)
    assert rows(people) == EXPECTED[mode]


@pytest.mark.faults
@pytest.mark.parametrize("mode", MODES)
def test_a_commit_without_an_answer_is_of_unknown_outcome(people: Path, mode: str) -> None:
    """The disk refuses what COMMIT itself writes: only the ledger can tell, and the next run asks it."""
    error = limited(people, mode, "before_commit", 5000, 20)
    assert (error["code"], error["target"], error["exit_code"]) == ("TGT016", "unknown", 8)
    again = write(people, NEW, write_mode=mode)
    assert "already_committed" not in dict(again.events)
    assert rows(people) == EXPECTED[mode]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (":memory:", "CON003"),
        ("missing/folder/x.sqlite", "CON020"),
        (".", "CON023"),
        ("text.sqlite", "CON023"),
        ("cut.sqlite", "CON024"),
    ],
)
def test_a_place_that_cannot_hold_a_database_is_refused(tmp_path: Path, path: str, code: str) -> None:
    (tmp_path / "text.sqlite").write_text("no database" * 1000)
    write(tmp_path / "whole.sqlite", OLD)
    (tmp_path / "cut.sqlite").write_bytes((tmp_path / "whole.sqlite").read_bytes()[:5000])
    config = {
        "table": "t",
        "resolved_connection": {"path": path if path == ":memory:" else str(tmp_path / path)},
    }
    with pytest.raises(ConnectionFailed) as caught:
        SQLiteWriterDriver().run(
            step_id="s", config=config, inputs={"df": OLD.to_reader()}, ctx=RecordingContext(tmp_path)
        )
    assert caught.value.code == code
    assert str(tmp_path.parent) not in f"{caught.value.message} {caught.value.hint} {caught.value.details}"


@settings(max_examples=20)
@given(
    st.lists(
        st.dictionaries(
            st.integers(0, 8),
            st.tuples(st.none() | st.text(st.characters(exclude_characters="\0"), max_size=3), st.booleans()),
            max_size=6,
        ),
        max_size=5,
    )
)
def test_merge_is_a_dict_update(
    tmp_path_factory: pytest.TempPathFactory, loads: list[dict[int, Any]]
) -> None:
    database = tmp_path_factory.mktemp("merge") / "w.sqlite"
    expected: dict[int, Any] = {}
    schema = pa.schema([("id", pa.int64()), ("text", pa.string()), ("flag", pa.bool_())])
    for number, load in enumerate(loads):
        data = [{"id": key, "text": text, "flag": flag} for key, (text, flag) in load.items()]
        write(database, pa.Table.from_pylist(data, schema), run_key=f"k{number}", write_mode="merge")
        expected |= load
    if loads:
        found = rows(database, "SELECT * FROM people")
        assert {key: (text, bool(flag)) for key, text, flag in found} == expected


def test_a_cancelled_writer_stops_in_the_middle_of_a_statement(people: Path) -> None:
    execute(
        people,
        "CREATE TRIGGER slow BEFORE INSERT ON people BEGIN WITH RECURSIVE n(i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n; END",
    )
    context = RecordingContext(people.parent)
    context.failpoints["commit.after_fence"] = context.cancel
    with pytest.raises(Cancelled):
        write(people, NEW, context=context)
    assert rows(people) == BEFORE


def test_a_key_that_names_a_column_twice_is_found() -> None:
    config = {"table": "sqlite_x", "write_mode": "merge", "primary_key": ["id", "ID"]}
    found = SQLiteWriterDriver().check(config, ("df",))
    assert [(problem.field, problem.code) for problem in found] == [
        ("table", "TGT006"),
        ("primary_key", "CMP005"),
    ]


def preview(database: Path, columns: dict[str, pa.DataType | None] | None, **config: Any) -> Any:
    config = {"table": "people", **config, "resolved_connection": {"path": str(database)}}
    step = PlannedStep("test_pipeline", "sha256:" + "0" * 64, "k", "step")
    return SQLiteWriterDriver().preview_write(config, columns, step)


TYPED = {"id": pa.int64(), "name": pa.string()}


@pytest.mark.parametrize("mode", MODES)
def test_a_preview_says_what_would_happen_and_changes_nothing(people: Path, mode: str) -> None:
    before = people.read_bytes()
    told = preview(people, TYPED, write_mode=mode, primary_key=["id"])
    assert (told.name, told.exists, told.effect, told.rows) == ("shop.sqlite:people", True, Effect(mode), 2)
    assert (told.keys, told.repeats) == (("id",) if mode == "merge" else (), mode == "append")
    assert (told.changes, told.refusal) == ((), None)
    assert told.is_destructive == (mode == "replace")
    assert people.read_bytes() == before
    write(people, NEW, write_mode=mode)
    done = preview(people, TYPED, write_mode=mode, primary_key=["id"])
    assert (done.effect, done.rows) == (Effect.NOTHING, 2)


def test_a_preview_makes_no_file(database: Path) -> None:
    told = preview(database, {"id": None, "name": pa.string()})
    assert (told.exists, told.effect, told.rows, told.refusal) == (False, Effect.CREATE, None, None)
    assert not database.exists()


def test_a_preview_tells_columns_that_differ(people: Path) -> None:
    execute(people, "ALTER TABLE people ADD COLUMN age INT")
    columns = {"ID": pa.float64(), "name": None, "city": pa.string(), "note": None}
    told = preview(people, columns)
    assert told.changes == (
        ColumnChange("id", "INTEGER", "double", is_lossy=True),
        ColumnChange("age", "INT", None),
        ColumnChange("city", None, "string"),
        ColumnChange("note", None, ""),
    )
    assert told.refusal.code == "TGT004"


PREVIEWED: dict[str, tuple[dict[str, Any], dict[str, pa.DataType | None] | None, str]] = {
    "no table": ({"table": "new", "create": "never"}, None, "TGT001"),
    "view": ({"table": "names"}, TYPED, "TGT014"),
    "key": ({"write_mode": "merge", "primary_key": ["x"]}, TYPED, "TGT013"),
    "list": ({"table": "new"}, {"x": pa.list_(pa.int64())}, "TGT012"),
    "followers": ({"table": "led", "write_mode": "replace"}, {"id": pa.int64()}, "TGT017"),
}


@pytest.mark.parametrize(("config", "columns", "code"), PREVIEWED.values(), ids=PREVIEWED)
def test_a_preview_tells_what_the_write_would_be_refused_for(
    people: Path, config: dict[str, Any], columns: Any, code: str
) -> None:
    execute(
        people,
        "CREATE VIEW names AS SELECT name FROM people",
        "CREATE TABLE led (id INTEGER PRIMARY KEY)",
        "CREATE TABLE follower (id INT REFERENCES led (id) ON DELETE CASCADE)",
    )
    assert preview(people, columns, **config).refusal.code == code


def test_a_preview_of_a_place_that_cannot_be_written_raises(tmp_path: Path) -> None:
    assert code_of(lambda: preview(tmp_path / "no" / "x.sqlite", TYPED)) == "CON020"


def test_capability_transactions(people: Path) -> None:
    test_a_failure_at_any_point_is_all_or_nothing(people, "replace", "after_apply")


def test_capability_bulkOperations(people: Path) -> None:  # noqa: N802
    """All rows go through one prepared statement in one transaction, whatever their number."""
    many = pa.table({"id": pa.array(range(200_000)), "name": pa.array(["x"] * 200_000)})
    assert write(people, many).metric("rows_written") == 200_000
    assert rows(people, "SELECT count(*) FROM _osiris_commits WHERE rows_applied = 200000") == [(1,)]


@pytest.mark.parametrize("mode", MODES)
def test_capability_streaming(people: Path, mode: str) -> None:
    """Batches are pulled while rows are written: the first has gone before the last is made."""
    alive: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(20):
            alive.append(pa.total_allocated_bytes())
            ids = pa.array(range(number * 20_000, (number + 1) * 20_000))
            yield pa.record_batch({"id": ids, "name": pa.array(["x" * 100] * 20_000)})

    write(people, pa.RecordBatchReader.from_batches(OLD.schema, batches()), write_mode=mode)
    assert max(alive) < 20_000_000


PEAK = """
import resource, sys
from pathlib import Path
import pyarrow as pa
from osiris.drivers.sqlite_writer_driver import SQLiteWriterDriver
from osiris.testing import RecordingContext
folder, total, mode = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
step = 50_000
def batches():
    for start in range(0, total, step):
        yield pa.record_batch({"id": pa.array(range(start, start + step), pa.int64()),
                               "name": pa.array([f"name {i % 997}" for i in range(step)])})
schema = pa.schema([("id", pa.int64()), ("name", pa.string())])
config = {"table": "t", "write_mode": mode, "primary_key": ["id"] if mode == "merge" else None,
          "resolved_connection": {"path": str(folder / "w.sqlite")}}
reader = pa.RecordBatchReader.from_batches(schema, batches())
SQLiteWriterDriver().run(step_id="s", config=config, inputs={"df": reader}, ctx=RecordingContext(folder))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kilobytes(*arguments: object) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, mode: str) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    few.mkdir()
    many.mkdir()
    assert peak_kilobytes(many, 2_000_000, mode) - peak_kilobytes(few, 500_000, mode) < 30_000
