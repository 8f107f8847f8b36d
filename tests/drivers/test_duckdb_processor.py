"""duckdb.processor: SQL over streams."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.drivers.duckdb_processor_driver import DuckDBProcessorDriver
from osiris.errors import Cancelled, DataError, OsirisError, PipelineError
from osiris.testing import RecordingContext

PEOPLE = pa.table({"id": [1, 2, 3], "name": ["ann", "bob", "cyd"], "boss": [None, 1, 1]})
CITIES = pa.table({"id": [1, 2], "city": ["Brno", "Praha"]})
INPUTS = {"people": PEOPLE, "cities": CITIES}


class Step:
    """One processor step; its streams end when the test does."""

    def __init__(self, folder: Path) -> None:
        self.context = RecordingContext(folder)

    def stream(self, query: str, inputs: dict[str, Any] | None = None, **config: Any) -> pa.RecordBatchReader:
        given = {
            name: getattr(data, "to_reader", lambda data=data: data)()
            for name, data in (inputs or {}).items()
        }
        outputs = DuckDBProcessorDriver().run(
            step_id="step", config={"query": query, **config}, inputs=given, ctx=self.context
        )
        return outputs["df"]  # type: ignore[return-value]

    def rows(self, query: str, inputs: dict[str, Any] | None = None, **config: Any) -> list[tuple[Any, ...]]:
        table = self.stream(query, inputs, **config).read_all()
        return list(zip(*table.to_pydict().values(), strict=True))


@pytest.fixture
def step(tmp_path: Path) -> Iterator[Step]:
    step = Step(tmp_path)
    yield step
    step.context.finish()


def many(batches: int, rows: int = 10_000, pulled: list[int] | None = None) -> pa.RecordBatchReader:
    def produce() -> Iterator[pa.RecordBatch]:
        for number in range(batches):
            if pulled is not None:
                pulled.append(number)
            yield pa.record_batch({"id": pa.array(range(number * rows, (number + 1) * rows), pa.int64())})

    return pa.RecordBatchReader.from_batches(pa.schema([("id", pa.int64())]), produce())


QUERIES = {
    "filter": ("SELECT name FROM people WHERE id > 1 ORDER BY id", [("bob",), ("cyd",)]),
    "join": (
        "SELECT name, city FROM people JOIN cities USING (id) ORDER BY id",
        [("ann", "Brno"), ("bob", "Praha")],
    ),
    "self join": (
        "SELECT p.name, b.name AS boss FROM people p JOIN people b ON p.boss = b.id ORDER BY 1",
        [("bob", "ann"), ("cyd", "ann")],
    ),
    "CTE used twice": (
        """WITH c AS (SELECT id FROM people)
        SELECT x.id, y.id AS other FROM c x JOIN c y ON x.id = y.id + 1 ORDER BY 1""",
        [(2, 1), (3, 2)],
    ),
    "CTE inlined twice": (
        """WITH c AS NOT MATERIALIZED (SELECT id FROM people)
        SELECT (SELECT max(id) FROM c) AS a, (SELECT count(*) FROM c WHERE id > 1) AS b""",
        [(3, 2)],
    ),
    "union": (
        "SELECT id FROM people UNION ALL SELECT id FROM people ORDER BY 1",
        [(1,), (1,), (2,), (2,), (3,), (3,)],
    ),
    "recursive CTE": (
        """WITH RECURSIVE up AS (
          SELECT id, boss FROM people WHERE id = 3
          UNION ALL SELECT p.id, p.boss FROM people p JOIN up ON p.id = up.boss)
        SELECT id FROM up ORDER BY id""",
        [(1,), (3,)],
    ),
    "rounds": (
        """WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r JOIN people ON id = n)
        SELECT max(n) AS n FROM r""",
        [(4,)],
    ),
    "correlated": (
        "SELECT id, (SELECT count(*) FROM people q WHERE q.id < p.id) AS n FROM people p ORDER BY id",
        [(1, 0), (2, 1), (3, 2)],
    ),
    "exists": (
        "SELECT name FROM people p WHERE EXISTS (SELECT 1 FROM people q WHERE q.boss = p.id)",
        [("ann",)],
    ),
    "lateral": (
        """SELECT p.id, m FROM people p, LATERAL (SELECT max(id) AS m FROM people q WHERE q.id <= p.id)
        ORDER BY 1""",
        [(1, 1), (2, 2), (3, 3)],
    ),
    "counts": (
        """SELECT (SELECT count(*) FROM people) AS a, (SELECT count(*) FROM cities) AS b,
        (SELECT count(*) FROM people) AS c""",
        [(3, 2, 3)],
    ),
    "no input": ("SELECT 42 AS answer", [(42,)]),
    "window": (
        "SELECT id, sum(id) OVER (ORDER BY id) AS s FROM people ORDER BY id",
        [(1, 1), (2, 3), (3, 6)],
    ),
    "pivot": (
        "SELECT * FROM people PIVOT (count(*) FOR name IN ('ann')) ORDER BY id",
        [(1, None, 1), (2, 1, 0), (3, 1, 0)],
    ),
    "values": ("FROM (VALUES (1), (2)) v(x)", [(1,), (2,)]),
}


@pytest.mark.parametrize(("query", "expected"), QUERIES.values(), ids=QUERIES)
def test_queries_give_what_sql_says(step: Step, query: str, expected: list[tuple[Any, ...]]) -> None:
    assert step.rows(query, INPUTS) == expected


def test_input_names_may_be_any_text(step: Step) -> None:
    assert step.rows('SELECT "sel" FROM "My ""Table"', {'My "Table': pa.table({"sel": [1]})}) == [(1,)]


BINDS = {
    "colon": ("SELECT id FROM people WHERE name = :who", {"who": "bob"}, [(2,)]),
    "dollar": ("SELECT id FROM people WHERE name = $who", {"who": "bob"}, [(2,)]),
    "hostile": ("SELECT :who AS x", {"who": "'; DROP TABLE people; --"}, [("'; DROP TABLE people; --",)]),
    "date": ("SELECT :d::VARCHAR AS x", {"d": {"type": "date", "value": "2024-01-31"}}, [("2024-01-31",)]),
    "decimal": ("SELECT :d AS x", {"d": {"type": "decimal", "value": "1.10"}}, [(Decimal("1.10"),)]),
    "twice": ("SELECT :n AS a, :n + 1 AS b", {"n": 1}, [(1, 2)]),
    "in a string": (
        "SELECT ':no' AS a, 'x'::VARCHAR AS b, [1, 2, 3][1:2] AS c -- :no",
        {},
        [(":no", "x", [1, 2])],
    ),
}


@pytest.mark.parametrize(("query", "bind", "expected"), BINDS.values(), ids=BINDS)
def test_values_are_bound(step: Step, query: str, bind: dict[str, Any], expected: Any) -> None:
    assert step.rows(query, {"people": PEOPLE}, bind=bind) == expected


def test_a_sum_of_integers_is_exact(step: Step) -> None:
    table = step.stream(
        "SELECT sum(id) AS s FROM df", {"df": pa.table({"id": [2**62, 2**62, 2**62]})}
    ).read_all()
    assert table.schema.field("s").type == pa.decimal128(38, 0)
    assert table.to_pydict() == {"s": [Decimal(3 * 2**62)]}


@pytest.mark.parametrize(("flag", "expected"), [(True, 6), (False, 3)])
def test_a_branch_that_a_bound_value_turns_off_is_right(step: Step, flag: bool, expected: int) -> None:
    query = "SELECT id FROM people UNION ALL SELECT id FROM people WHERE :flag"
    assert len(step.rows(query, {"people": PEOPLE}, bind={"flag": flag})) == expected


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(OsirisError) as caught:
        act()
    return caught.value.code


BAD_SQL = {
    "syntax": ("SELECT id\nFORM people", "SQL001", (2, 6), "Correct"),
    "empty": ("-- nothing", "SQL002", None, "SELECT"),
    "two": ("SELECT 1; SELECT 2", "SQL002", None, "SELECT"),
    "delete in with": (
        "WITH x AS (DELETE FROM people RETURNING *) SELECT * FROM x",
        "SQL002",
        None,
        "SELECT",
    ),
    "copy in with": ("WITH x AS (COPY people TO 'x.csv') SELECT * FROM x", "SQL002", None, "SELECT"),
    "table": ("SELECT 'é', * FROM\n peoples", "SQL003", (2, 2), "people"),
    "unbound": ("SELECT :x", "SQL005", None, "bind"),
    "positional": ("SELECT ?", "SQL005", None, "bind"),
}
BAD_BINDING = {
    "column": ("SELECT id,\n  naem FROM people", "SQL004", (2, 3), "people: id, name, boss"),
    "column of alias": ("SELECT p.naem FROM people p", "SQL004", (1, 8), "people: id, name, boss"),
    "after text": ("SELECT 'é', naem FROM people", "SQL004", (1, 13), "people: id, name, boss"),
    "function": ("SELECT foo(id) FROM people", "SQL003", (1, 8), None),
    "types": ("SELECT sum(name) FROM people", "SQL006", (1, 8), "people: id, name, boss"),
    "value": ("SELECT name::INT AS n FROM people", "SQL008", (1, 12), "TRY_CAST"),
    "same name": ("SELECT * FROM people p JOIN cities c ON p.id = c.id", "SQL011", None, "AS"),
    "file": ("SELECT * FROM read_text('/etc/passwd')", "SQL007", (1, 15), "read_files"),
    "bits": ("SELECT '101'::BIT AS b", "SQL009", None, "VARCHAR"),
}


@pytest.mark.parametrize("case", (BAD_SQL | BAD_BINDING).values(), ids=BAD_SQL | BAD_BINDING)
def test_bad_sql_is_told_with_its_place_and_the_choices(step: Step, case: Any) -> None:
    query, code, place, hint = case
    with pytest.raises(OsirisError) as caught:
        step.rows(query, INPUTS)
    error = caught.value
    assert error.code == code
    assert place is None or (error.details["line"], error.details["column"]) == place
    assert hint is None or hint in f"{error.message} {error.hint}"


@pytest.mark.parametrize("case", BAD_SQL.values(), ids=BAD_SQL)
def test_check_finds_before_the_run_what_needs_no_data(case: Any) -> None:
    query, code, place, _ = case
    (problem,) = DuckDBProcessorDriver().check({"query": query}, ("people", "cities"))
    assert (problem.field, problem.code) == ("query", code)
    assert place is None or (problem.line, problem.column) == place


@pytest.mark.parametrize("query", [query for query, _ in QUERIES.values()])
def test_check_finds_nothing_in_good_sql(query: str) -> None:
    assert DuckDBProcessorDriver().check({"query": query}, ("people", "cities")) == []


def test_check_finds_a_bind_that_is_not_used() -> None:
    (problem,) = DuckDBProcessorDriver().check({"query": "SELECT 1 AS x", "bind": {"y": 1}}, ())
    assert (problem.field, problem.code) == ("bind", "SQL005")


def test_an_unused_input_is_a_warning(step: Step) -> None:
    assert step.rows("SELECT count(*) AS n FROM people", INPUTS) == [(3,)]
    assert step.context.event("warning")["code"] == "SQL013"


def test_input_columns_that_differ_in_case_only_are_refused(step: Step) -> None:
    assert code_of(lambda: step.rows("FROM df", {"df": pa.table({"a": [1], "A": [2]})})) == "TGT005"


class SourceBrokeError(Exception):
    """What an upstream step raises."""


def breaking(after: int) -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(after):
            yield pa.record_batch({"id": pa.array([number] * 5000, pa.int64())})
        raise SourceBrokeError("the source broke")

    return pa.RecordBatchReader.from_batches(pa.schema([("id", pa.int64())]), batches())


@pytest.mark.parametrize("after", [0, 1, 2, 30])
@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM df",
        "SELECT count(*) AS n FROM df",
        "SELECT a.id FROM df a JOIN df b USING (id)",
        "SELECT id FROM df ORDER BY id",
        "SELECT id FROM df LIMIT 1000000",
        "SELECT id FROM df UNION ALL SELECT id FROM other",
    ],
)
def test_an_upstream_error_is_never_an_early_end(step: Step, query: str, after: int) -> None:
    with pytest.raises(SourceBrokeError):
        step.rows(query, {"df": breaking(after), "other": many(1)})


def test_a_limit_leaves_the_rest_of_the_input_alone(step: Step) -> None:
    pulled: list[int] = []
    assert len(step.rows("SELECT id FROM df LIMIT 10", {"df": many(1000, pulled=pulled)})) == 10
    assert len(pulled) < 500


def test_capability_streaming(step: Step) -> None:
    pulled: list[int] = []
    reader = step.stream("SELECT id + 1 AS id FROM df WHERE id % 2 = 0", {"df": many(1000, pulled=pulled)})
    assert reader.read_next_batch().num_rows > 0
    assert len(pulled) < 200


def test_capability_customTransforms(step: Step) -> None:  # noqa: N802
    assert step.rows("SELECT upper(name) AS n FROM people WHERE id = 1", {"people": PEOPLE}) == [("ANN",)]


def test_rows_keep_their_order(step: Step) -> None:
    ids = step.stream("SELECT id FROM df", {"df": many(100)}).read_all()["id"].to_pylist()
    assert ids == list(range(1_000_000))


def test_what_exceeds_the_memory_limit_spills(step: Step) -> None:
    query = "SELECT id, md5(id::VARCHAR) AS h FROM df ORDER BY h"
    reader = step.stream(query, {"df": many(100)}, memory_limit="60MB", threads=2)
    assert sum(batch.num_rows for batch in reader) == 1_000_000
    step.context.finish()
    assert list(step.context.work_dir.iterdir()) == []


def test_a_limit_that_is_too_small_is_told(step: Step) -> None:
    query = "SELECT list(h) AS l FROM (SELECT md5(id::VARCHAR) AS h FROM df)"
    assert code_of(lambda: step.rows(query, {"df": many(100)}, memory_limit="20MB", threads=1)) == "RES002"


def test_cancelling_stops_the_query(step: Step) -> None:
    started = threading.Event()

    def batches() -> Iterator[pa.RecordBatch]:
        started.set()
        while True:
            yield pa.record_batch({"id": pa.array(range(10_000), pa.int64())})

    endless = pa.RecordBatchReader.from_batches(pa.schema([("id", pa.int64())]), batches())
    canceller = threading.Thread(target=lambda: started.wait() and step.context.cancel())
    canceller.start()
    with pytest.raises(Cancelled):
        step.rows("SELECT count(*) AS n FROM df", {"df": endless})
    canceller.join()
    step.context.finish()
    step.context.cancel()


PEAK = """
import resource, sys
from pathlib import Path
import pyarrow as pa
from osiris.drivers.duckdb_processor_driver import DuckDBProcessorDriver
from osiris.testing import RecordingContext
folder, total = Path(sys.argv[1]), int(sys.argv[2])
step = 50_000
def batches():
    for start in range(0, total, step):
        yield pa.record_batch({"id": pa.array(range(start, start + step), pa.int64()),
                               "name": pa.array([f"name {i % 997}" for i in range(step)])})
