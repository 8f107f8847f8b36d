"""duckdb.writer against real database files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.drivers.duckdb_writer_driver import DuckDBWriterDriver
from osiris.errors import ConnectionFailed, DataError, OsirisError, OutcomeUnknown, PipelineError, TargetBusy
from osiris.testing import RecordingContext

MODES = ("append", "replace", "merge")
FAILPOINTS = ("before_begin", "after_fence", "after_apply", "before_commit", "after_commit")
OLD = pa.table({"id": [1, 2], "name": ["ann", "bob"]})
NEW = pa.table({"id": [2, 3], "name": ["BOB", "cyd"]})
EXPECTED = {
    "append": [(1, "ann"), (2, "bob"), (2, "BOB"), (3, "cyd")],
    "replace": [(2, "BOB"), (3, "cyd")],
    "merge": [(1, "ann"), (2, "BOB"), (3, "cyd")],
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


def config_for(database: Path, **config: Any) -> dict[str, Any]:
    config = {"table": "people", **config}
    if config.get("write_mode") == "merge":
        config = {"primary_key": ["id"], **config}
    return {**config, "resolved_connection": {"path": str(database)}}


def write(
    database: Path, data: pa.Table | pa.RecordBatchReader, run_key: str = "k", **config: Any
) -> RecordingContext:
    reader = data.to_reader() if isinstance(data, pa.Table) else data
    context = config.pop("context", None) or RecordingContext(database.parent, run_key=run_key)
    driver = DuckDBWriterDriver()
    try:
        outputs = driver.run(
            step_id="step", config=config_for(database, **config), inputs={"df": reader}, ctx=context
        )
    finally:
        context.finish()
    assert outputs == {}
    return context


def rows(database: Path, sql: str = "FROM people ORDER BY id, name DESC") -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database)) as con:
        return con.execute(sql).fetchall()


def execute(database: Path, *statements: str) -> None:
    with duckdb.connect(str(database)) as con:
        for statement in statements:
            con.execute(statement)


@pytest.fixture
def people(database: Path) -> Path:
    """A table of two people."""
    execute(database, "CREATE TABLE people (id BIGINT, name VARCHAR)")
    write(database, OLD, run_key="old")
    return database


def ordered(values: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(values, key=str)


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_writes_what_it_says(people: Path, mode: str) -> None:
    context = write(people, NEW, write_mode=mode)
    assert ordered(rows(people)) == ordered(EXPECTED[mode])
    written = context.event("target_written")
    assert (written["target"], written["table"], written["path"]) == ("table", "people", people.name)
    assert (written["rows"], written["write_mode"]) == (2, mode)
    assert context.metric("rows_written") == 2


def test_merge_tells_new_rows_from_changed_ones(people: Path) -> None:
    written = write(people, NEW, write_mode="merge").event("target_written")
    assert (written["rows_inserted"], written["rows_updated"]) == (1, 1)


@pytest.mark.parametrize("mode", MODES)
def test_a_second_run_of_a_run_key_changes_nothing(people: Path, mode: str) -> None:
    write(people, NEW, write_mode=mode)
    again = write(people, never_read(NEW.schema), write_mode=mode)
    assert again.event("already_committed")["rows"] == 2
    assert ordered(rows(people)) == ordered(EXPECTED[mode])


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


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(OsirisError) as caught:
        act()
    return caught.value.code


@pytest.mark.parametrize("mode", MODES)
def test_a_missing_table_is_made_with_the_types_of_the_stream(database: Path, mode: str) -> None:
    data = pa.table(
        {
            "id": pa.array([2**64 - 1], pa.uint64()),
            "amount": pa.array([Decimal("1.50")], pa.decimal128(20, 2)),
            "at": pa.array([0], pa.timestamp("us", "UTC")),
            "kind": pa.array(["a"]).dictionary_encode(),
        }
    )
    write(database, data, write_mode=mode)
    described = [(name, kind) for name, kind, *_ in rows(database, "DESCRIBE people")]
    types = ["UBIGINT", "DECIMAL(20,2)", "TIMESTAMP WITH TIME ZONE", "VARCHAR"]
    assert described == list(zip(data.column_names, types, strict=True))


def test_a_table_made_by_merge_has_the_key_as_primary_key(database: Path) -> None:
    write(database, OLD, write_mode="merge")
    described = {name: (null, key) for name, _, null, key, *_ in rows(database, "DESCRIBE people")}
    assert described == {"id": ("NO", "PRI"), "name": ("YES", None)}


def test_a_table_may_be_in_a_schema(database: Path) -> None:
    write(database, OLD, table="sales.people")
    assert len(rows(database, "FROM sales.people")) == 2


def test_replace_keeps_views_and_keys(people: Path) -> None:
    execute(
        people, "CREATE UNIQUE INDEX by_id ON people (id)", "CREATE VIEW names AS SELECT name FROM people"
    )
    write(people, NEW, write_mode="replace")
    assert rows(people, "FROM names ORDER BY ALL") == [("BOB",), ("cyd",)]


@pytest.mark.parametrize("size", [0, 1, 200_000])
def test_replace_works_with_a_primary_key_of_any_size(database: Path, size: int) -> None:
    execute(database, "CREATE TABLE people (id BIGINT PRIMARY KEY, name VARCHAR)")
    data = pa.table({"id": pa.array(range(size), pa.int64()), "name": pa.array(["x"] * size, pa.string())})
    for run in range(3):
        write(database, data, run_key=f"k{run}", write_mode="replace", allow_empty=True)
    assert rows(database, "SELECT count(*) FROM people") == [(size,)]


def test_columns_are_matched_by_name_whatever_their_case_and_order(people: Path) -> None:
    write(people, pa.table({"NAME": ["dan"], "Id": pa.array([4], pa.int16())}))
    assert (4, "dan") in rows(people)


def test_a_missing_column_gets_its_default(database: Path) -> None:
    execute(database, "CREATE TABLE people (id BIGINT, name VARCHAR NOT NULL DEFAULT 'nobody', age INT)")
    write(database, pa.table({"id": [1]}))
    assert rows(database, "FROM people") == [(1, "nobody", None)]


@pytest.mark.parametrize("allow_empty", [False, True])
def test_no_rows_replace_a_full_table_only_if_allowed(people: Path, allow_empty: bool) -> None:
    if allow_empty:
        write(people, OLD.slice(0, 0), write_mode="replace", allow_empty=True)
        assert rows(people) == []
    else:
        assert code_of(lambda: write(people, OLD.slice(0, 0), write_mode="replace")) == "TGT010"
        assert len(rows(people)) == 2


KEYS_NULL = pa.table({"id": [1, None], "name": ["a", "b"]})
KEYS_TWICE = pa.table({"id": [7, 7], "name": ["a", "b"]})
REFUSED: dict[str, tuple[pa.Table, dict[str, Any], str, str | None]] = {
    "unknown column": (pa.table({"id": [1], "nmae": ["x"]}), {}, "TGT002", "name"),
    "no table": (OLD, {"table": "nowhere", "create": "never"}, "TGT001", "if_missing"),
    "double into integer": (pa.table({"id": [1.0]}), {}, "TGT004", "CAST"),
    "text into integer": (pa.table({"id": ["1"]}), {}, "TGT004", "CAST"),
    "twins": (pa.table({"id": [1], "ID": [2]}), {}, "TGT005", "Rename"),
    "twins in a new table": (pa.table({"id": [1], "ID": [2]}), {"table": "new"}, "TGT005", "Rename"),
    "reserved": (OLD, {"table": "_osiris_commits"}, "TGT006", "_osiris_"),
    "null key": (KEYS_NULL, {"write_mode": "merge"}, "TGT007", "primary_key"),
    "key twice": (KEYS_TWICE, {"write_mode": "merge"}, "TGT008", "row_number"),
    "key missing": (pa.table({"name": ["x"]}), {"write_mode": "merge"}, "TGT013", "name"),
    "key missing, new": (pa.table({"a": [1]}), {"write_mode": "merge", "table": "new"}, "TGT013", "a"),
    "view": (OLD, {"table": "names"}, "TGT014", "table"),
    "decimal256": (pa.table({"id": pa.array([1], pa.decimal256(60, 0))}), {}, "SQL010", "Cast"),
    "untyped": (pa.table({"id": [1], "x": pa.nulls(1)}), {"table": "new"}, "TGT012", "CAST"),
    "too big": (pa.table({"id": [1], "small": [300]}), {"table": "tiny"}, "SQL008", None),
    "check": (pa.table({"id": [-1], "small": pa.array([1], pa.int8())}), {"table": "tiny"}, "TGT011", None),
    "null": (pa.table({"small": pa.array([1], pa.int8())}), {"table": "tiny"}, "TGT003", "default"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("mode", MODES)
def test_what_would_go_wrong_is_refused_and_changes_nothing(people: Path, case: Any, mode: str) -> None:
    data, config, code, hint = case
    tiny = "CREATE TABLE tiny (id INT NOT NULL CHECK (id > 0), small TINYINT)"
    execute(people, "CREATE VIEW names AS FROM people", tiny)
    with pytest.raises(OsirisError) as caught:
        write(people, data, **{"write_mode": mode, **config})
    if (mode, code) != ("merge", "TGT003"):
        assert caught.value.code == code
        assert hint is None or hint in str(caught.value.hint)
    assert rows(people) == [(1, "ann"), (2, "bob")]
    assert "new" not in [name for (name, *_) in rows(people, "SHOW TABLES")]


def test_duplicate_keys_are_shown_by_example(people: Path) -> None:
    long = "x" * 500
    data = pa.table({"id": [long, long, "b", "b", "c", "c", "d", "d"]})
    with pytest.raises(DataError) as caught:
        write(people, data, table="new", write_mode="merge")
    assert "b; c; d" in caught.value.message


def test_a_target_with_a_key_twice_is_not_merged_into(people: Path) -> None:
    execute(people, "INSERT INTO people VALUES (1, 'again')")
    assert code_of(lambda: write(people, NEW, write_mode="merge")) == "TGT009"


@pytest.mark.parametrize("table", ["a.b.c", "people."])
def test_a_table_has_a_name_and_at_most_a_schema(database: Path, table: str) -> None:
    (problem,) = DuckDBWriterDriver().check({"table": table}, ("df",))
    assert (problem.field, problem.code) == ("table", "CMP005")
    assert code_of(lambda: write(database, OLD, table=table)) == "CMP005"


@pytest.mark.parametrize("key", [["A", "b"], ["b", "a"]])
def test_a_key_may_have_several_columns_in_any_case(database: Path, key: list[str]) -> None:
    first = pa.table({"a": [1, 1, 2], "b": ["x", "y", "x"], "n": [1, 2, 3]})
    second = pa.table({"B": ["y", "z"], "A": [1, 1], "N": [20, 40]})
    for run, data in enumerate((first, second)):
        write(database, data, run_key=f"k{run}", table="t", write_mode="merge", primary_key=key)
    assert rows(database, "FROM t ORDER BY ALL") == [(1, "x", 1), (1, "y", 20), (1, "z", 40), (2, "x", 3)]


def test_a_table_of_keys_alone_can_be_merged(database: Path) -> None:
    for run in range(2):
        write(database, pa.table({"id": [1, 2]}), run_key=f"k{run}", write_mode="merge")
    assert rows(database, "FROM people ORDER BY id") == [(1,), (2,)]


class SourceBrokeError(Exception):
    """What an upstream step raises."""


def breaking(table: pa.Table, after: int) -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from table.to_batches(max_chunksize=1000)[:after]
        raise SourceBrokeError("the source broke")

    return pa.RecordBatchReader.from_batches(table.schema, batches())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("after", [0, 1, 7, 150])
def test_an_upstream_error_arrives_as_it_was_and_changes_nothing(people: Path, mode: str, after: int) -> None:
    many = pa.table({"id": pa.array(range(150_000)), "name": pa.array(["x"] * 150_000)})
    with pytest.raises(SourceBrokeError):
        write(people, breaking(many, after), write_mode=mode)
    assert rows(people) == [(1, "ann"), (2, "bob")]
    write(people, NEW, write_mode=mode)
    assert ordered(rows(people)) == ordered(EXPECTED[mode])


def test_an_upstream_error_leaves_no_database_behind(database: Path) -> None:
    with pytest.raises(SourceBrokeError):
        write(database, breaking(OLD, 0))
    assert not database.exists()


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
    before, after = [(1, "ann"), (2, "bob")], ordered(EXPECTED[mode])
    assert ordered(rows(people)) == (after if failpoint == "after_commit" else before)
    write(people, NEW, write_mode=mode)
    assert ordered(rows(people)) == after


KILLED = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from osiris.drivers.duckdb_writer_driver import DuckDBWriterDriver
from osiris.testing import RecordingContext
database, mode, failpoint = sys.argv[1:]
context = RecordingContext(Path(database).parent, run_key="k")
context.failpoints[f"commit.{failpoint}"] = lambda: os.kill(os.getpid(), signal.SIGKILL)
config = {"table": "people", "write_mode": mode, "primary_key": ["id"],
          "resolved_connection": {"path": database}}
data = pa.table({"id": [2, 3], "name": ["BOB", "cyd"]})
DuckDBWriterDriver().run(step_id="step", config=config, inputs={"df": data.to_reader()}, ctx=context)
"""


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_kill_9_is_all_or_nothing_and_a_rerun_finishes(people: Path, mode: str, failpoint: str) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(people), mode, failpoint], check=False)
    assert killed.returncode == -9
    before, after = [(1, "ann"), (2, "bob")], ordered(EXPECTED[mode])
    if mode == "append":
        assert ordered(rows(people)) == (after if failpoint == "after_commit" else before)
    again = write(people, NEW, write_mode=mode)
    assert ordered(rows(people)) == after
    assert ("already_committed" in dict(again.events)) == (failpoint == "after_commit")


