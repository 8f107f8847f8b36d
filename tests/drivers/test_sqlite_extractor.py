"""sqlite.extractor against real database files."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.sqlite import connection, reading
from osiris.drivers.sqlite_extractor_driver import ExtractorConfig, SQLiteExtractorDriver
from osiris.drivers.sqlite_writer_driver import SQLiteWriterDriver
from osiris.errors import Cancelled, DataError, OsirisError, TargetBusy
from osiris.testing import RecordingContext

SETUP = """
CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20), born DATE);
INSERT INTO people VALUES (1, 'ann', '2000-01-01'), (2, 'bob', NULL), (3, 'cyd', '1990-05-05');
CREATE TABLE orders (id INT, amount DECIMAL(10,2), note);
INSERT INTO orders VALUES (0, 0, 'a'), (1, 10.5, 'b'), (2, 19.99, NULL), (3, 30, 'c'), (4, NULL, 'd');
CREATE VIEW names AS SELECT name, 1 AS one FROM people;
CREATE VIRTUAL TABLE texts USING fts5(body);
INSERT INTO texts VALUES ('hello world'), ('good bye');
CREATE VIRTUAL TABLE areas USING rtree(id, low, high);
INSERT INTO areas VALUES (1, 2, 3);
CREATE TABLE _osiris_other (a);
"""
ENDLESS = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    with closing(sqlite3.connect(path)) as con:
        con.executescript(SETUP)
    return path


@pytest.fixture
def context(tmp_path: Path) -> Iterator[RecordingContext]:
    context = RecordingContext(tmp_path)
    yield context
    context.finish()


def stream(database: Path, context: RecordingContext, **config: Any) -> pa.RecordBatchReader:
    config["resolved_connection"] = {"path": str(database)}
    outputs = SQLiteExtractorDriver().run(step_id="s", config=config, inputs=None, ctx=context)
    return outputs["df"]  # type: ignore[return-value]


def execute(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as con, con:
        for statement in statements:
            con.execute(statement)


CASES: dict[str, tuple[dict[str, Any], list[tuple[Any, ...]]]] = {
    "table": (
        {"table": "people"},
        [(1, "ann", date(2000, 1, 1)), (2, "bob", None), (3, "cyd", date(1990, 5, 5))],
    ),
    "columns": ({"table": "people", "columns": ["NAME", "id"]}, [("ann", 1), ("bob", 2), ("cyd", 3)]),
    "case": ({"table": "People", "columns": ["id"], "limit": 1}, [(1,)]),
    "view": ({"table": "names", "limit": 1}, [("ann", 1)]),
    "no rows": ({"table": "people", "columns": ["id"], "limit": 0}, []),
    "where": (
        {"table": "people", "columns": ["id"], "where": "name = :n OR id = 3 -- x", "bind": {"n": "bob"}},
        [(2,), (3,)],
    ),
    "open comment": ({"table": "people", "columns": ["id"], "where": "id = 3 /* x"}, [(3,)]),
    "text for a date": (
        {"table": "people", "columns": ["id"], "where": "born >= :d", "bind": {"d": "1995-01-01"}},
        [(1,)],
    ),
    "date": (
        {
            "table": "people",
            "columns": ["id"],
            "where": "born >= :d",
            "bind": {"d": {"type": "date", "value": "1995-01-01"}},
        },
        [(1,)],
    ),
    "decimal": (
        {
            "query": "SELECT id FROM orders WHERE amount * 2 >= :least ORDER BY id",
            "bind": {"least": {"type": "decimal", "value": "39.98"}},
        },
        [(2,), (3,)],
    ),
    "hostile value": (
        {"table": "people", "columns": ["id"], "where": "name = :n", "bind": {"n": "x' OR '1'='1"}},
        [],
    ),
    "query": ({"query": "SELECT count(*) AS n, sum(id) AS s FROM orders"}, [(5, 10)]),
    "query, bound": ({"query": "SELECT name FROM people WHERE id = :i;", "bind": {"i": 2}}, [("bob",)]),
    "bound null": ({"query": "SELECT :n IS NULL AS n", "bind": {"n": None}}, [(1,)]),
    "two tables": (
        {"query": "SELECT name, amount FROM people p JOIN orders o ON o.id = p.id WHERE p.id = 1"},
        [("ann", Decimal("10.50"))],
    ),
    "quoted names": ({"query": 'SELECT "name" AS "a ""b" FROM [people] WHERE `id` = 1'}, [("ann",)]),
    "values": ({"query": "VALUES (1, 'a'), (2, 'b')"}, [(1, "a"), (2, "b")]),
    "full text": ({"query": "SELECT body FROM texts WHERE texts MATCH 'hello'"}, [("hello world",)]),
    "r-tree": ({"query": "SELECT id FROM areas WHERE low > 1"}, [(1,)]),
    "json": ({"query": "SELECT value FROM json_each('[1, 2]')"}, [(1,), (2,)]),
}


@pytest.mark.parametrize(("config", "expected"), CASES.values(), ids=CASES)
def test_rows_are_those_that_were_asked_for(
    database: Path, context: RecordingContext, config: dict[str, Any], expected: Any
) -> None:
    table = stream(database, context, **config).read_all()
    assert list(zip(*table.to_pydict().values(), strict=True)) == expected
    assert context.metric("rows_read") == len(expected)


def test_columns_have_the_names_that_the_table_gives_them(database: Path, context: RecordingContext) -> None:
    assert stream(database, context, table="people", columns=["NAME", "Id"]).schema.names == ["name", "id"]


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "table": ({"table": "peoples"}, "SQL003", 'Did you mean "people"?'),
    "table in query": ({"query": "SELECT * FROM\n peoples"}, "SQL003", "line 2, column 2"),
    "column": ({"table": "people", "columns": ["nam"]}, "SQL004", "people: id, name, born"),
    "column in query": ({"query": "SELECT nam FROM people"}, "SQL004", "people: id, name, born"),
    "column of an alias": ({"query": "SELECT p.nam FROM people p"}, "SQL004", "line 1, column 8"),
    "column in where": ({"table": "people", "where": "nam = 'x'"}, "SQL004", "line 1, column 1"),
    "quoted column": ({"table": "people", "where": '"nam" = 1'}, "SQL004", "single quotes"),
    "text in double quotes": (
        {"query": 'SELECT * FROM people WHERE name = "ann"'},
        "SQL004",
        "single quotes",
    ),
    "place first": (
        {"query": "SELECT nam FROM people"},
        "SQL004",
        'does not exist (line 1, column 8 of the SQL). Did you mean "name"?',
    ),
    "place in doubt": (
        {"query": "SELECT nam FROM people ORDER BY nam"},
        "SQL004",
        'exist. Did you mean "name"?',
    ),
    "function": ({"query": "SELECT list_sum(id) FROM people"}, "SQL006", "line 1, column 8"),
    "arguments": ({"query": "SELECT abs(1, 2) FROM people"}, "SQL006", "people: id, name, born"),
    "where, syntax": ({"table": "people", "where": "id = = 1"}, "SQL001", "line 1, column 6"),
    "second of two": ({"query": "SELECT a = 1 FROM t WHERE a = = 1"}, "SQL001", "line 1, column 31"),
    "no end": ({"query": "SELECT (1"}, "SQL001", "line 1, column 10"),
    "open text": ({"query": "SELECT\n'x"}, "SQL001", "line 2, column 1"),
    "where, escape": (
        {"table": "people", "where": "1 = 1); DROP TABLE people; --"},
        "SQL002",
        "one condition",
    ),
    "query, escape": ({"query": "SELECT 1) UNION SELECT * FROM (SELECT 2"}, "SQL001", "line 1, column 9"),
    "delete": ({"query": "DELETE FROM people"}, "SQL002", "one SELECT"),
    "delete behind with": (
        {"query": "WITH x AS (SELECT 1) DELETE FROM people"},
        "SQL002",
        "WITH is no SELECT",
    ),
    "delete in with": (
        {"query": "WITH x AS (DELETE FROM people RETURNING *) SELECT * FROM x"},
        "SQL001",
        "line 1, column 12",
    ),
    "other database": ({"query": "ATTACH 'x.db' AS x"}, "SQL002", "ATTACH"),
    "pragma": ({"query": "PRAGMA table_info(people)"}, "SQL002", "PRAGMA"),
    "explain": ({"query": "EXPLAIN SELECT 1"}, "SQL002", "EXPLAIN"),
    "no statement": ({"query": "-- nothing"}, "SQL002", "0 statements"),
    "two statements": ({"query": "SELECT 1; SELECT 2"}, "SQL002", "2 statements"),
    "pragma as a table": (
        {"query": "SELECT * FROM pragma_table_info('people')"},
        "SQL007",
        "tables and views",
    ),
    "extension": ({"query": "SELECT load_extension('x')"}, "SQL007", "load_extension"),
    "reserved": ({"table": "_osiris_other"}, "SQL003", "reserved"),
    "reserved in query": ({"query": "SELECT count(*) FROM _osiris_other"}, "SQL003", "line 1, column 22"),
    "unbound": ({"table": "people", "where": "id = :i"}, "SQL005", ":i"),
    "unused bind": ({"table": "people", "bind": {"i": 1}}, "SQL005", "i"),
    "other placeholder": ({"table": "people", "where": "id = ?1"}, "SQL005", ":name"),
    "too long a number": ({"query": "SELECT :n AS n", "bind": {"n": 2**63}}, "SQL008", "digits"),
    "too long a decimal": (
        {"query": "SELECT :n AS n", "bind": {"n": {"type": "decimal", "value": "0.12345678901234567890"}}},
        "SQL008",
        "digits",
    ),
    "two conditions": (
        {"table": "people", "where": "id < 0) UNION ALL SELECT 99, 1, 1 WHERE (1=1"},
        "SQL002",
        "one condition",
    ),
    "limit in where": ({"table": "people", "where": "true) LIMIT (1"}, "SQL002", "one condition"),
    "empty where": ({"table": "people", "where": "-- nothing"}, "SQL002", "one condition"),
    "NUL": ({"table": "people", "where": "name = 'a\0b'"}, "SQL014", "NUL"),
    "twins": ({"query": "SELECT id, name AS id FROM people"}, "SQL011", "AS"),
    "value": ({"query": "SELECT abs(-9223372036854775807 - 1) AS n"}, "SQL008", "integer overflow"),
    "unknown type": ({"table": "people", "schema": {"name": "VARCAHR"}}, "DAT010", "VARCHAR"),
    "no certain type": ({"table": "people", "schema": {"name": "DECIMAL"}}, "DAT010", "DECIMAL(p,s)"),
    "unknown column": ({"table": "people", "schema": {"nmae": "VARCHAR"}}, "DAT008", 'Did you mean "name"?'),
}


@pytest.mark.parametrize(("config", "code", "told"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_told_with_its_place_and_the_choices(
    database: Path, context: RecordingContext, config: dict[str, Any], code: str, told: str
) -> None:
    with pytest.raises(OsirisError) as caught:
        stream(database, context, **config).read_all()
    assert caught.value.code == code
    assert told in f"{caught.value.message} {caught.value.hint}"
    context.finish()
    assert stream(database, context, table="people").read_all().num_rows == 3


WITHOUT_DATABASE = {
    "where, syntax": "where",
    "where, escape": "where",
    "empty where": "where",
    "delete": "query",
    "delete behind with": "query",
    "no statement": "query",
    "unbound": "where",
    "unused bind": "bind",
    "other placeholder": "where",
    "too long a number": "bind",
    "unknown type": "schema",
}


@pytest.mark.parametrize(("case", "field"), WITHOUT_DATABASE.items())
def test_check_finds_it_without_the_database(case: str, field: str) -> None:
    config, code, _ = BAD[case]
    (problem,) = SQLiteExtractorDriver().check(config, ())
    assert (problem.field, problem.code) == (field, code)
    assert "of the SQL" not in problem.message


def test_check_gives_the_place_by_itself() -> None:
    (problem,) = SQLiteExtractorDriver().check({"query": "SELECT 1\nFORM t"}, ())
    assert (problem.line, problem.column) == (2, 6)


@pytest.mark.parametrize("config", [config for config, _ in CASES.values()], ids=CASES)
def test_check_finds_nothing_in_good_configs(config: dict[str, Any]) -> None:
    assert SQLiteExtractorDriver().check(config, ()) == []


TYPES = {
    "INT": ([1, None, -(2**63)], pa.int64(), [1, None, -(2**63)]),
    "UNSIGNED BIG INT": ([2**63 - 1], pa.int64(), [2**63 - 1]),
    "DOUBLE PRECISION": ([1.5, 2, float("inf")], pa.float64(), [1.5, 2.0, float("inf")]),
    "NVARCHAR(10)": (["a", "", "007", "a\0b"], pa.string(), ["a", "", "007", "a\0b"]),
    "BLOB": ([b"\xff", b"", None], pa.binary(), [b"\xff", b"", None]),
    "BOOLEAN": ([1, 0, None], pa.bool_(), [True, False, None]),
    "DATE": (["0001-01-01", "9999-12-31"], pa.date32(), [date(1, 1, 1), date(9999, 12, 31)]),
    "TIME": (["23:59", "10:00:00.5"], pa.time64("us"), [time(23, 59), time(10, 0, 0, 500_000)]),
    "DATETIME": (
        ["2024-02-29", "2024-02-29 10:00", "2024-02-29T10:00:00.000001"],
        pa.timestamp("us"),
        [datetime(2024, 2, 29), datetime(2024, 2, 29, 10), datetime(2024, 2, 29, 10, 0, 0, 1)],  # noqa: DTZ001
    ),
    "TIMESTAMP WITH TIME ZONE": (
        ["2024-02-29 10:00:00Z", "2024-02-29 12:00:00+02:00"],
        pa.timestamp("us", "UTC"),
        [datetime(2024, 2, 29, 10, tzinfo=UTC)] * 2,
    ),
    "decimal ( 10, 2 )": (
        [19.99, 5, None, -0.01, 12345678.9],
        pa.decimal128(10, 2),
        [Decimal("19.99"), Decimal("5.00"), None, Decimal("-0.01"), Decimal("12345678.90")],
    ),
    "NUMERIC(50,1)": ([0.5, 10**18], pa.decimal256(50, 1), [Decimal("0.5"), Decimal(10) ** 18]),
}


@pytest.mark.parametrize(("declared", "case"), TYPES.items(), ids=TYPES)
def test_declared_types_decide_the_schema(
    database: Path, context: RecordingContext, declared: str, case: Any
) -> None:
    stored, arrow, expected = case
    with closing(sqlite3.connect(database)) as con, con:
        con.execute(f"CREATE TABLE t (v {declared})")
        con.executemany("INSERT INTO t VALUES (?)", [(value,) for value in stored])
    for config in (
        {"table": "t"},
        {"query": "SELECT v FROM t"},
        {"query": "SELECT * FROM (SELECT v FROM t)"},
    ):
        table = stream(database, context, **config).read_all()
        assert table.schema.field("v").type == arrow
        assert table["v"].to_pylist() == expected
        context.finish()
    assert context.events == []


MISFITS: dict[str, tuple[str, Any, str]] = {
    "text in a number": ("INTEGER", "n/a", 'schema: {"v": "VARCHAR"}'),
    "double in a whole number": ("INTEGER", 1.5, 'schema: {"v": "DOUBLE"}'),
    "text in a double": ("REAL", "n/a", "VARCHAR"),
    "bytes in a text": ("TEXT", b"\xff", "hex"),
    "text in bytes": ("BLOB", "x", "CAST"),
    "two": ("BOOLEAN", 2, "VARCHAR"),
    "no date": ("DATE", "2024-02-30", "VARCHAR"),
    "day as a number": ("DATE", 19_000, "VARCHAR"),
    "zone where there is none": ("DATETIME", "2024-01-01 10:00:00Z", "TIMESTAMPTZ"),
    "no zone where there is one": ("TIMESTAMPTZ", "2024-01-01 10:00:00", "VARCHAR"),
    "nanoseconds": ("TIMESTAMP", "2024-01-01 10:00:00.123456789", "VARCHAR"),
    "end of the day": ("TIME", "24:00:00", "VARCHAR"),
    "too many decimals": ("DECIMAL(10,2)", 1.005, "VARCHAR"),
    "sum of doubles": ("DECIMAL(30,20)", 0.1 + 0.2, "VARCHAR"),
    "too many digits": ("DECIMAL(5,2)", 123456, "VARCHAR"),
    "infinity": ("DECIMAL(5,2)", float("inf"), "VARCHAR"),
    "text in a decimal": ("DECIMAL(5,2)", "ten", "VARCHAR"),
}


@pytest.mark.parametrize(("declared", "value", "way_out"), MISFITS.values(), ids=MISFITS)
def test_a_value_that_does_not_fit_is_told_with_its_row_and_a_way_out(
    database: Path, context: RecordingContext, declared: str, value: Any, way_out: str
) -> None:
    with closing(sqlite3.connect(database)) as con, con:
        con.execute(f"CREATE TABLE t (n INT, v {declared})")
        con.executemany(
            "INSERT INTO t VALUES (?, ?)", [(n, value if n == 1499 else None) for n in range(2000)]
        )
    with pytest.raises(DataError) as caught:
        stream(database, context, table="t").read_all()
    error = caught.value
    assert (error.code, error.details["row"], error.details["column"]) == ("DAT011", 1500, "v")
    assert "Row 1500" in error.message
    assert way_out in str(error.hint)


@pytest.mark.parametrize("case", [case for case in MISFITS if not isinstance(MISFITS[case][1], bytes)])
def test_the_way_out_leads_out(database: Path, context: RecordingContext, case: str) -> None:
    declared, value, way_out = MISFITS[case]
    if declared == "BLOB":
        config: dict[str, Any] = {"query": "SELECT CAST(v AS BLOB) AS v FROM t"}
    else:
        pinned = next(name for name in ("TIMESTAMPTZ", "DOUBLE", "VARCHAR") if name in way_out)
        config = {"table": "t", "schema": {"v": pinned}}
    with closing(sqlite3.connect(database)) as con, con:
        con.execute(f"CREATE TABLE t (v {declared})")
        con.executemany("INSERT INTO t VALUES (?)", [(value,), (None,)])
    assert stream(database, context, **config).read_all()["v"].null_count == 1


def test_numbers_that_are_wanted_as_text_keep_every_digit(database: Path, context: RecordingContext) -> None:
    execute(
        database,
        "CREATE TABLE t (v NUMERIC)",
        "INSERT INTO t VALUES (19.99), (5), (0.1 + 0.2), ('n/a'), (9007199254740993)",
    )
    table = stream(database, context, table="t", schema={"v": "VARCHAR"}).read_all()
    assert table["v"].to_pylist() == ["19.99", "5", "0.30000000000000004", "n/a", "9007199254740993"]


def test_text_that_is_not_utf8_is_told_with_its_row(database: Path, context: RecordingContext) -> None:
    execute(database, "INSERT INTO people VALUES (4, CAST(x'ff41' AS TEXT), NULL)")
    with pytest.raises(DataError) as caught:
        stream(database, context, table="people").read_all()
    assert caught.value.code == "DAT003"
    assert 'Row 4: the text in column "name"' in caught.value.message


INFERRED: dict[str, tuple[str, pa.DataType, str]] = {
    "whole numbers": ("SELECT count(*) AS v FROM people", pa.int64(), "BIGINT"),
    "doubles": ("SELECT avg(id) AS v FROM people", pa.float64(), "DOUBLE"),
    "both": ("SELECT 1 AS v UNION ALL SELECT 2.5", pa.float64(), "DOUBLE"),
    "text": ("SELECT upper(name) AS v FROM people", pa.string(), "VARCHAR"),
    "bytes": ("SELECT randomblob(3) AS v", pa.binary(), "BLOB"),
    "nothing": ("SELECT NULL AS v", pa.string(), "VARCHAR"),
    "no rows": ("SELECT 1 AS v WHERE 0", pa.string(), "VARCHAR"),
    "column without a type": ("SELECT note AS v FROM orders", pa.string(), "VARCHAR"),
}


@pytest.mark.parametrize(("query", "arrow", "name"), INFERRED.values(), ids=INFERRED)
def test_types_that_are_not_declared_are_found_and_told(
    database: Path, context: RecordingContext, query: str, arrow: pa.DataType, name: str
) -> None:
    table = stream(database, context, query=query).read_all()
    assert table.schema.field("v").type == arrow
    event = context.event("schema_inferred")
    assert (event["columns"], event["rows_sampled"]) == ({"v": name}, table.num_rows)
    assert event["pin"] == f'schema: {{"v": "{name}"}}\n'
    assert (context.artifacts_dir / "schema.yaml").read_text() == event["pin"]


def test_what_is_pinned_is_not_inferred(database: Path, context: RecordingContext) -> None:
    query = "SELECT count(*) AS n, max(born) AS newest FROM people"
    table = stream(database, context, query=query, schema={"n": "BIGINT", "newest": "DATE"}).read_all()
    assert table.to_pylist() == [{"n": 3, "newest": date(2000, 1, 1)}]
    assert context.events == []


def test_the_declared_types_are_in_the_text_to_pin_too(database: Path, context: RecordingContext) -> None:
    stream(database, context, table="orders")
    assert context.event("schema_inferred")["columns"] == {"note": "VARCHAR"}
    assert '"amount": "DECIMAL(10,2)", "note": "VARCHAR"' in context.event("schema_inferred")["pin"]


@pytest.mark.parametrize("value", ["'x'", "2.5", "x'00'"])
@pytest.mark.parametrize("row", [1, 500, reading.SAMPLE_ROWS + 500])
def test_a_stream_never_changes_its_type(
    database: Path, context: RecordingContext, value: str, row: int
) -> None:
    """The odd one comes first, in the sample, or long after it."""
    query = (
        f"WITH n AS ({ENDLESS} LIMIT 20000) SELECT CASE WHEN id = {row} THEN {value} ELSE id END AS v FROM n"
    )
    if value == "2.5" and row < reading.SAMPLE_ROWS:
        assert stream(database, context, query=query).read_all().schema.types == [pa.float64()]
        return
    with pytest.raises(DataError) as caught:
        stream(database, context, query=query).read_all()
    assert caught.value.code == "DAT012"
    assert caught.value.details["row"] == (row if row > 1 else 2)


def test_a_misfit_in_a_union_is_no_silent_text(database: Path, context: RecordingContext) -> None:
    with pytest.raises(DataError) as caught:
        stream(database, context, query="SELECT name FROM people UNION ALL SELECT 1").read_all()
    assert caught.value.details["row"] == 4


PREVIEWED: dict[str, tuple[dict[str, Any], dict[str, pa.DataType | None]]] = {
    "table": ({"table": "people"}, {"id": pa.int64(), "name": pa.string(), "born": pa.date32()}),
    "columns": ({"table": "orders", "columns": ["NOTE", "id"]}, {"note": None, "id": pa.int64()}),
    "query": (
        {"query": "SELECT id + :n AS n, born FROM people", "bind": {"n": 1}},
        {"n": None, "born": pa.date32()},
    ),
    "pinned": ({"query": "SELECT count(*) AS n", "schema": {"n": "BIGINT"}}, {"n": pa.int64()}),
}


@pytest.mark.parametrize(("config", "columns"), PREVIEWED.values(), ids=PREVIEWED)
def test_a_preview_knows_the_columns_without_reading_a_row(
    database: Path, context: RecordingContext, config: dict[str, Any], columns: dict[str, pa.DataType | None]
) -> None:
    connected = {**config, "resolved_connection": {"path": str(database)}}
    assert SQLiteExtractorDriver().preview_output(connected, {}) == columns
    schema = stream(database, context, **config).schema
    assert schema.names == list(columns)
    assert all(schema.field(name).type == kind for name, kind in columns.items() if kind is not None)


def test_a_preview_raises_what_the_run_would() -> None:
    with pytest.raises(OsirisError) as caught:
        SQLiteExtractorDriver().preview_output({"table": "t", "resolved_connection": {"path": "none"}}, {})
    assert caught.value.code == "CON020"


@pytest.mark.parametrize(
    ("config", "columns"),
    [
        ({"table": "t", "columns": ["a", "b"]}, ("a", "b")),
        ({"table": "t"}, None),
        ({"query": "SELECT 1"}, None),
    ],
)
def test_columns_that_the_config_names_are_known_at_once(config: dict[str, Any], columns: Any) -> None:
    assert SQLiteExtractorDriver().output_columns(config) == columns


def test_a_missing_file_is_not_made(tmp_path: Path, context: RecordingContext) -> None:
    with pytest.raises(OsirisError) as caught:
        stream(tmp_path / "none.sqlite", context, table="t")
    assert caught.value.code == "CON020"
    assert not (tmp_path / "none.sqlite").exists()


@pytest.mark.parametrize("statement", ["DELETE FROM people", "CREATE TABLE x (a)", "PRAGMA user_version = 5"])
def test_the_connection_itself_cannot_write(
    database: Path, context: RecordingContext, statement: str
) -> None:
    stream(database, context, table="people")
    (connector,) = context._resources
    connector.con.set_authorizer(None)  # type: ignore[attr-defined]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connector.con.execute(statement)  # type: ignore[attr-defined]


def test_a_view_of_a_hostile_file_calls_no_function_with_side_effects(
    database: Path, context: RecordingContext
) -> None:
    execute(database, "CREATE VIEW evil AS SELECT load_extension('x') AS v")
    with pytest.raises(OsirisError):
        stream(database, context, table="evil")


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_what_another_process_writes_meanwhile_is_not_seen(
    database: Path, context: RecordingContext, journal: str
) -> None:
    execute(database, f"PRAGMA journal_mode = {journal}", "DELETE FROM people")
    execute(database, f"INSERT INTO people (id) {ENDLESS} LIMIT 50000")
    reader = stream(database, context, table="people", columns=["id"])
    first = reader.read_next_batch().num_rows
    with closing(sqlite3.connect(database, timeout=0)) as con:
        try:
            con.execute("DELETE FROM people")
            con.commit()
        except sqlite3.OperationalError:
            assert journal == "delete", "without WAL, a reader keeps writers from committing"
            con.rollback()
    assert first + sum(batch.num_rows for batch in reader) == 50_000


def test_one_process_reads_and_replaces_one_table_at_once(
    database: Path, context: RecordingContext, tmp_path: Path
) -> None:
    """The reader keeps its snapshot while a writer replaces the table that is being read."""
    execute(database, "PRAGMA journal_mode = WAL")
    execute(database, "DELETE FROM people", f"INSERT INTO people (id) {ENDLESS} LIMIT 50000")
    reader = stream(database, context, table="people", columns=["id"])
    first = reader.read_next_batch().num_rows
    config = {"table": "people", "write_mode": "replace", "resolved_connection": {"path": str(database)}}
    writing = RecordingContext(tmp_path / "writer")
    data = pa.table({"id": [7]})
    SQLiteWriterDriver().run(step_id="w", config=config, inputs={"df": data.to_reader()}, ctx=writing)
    assert first + sum(batch.num_rows for batch in reader) == 50_000
    context.finish()
    assert stream(database, context, table="people", columns=["id"]).read_all().to_pydict() == {"id": [7]}


def test_a_stream_that_is_left_in_the_middle_leaves_no_lock(
    database: Path, context: RecordingContext
) -> None:
    reader = stream(database, context, query=ENDLESS)
    reader.read_next_batch()
    context.finish()
    with closing(sqlite3.connect(database, timeout=0)) as con:
        con.execute("BEGIN EXCLUSIVE")


HOLDER = """
import sqlite3, sys
con = sqlite3.connect(sys.argv[1], isolation_level=None)
con.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_file_that_is_being_written_is_busy(
    database: Path, context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LOCK_SECONDS", 0.1)
    command = [sys.executable, "-c", HOLDER, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(TargetBusy) as caught:
            stream(database, context, table="people")
        holder.communicate("")
    assert (caught.value.code, caught.value.exit_code) == ("CON022", 4)
    assert stream(database, context, table="people").read_all().num_rows == 3


DIES = """
import os, signal, sqlite3, sys
con = sqlite3.connect(sys.argv[1], isolation_level=None)
con.execute(f"PRAGMA journal_mode = {sys.argv[2]}")
con.execute("PRAGMA cache_size = 10")
con.execute("BEGIN IMMEDIATE")
con.executemany("INSERT INTO people (id, name) VALUES (?, 'half')", ((n,) for n in range(10, 50_000)))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_what_a_dead_writer_left_half_done_is_not_read(
    database: Path, context: RecordingContext, journal: str
) -> None:
    size = database.stat().st_size
    subprocess.run([sys.executable, "-c", DIES, str(database), journal], check=False)
    assert journal == "wal" or database.stat().st_size > size, "pages of it are in the file"
    assert stream(database, context, table="people").read_all().num_rows == 3


def test_a_step_that_is_told_to_stop_before_its_query_begins_stops(
    database: Path, context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel_at_once(callback: Callable[[], None]) -> None:
        context.cancelled = True
        callback()

    monkeypatch.setattr(context, "on_cancel", cancel_at_once)
    with pytest.raises(Cancelled):
        stream(database, context, query=f"SELECT count(*) AS n FROM ({ENDLESS})")


def test_a_query_that_is_under_way_stops(database: Path, context: RecordingContext) -> None:
    reader = stream(database, context, query=f"{ENDLESS} WHERE id < 5000", schema={"id": "BIGINT"})
    context.cancel()
    with pytest.raises(Cancelled):
        reader.read_all()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_only_be_read_is_read(database: Path, context: RecordingContext) -> None:
    database.chmod(0o444)
    assert stream(database, context, table="people").read_all().num_rows == 3


def test_capability_transactions(database: Path, context: RecordingContext, tmp_path: Path) -> None:
    test_one_process_reads_and_replaces_one_table_at_once(database, context, tmp_path)


def test_capability_discover(database: Path) -> None:
    from osiris.connectors.sqlite.connection import SQLiteConnector
    from osiris.core import DiscoveryRequest

    connector = SQLiteConnector({"path": str(database)})
    found = {relation.name: relation for relation in connector.discover(DiscoveryRequest()).relations}
    connector.close()
    assert set(found) == {"people", "names", "orders", "texts", "areas"}
    assert found["people"].primary_key == ("id",)


def test_capability_streaming(database: Path, context: RecordingContext) -> None:
    reader = stream(database, context, query=ENDLESS)
    assert reader.read_next_batch().num_rows > 0


PEAK = """
import resource, sys
from pathlib import Path
from osiris.drivers.sqlite_extractor_driver import SQLiteExtractorDriver
from osiris.testing import RecordingContext
database, query, rows = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
config = {"query": query, "resolved_connection": {"path": str(database)}}
ctx = RecordingContext(database.parent)
out = SQLiteExtractorDriver().run(step_id="s", config=config, inputs=None, ctx=ctx)
assert sum(batch.num_rows for batch in out["df"]) == rows
ctx.finish()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kilobytes(database: Path, query: str, rows: int) -> int:
    command = [sys.executable, "-c", PEAK, str(database), query, str(rows)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(database: Path) -> None:
    query = f"SELECT id, 'name ' || id AS name FROM ({ENDLESS} LIMIT {{}})"
    few, many = (peak_kilobytes(database, query.format(rows), rows) for rows in (300_000, 1_500_000))
    assert many - few < 20_000


@pytest.mark.slow
@pytest.mark.parametrize("short", [0, 5000])
def test_memory_does_not_grow_with_long_values(database: Path, short: int) -> None:
    """A gigabyte in values of a megabyte each, from the first row or after many short ones."""
    value = f"CASE WHEN id > {short} THEN zeroblob(1000000) ELSE x'00' END"
    query = f"SELECT {value} AS v FROM ({ENDLESS} LIMIT {short + 1000})"
    assert peak_kilobytes(database, query, short + 1000) < 400_000


def test_a_limit_that_sqlite_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="9223372036854775807"):
        ExtractorConfig.model_validate({"table": "t", "limit": 2**63})