schema = pa.schema([("id", pa.int64()), ("name", pa.string())])
reader = pa.RecordBatchReader.from_batches(schema, batches())
config = {"query": "SELECT id * 2 AS id, upper(name) AS name FROM df WHERE id % 10 <> 3"}
ctx = RecordingContext(folder)
out = DuckDBProcessorDriver().run(step_id="s", config=config, inputs={"df": reader}, ctx=ctx)
assert sum(batch.num_rows for batch in out["df"]) == total * 9 // 10
ctx.finish()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kilobytes(folder: Path, total: int) -> int:
    command = [sys.executable, "-c", PEAK, str(folder), str(total)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(said.split()[-1])  # a slow machine gets a progress bar before it


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    peaks = [peak_kilobytes(tmp_path, total) for total in (1_000_000, 4_000_000)]
    assert peaks[1] - peaks[0] < 60_000


def test_files_that_are_declared_can_be_read_and_no_other(step: Step, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    zips, other = tmp_path / "data" / "zip.csv", tmp_path / "data" / "other.csv"
    zips.write_text("id,city\n1,Brno\n", encoding="utf-8")
    other.write_text("id\n1\n", encoding="utf-8")
    for written in (str(zips), "data/zip.csv", "zip.csv"):
        for query in (f"SELECT city FROM read_csv('{written}')", f"SELECT city FROM '{written}'"):
            assert DuckDBProcessorDriver().check({"query": query, "read_files": [str(zips)]}, ()) == []
            assert Step(tmp_path).rows(query, read_files=[str(zips)]) == [("Brno",)]
    assert code_of(lambda: step.rows(f"FROM read_csv('{other}')", read_files=[str(zips)])) == "SQL007"


def test_an_error_is_a_pipeline_error(step: Step) -> None:
    with pytest.raises(PipelineError) as caught:
        step.rows("SELECT nope FROM people", {"people": PEOPLE})
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("names", [("df", "DF"), ("_osiris_x",)])
def test_inputs_that_cannot_be_tables_are_refused(step: Step, names: tuple[str, ...]) -> None:
    (problem,) = DuckDBProcessorDriver().check({"query": "SELECT 1"}, names)
    assert problem.code == "SQL016"
    with pytest.raises(PipelineError) as caught:
        step.stream("SELECT 1", dict.fromkeys(names, PEOPLE))
    assert caught.value.code == "SQL016"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM _osiris_stream_osiris0",
        "SELECT * FROM temp.main._OSIRIS_stream_osiris0",
        "SELECT (WITH _osiris_stream_osiris0 AS (SELECT 1) SELECT 2) FROM _osiris_stream_osiris0",
    ],
)
def test_internal_views_cannot_be_read(step: Step, query: str) -> None:
    (problem,) = DuckDBProcessorDriver().check({"query": query}, ("people",))
    assert problem.code == "SQL003"
    with pytest.raises(PipelineError, match="reserved"):
        step.stream(query, {"people": PEOPLE})