HOLDER = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def test_a_file_held_by_another_process_is_named_with_its_pid(people: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(people)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(TargetBusy) as caught:
            write(people, NEW)
        holder.communicate("")
    assert caught.value.code == "CON022"
    assert caught.value.transient
    assert str(holder.pid) in caught.value.message
    write(people, NEW)


def test_two_writers_with_one_run_key_have_the_effect_of_one(people: Path) -> None:
    """The second commits while the first is about to: the fence lets only one of them through."""
    first = RecordingContext(people.parent, run_key="k")
    first.failpoints["commit.before_commit"] = lambda: write(people, NEW) and None
    with pytest.raises(TargetBusy) as caught:
        write(people, NEW, context=first)
    assert caught.value.code == "TGT015"
    assert ordered(rows(people)) == ordered(EXPECTED["append"])


def test_a_commit_without_an_answer_is_of_unknown_outcome(people: Path) -> None:
    from osiris.connectors.duckdb import writing

    class Lost:
        def execute(self, _: str) -> None:
            raise duckdb.IOException("IO Error: Could not write file: connection lost")

    with pytest.raises(OutcomeUnknown) as caught:
        writing.commit(Lost(), "people")  # type: ignore[arg-type]
    assert caught.value.target == "unknown"


FULL_DISK = """
import json, resource, signal, sys
from pathlib import Path
import pyarrow as pa
from osiris.drivers.duckdb_writer_driver import DuckDBWriterDriver
from osiris.errors import OsirisError
from osiris.testing import RecordingContext
database, mode = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
config = {"table": "people", "write_mode": mode, "primary_key": ["id"],
          "resolved_connection": {"path": database}}
ids = pa.array(range(1_000_000), pa.int64())
data = pa.table({"id": ids, "name": pa.array([str(i * 7919 % 1000003) * 3 for i in range(1_000_000)])})
try:
    DuckDBWriterDriver().run(step_id="step", config=config, inputs={"df": data.to_reader()},
                             ctx=RecordingContext(Path(database).parent, run_key="k"))
except OsirisError as error:
    print(json.dumps(error.to_dict()))
"""


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("mode", MODES)
def test_a_full_disk_changes_nothing(people: Path, mode: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(people), mode], capture_output=True, text=True, check=True
    )
    error = json.loads(done.stdout)
    assert error["code"] in ("RES001", "TGT016")
    assert rows(people) == [(1, "ann"), (2, "bob")]
    write(people, NEW, write_mode=mode)
    assert ordered(rows(people)) == ordered(EXPECTED[mode])