def test_threads_have_a_maximum(step: Step) -> None:
    with pytest.raises(ValueError, match="1024"):
        step.stream("SELECT 1", threads=1_000_000)


OUT_OF_REACH = {
    "text": ("SELECT *\nFROM read_text('x')", [], [(2, 16)]),
    "list": ("FROM read_parquet(['a.parquet', 'data/b.parquet'])", ["data/b.parquet"], [(1, 20)]),
    "options are no files": ("FROM read_csv('a.csv', delim = ';', quote := '|')", ["a.csv"], []),
    "pattern": ("FROM glob('data/*.csv'), sniff_csv('a.csv')", ["data/a.csv"], [(1, 11)]),
    "network": ("FROM read_csv('https://host/a.csv')", [], [(1, 15)]),
    "end of the path": ("FROM read_json('b.json')", ["data/b.json"], []),
    "more of the path": ("FROM read_json('/home/me/shop/data/b.json')", ["data/b.json"], []),
    "other words": ("SELECT * FROM generate_series(1, 2), json_each('{}')", [], []),
    "computed": ("FROM read_csv('a' || '.csv')", [], []),
    "inside": ("SELECT (SELECT count(*) FROM parquet_metadata('a.parquet')) AS n", [], [(1, 47)]),
}


@pytest.mark.parametrize(("query", "read_files", "places"), OUT_OF_REACH.values(), ids=OUT_OF_REACH)
def test_files_that_are_not_declared_are_found_before_the_run(
    query: str, read_files: list[str], places: list[tuple[int, int]]
) -> None:
    problems = DuckDBProcessorDriver().check({"query": query, "read_files": read_files}, ())
    assert [(one.code, (one.line, one.column)) for one in problems] == [("SQL007", at) for at in places]