def test_rows_that_get_lost_stop_the_commit(people: Path) -> None:
    """A trigger-like loss is not to be had in DuckDB, so the reader claims a row that it never hands over."""
    from osiris.connectors.duckdb import inputs

    class Losing(inputs.Input):
        def __init__(self, name: str, source: pa.RecordBatchReader) -> None:
            super().__init__(name, source)
            self.rows = 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "Input", Losing)
        assert code_of(lambda: write(people, NEW)) == "RUN007"
    assert len(rows(people)) == 2


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (":memory:", "CON003"),
        ("missing/folder/x.duckdb", "CON020"),
        (".", "CON023"),
        ("text.duckdb", "CON023"),
    ],
)
def test_a_place_that_cannot_hold_a_database_is_refused(tmp_path: Path, path: str, code: str) -> None:
    (tmp_path / "text.duckdb").write_text("no database" * 1000)
    place = path if path == ":memory:" else str(tmp_path / path)
    config = {"table": "t", "resolved_connection": {"path": place}}
    with pytest.raises(ConnectionFailed) as caught:
        DuckDBWriterDriver().run(
            step_id="s", config=config, inputs={"df": OLD.to_reader()}, ctx=RecordingContext(tmp_path)
        )
    assert caught.value.code == code


@settings(max_examples=20)
@given(
    st.lists(
        st.dictionaries(
            st.integers(0, 8), st.tuples(st.none() | st.text(max_size=3), st.booleans()), max_size=6
        ),
        max_size=5,
    )
)
def test_merge_is_a_dict_update(
    tmp_path_factory: pytest.TempPathFactory, loads: list[dict[int, Any]]
) -> None:
    database = tmp_path_factory.mktemp("merge") / "w.duckdb"
    expected: dict[int, Any] = {}
    schema = pa.schema([("id", pa.int64()), ("text", pa.string()), ("flag", pa.bool_())])
    for number, load in enumerate(loads):
        data = [{"id": key, "text": text, "flag": flag} for key, (text, flag) in load.items()]
        write(database, pa.Table.from_pylist(data, schema), run_key=f"k{number}", write_mode="merge")
        expected |= load
    if loads:
        assert {key: (text, flag) for key, text, flag in rows(database, "FROM people")} == expected


def test_capability_transactions(people: Path) -> None:
    test_a_failure_at_any_point_is_all_or_nothing(people, "replace", "after_apply")


def test_capability_bulkOperations(people: Path) -> None:  # noqa: N802
    """All rows go in one INSERT: a second statement would not see the stream, which is read once."""
    many = pa.table({"id": pa.array(range(300_000)), "name": pa.array(["x"] * 300_000)})
    assert write(people, many).metric("rows_written") == 300_000


def test_capability_streaming(people: Path) -> None:
    """Batches are pulled while rows are written: the first has gone before the last is made."""
    alive: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(200):
            alive.append(pa.total_allocated_bytes())
            yield pa.record_batch({"id": pa.array([number] * 50_000), "name": pa.array(["x"] * 50_000)})

    write(people, pa.RecordBatchReader.from_batches(OLD.schema, batches()))
    assert max(alive) < 40_000_000


PEAK = """
import resource, sys
from pathlib import Path
import pyarrow as pa
from osiris.drivers.duckdb_writer_driver import DuckDBWriterDriver
from osiris.testing import RecordingContext
folder, total, mode = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
step = 50_000
def batches():
    for start in range(0, total, step):
        yield pa.record_batch({"id": pa.array(range(start, start + step), pa.int64()),
                               "name": pa.array([f"name {i % 997}" for i in range(step)])})
schema = pa.schema([("id", pa.int64()), ("name", pa.string())])
config = {"table": "t", "write_mode": mode, "primary_key": ["id"] if mode == "merge" else None,
          "resolved_connection": {"path": str(folder / "w.duckdb")}}
reader = pa.RecordBatchReader.from_batches(schema, batches())
DuckDBWriterDriver().run(step_id="s", config=config, inputs={"df": reader}, ctx=RecordingContext(folder))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kilobytes(script: str, *arguments: object) -> int:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["append", "replace"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, mode: str) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    few.mkdir()
    many.mkdir()
    growth = peak_kilobytes(PEAK, many, 4_000_000, mode) - peak_kilobytes(PEAK, few, 1_000_000, mode)
    assert growth < 60_000


def test_a_pipeline_error_is_no_data_error(people: Path) -> None:
    with pytest.raises(PipelineError) as caught:
        write(people, pa.table({"id": [1.5], "name": ["x"]}))
    assert caught.value.exit_code == 3


def test_columns_are_told_apart_as_duckdb_does(database: Path) -> None:
    execute(database, 'CREATE TABLE people ("straße" INT, "strasse" INT, x INT)')
    write(database, pa.table({"straße": pa.array([7], pa.int32())}))
    assert rows(database, "FROM people") == [(7, None, None)]


def test_a_key_that_names_a_column_twice_is_found() -> None:
    config = {"table": "t", "write_mode": "merge", "primary_key": ["id", "ID"]}
    (problem,) = DuckDBWriterDriver().check(config, ("df",))
    assert (problem.field, problem.code) == ("primary_key", "CMP005")