@pytest.mark.parametrize(
    ("files", "named", "hint"),
    [
        ([], "a.csv", "Add it to the config: read_files: [a.csv]."),
        (["b.csv", "c.csv"], "a.csv", "There are: b.csv, c.csv."),
        ([], "s3://bucket/a.csv", "The SQL reaches no network; fetch the file into the project first."),
    ],
)
def test_the_way_to_read_a_file_is_told(files: list[str], named: str, hint: str) -> None:
    config = {"query": f"FROM read_csv('{named}')", "read_files": files}
    (problem,) = DuckDBProcessorDriver().check(config, ())
    assert (problem.message, problem.hint) == (f"The file '{named}' is not in read_files.", hint)


COLUMNS = {
    "SELECT id, t.name, s.city AS town, id + 1 AS next, count(*) AS n FROM t": "id name town next n",
    'WITH c AS (SELECT *, 1 AS a FROM t) SELECT DISTINCT "An id", x: a FROM c ORDER BY 1': "An id|x",
    "SELECT *, id FROM t": None,
    "SELECT t.* FROM t": None,
    "SELECT id, count(*) FROM t": None,
    "SELECT COLUMNS('i.*') AS id FROM t": None,
    "SELECT COLUMNS('i.*')::INT AS id FROM t": None,
    "SELECT unnest(pair) AS id FROM t": None,
    "FROM t": None,
    "SELECT id FROM t UNION ALL BY NAME SELECT name FROM t": None,
    "PIVOT t ON id IN (1, 2) USING sum(n)": None,
}


@pytest.mark.parametrize(("query", "names"), COLUMNS.items())
def test_columns_that_the_sql_names_are_known_beforehand(query: str, names: str | None) -> None:
    expected = None if names is None else tuple(names.split("|" if "|" in names else " "))
    assert DuckDBProcessorDriver().output_columns({"query": query}) == expected


@pytest.mark.parametrize("query", [query for query, names in COLUMNS.items() if names])
def test_columns_known_beforehand_are_those_of_the_result(step: Step, query: str) -> None:
    columns = ["id", "name", "s", "An id"]
    table = pa.table({name: [{"city": "Brno"}] if name == "s" else [1] for name in columns})
    query = query.replace("count(*)", "count(*) OVER ()")
    stream = step.stream(query, {"t": table})
    assert tuple(stream.schema.names) == DuckDBProcessorDriver().output_columns({"query": query})


def _without_the_end(whole: bytes) -> bytes:
    return whole[:-100]


def _without_the_middle(whole: bytes) -> bytes:
    """The footer is whole, and says where data was."""
    size = int.from_bytes(whole[-8:-4], "little")
    return whole[:1000] + whole[-size - 8 :]


def _only_the_beginning(whole: bytes) -> bytes:
    return whole[:6]


@pytest.mark.parametrize("cut", [_without_the_end, _without_the_middle, _only_the_beginning])
def test_a_parquet_file_that_is_cut_off_is_not_called_a_database(
    step: Step, tmp_path: Path, cut: Callable[[bytes], bytes]
) -> None:
    import pyarrow.parquet as pq

    file = tmp_path / "cut.parquet"
    pq.write_table(pa.table({"a": range(100_000)}), file, use_dictionary=False, compression="none")
    file.write_bytes(cut(file.read_bytes()))
    with pytest.raises(DataError) as caught:
        step.rows(f"SELECT sum(a) AS a FROM read_parquet('{file}')", read_files=[str(file)])
    assert caught.value.code == "DAT015"
    assert "database" not in f"{caught.value.message} {caught.value.hint}"
    assert str(tmp_path) not in caught.value.message
