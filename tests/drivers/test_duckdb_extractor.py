"""duckdb.extractor against real database files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from osiris.drivers.duckdb_extractor_driver import DuckDBExtractorDriver, ExtractorConfig
from osiris.drivers.duckdb_writer_driver import DuckDBWriterDriver
from osiris.errors import OsirisError
from osiris.testing import RecordingContext

SETUP = (
    "CREATE TABLE people (id BIGINT PRIMARY KEY, name VARCHAR, born DATE)",
    "INSERT INTO people VALUES (1, 'ann', '2000-01-01'), (2, 'bob', NULL), (3, 'cyd', '1990-05-05')",
    "CREATE SCHEMA sales",
    "CREATE TABLE sales.orders AS SELECT i AS id, i * 10 AS amount FROM range(5) t(i)",
    "CREATE SEQUENCE numbers",
    "CREATE VIEW names AS SELECT name FROM people",
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "w.duckdb"
    with duckdb.connect(str(path)) as con:
        for statement in SETUP:
            con.execute(statement)
    return path


@pytest.fixture
def context(tmp_path: Path) -> Iterator[RecordingContext]:
    context = RecordingContext(tmp_path)
    yield context
    context.finish()


def stream(database: Path, context: RecordingContext, **config: Any) -> pa.RecordBatchReader:
    config["resolved_connection"] = {"path": str(database)}
    outputs = DuckDBExtractorDriver().run(step_id="s", config=config, inputs=None, ctx=context)
    return outputs["df"]  # type: ignore[return-value]


CASES: dict[str, tuple[dict[str, Any], list[tuple[Any, ...]]]] = {
    "columns": ({"table": "people", "columns": ["name", "id"]}, [("ann", 1), ("bob", 2), ("cyd", 3)]),
    "schema": ({"table": "sales.orders", "columns": ["amount"], "where": "id > 3"}, [(40,)]),
    "view": ({"table": "names", "limit": 1}, [("ann",)]),
    "no rows": ({"table": "people", "columns": ["id"], "limit": 0}, []),
    "where": (
        {"table": "people", "columns": ["id"], "where": "name = :n OR id = 3 -- x", "bind": {"n": "bob"}},
        [(2,), (3,)],
    ),
    "text for a date": (
        {"table": "people", "columns": ["id"], "where": "born >= :d", "bind": {"d": "1995-01-01"}},
        [(1,)],
    ),
    "hostile value": (
        {"table": "people", "columns": ["id"], "where": "name = :n", "bind": {"n": "x' OR '1'='1"}},
        [],
    ),
    "query": ({"query": "SELECT count(*) AS n, sum(id) AS s FROM people"}, [(3, Decimal(6))]),
    "query, bound": ({"query": "SELECT name FROM people WHERE id = :i;", "bind": {"i": 2}}, [("bob",)]),
    "two tables": (
        {"query": "SELECT name FROM people p JOIN sales.orders o ON o.id = p.id WHERE amount = 20"},
        [("bob",)],
    ),
}


@pytest.mark.parametrize(("config", "expected"), CASES.values(), ids=CASES)
def test_rows_are_those_that_were_asked_for(
    database: Path, context: RecordingContext, config: dict[str, Any], expected: Any
) -> None:
    table = stream(database, context, **config).read_all()
    assert list(zip(*table.to_pydict().values(), strict=True)) == expected
    assert context.metric("rows_read") == len(expected)


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "table": ({"table": "peoples"}, "SQL003", '"people"'),
    "table in query": ({"query": "SELECT * FROM\n peoples"}, "SQL003", "line 2, column 2"),
    "column": ({"table": "people", "columns": ["nam"]}, "SQL004", "people: id, name, born"),
    "column in query": ({"query": "SELECT nam FROM people"}, "SQL004", "people: id, name, born"),
    "column in where": ({"table": "people", "where": "nam = 'x'"}, "SQL004", "line 1, column 1"),
    "where, syntax": ({"table": "people", "where": "id = = 1"}, "SQL001", "line 1, column 6"),
    "where, escape": (
        {"table": "people", "where": "1 = 1); DROP TABLE people; --"},
        "SQL001",
        "line 2, column 1",
    ),
    "delete": ({"query": "DELETE FROM people"}, "SQL002", "one SELECT"),
    "delete in with": (
        {"query": "WITH x AS (DELETE FROM people RETURNING *) SELECT * FROM x"},
        "SQL002",
        "DELETE",
    ),
    "file": ({"query": "SELECT * FROM read_csv('/etc/passwd')"}, "SQL007", "/etc/passwd"),
    "other database": ({"query": "ATTACH 'x.db'"}, "SQL002", "ATTACH"),
    "unbound": ({"table": "people", "where": "id = :i"}, "SQL005", ":i"),
    "unused bind": ({"table": "people", "bind": {"i": 1}}, "SQL005", "i"),
    "logging": ({"query": "SELECT * FROM Enable_Logging('QueryLog')"}, "SQL002", "line 1, column 15"),
    "checkpoint": ({"query": "FROM force_checkpoint()"}, "SQL002", "force_checkpoint"),
    "SQL in a text": ({"query": "FROM query('FROM checkpoint()')"}, "SQL002", "query"),
    "sequence": ({"query": "SELECT nextval('numbers') AS n"}, "SQL007", "read-only"),
    "two conditions": (
        {"table": "people", "where": "id < 0) UNION ALL SELECT 99 WHERE (1=1"},
        "SQL002",
        "one condition",
    ),
    "limit in where": ({"table": "people", "where": "true) LIMIT (1"}, "SQL002", "one condition"),
    "empty where": ({"table": "people", "where": "-- nothing"}, "SQL002", "one condition"),
    "place first": (
        {"query": "SELECT nam FROM people"},
        "SQL004",
        'does not exist (line 1, column 8 of the SQL). Did you mean "name"?',
    ),
    "value": ({"query": "SELECT name::INT AS n FROM people"}, "SQL008", "ann"),
    "ledger": ({"table": "_osiris_commits"}, "SQL003", '"_osiris_commits" is reserved. Names'),
    "ledger, schema": ({"table": "main._OSIRIS_cursors"}, "SQL003", "reserved"),
    "ledger in query": ({"query": "SELECT *\nFROM (FROM _osiris_commits)"}, "SQL003", "line 2, column 12"),
    "ledger in where": (
        {"table": "people", "where": "id IN\n(SELECT rows_in FROM _osiris_commits)"},
        "SQL003",
        "line 2, column 22",
    ),
    "file in where": ({"table": "people", "where": "id IN (FROM glob('x'))"}, "SQL007", "line 1, column 18"),
}


@pytest.mark.parametrize(("config", "code", "told"), BAD.values(), ids=BAD)
def test_bad_sql_is_told_with_its_place_and_the_choices(
    database: Path, context: RecordingContext, config: dict[str, Any], code: str, told: str
) -> None:
    with pytest.raises(OsirisError) as caught:
        stream(database, context, **config).read_all()
    assert caught.value.code == code
    assert told in f"{caught.value.message} {caught.value.hint}"
    context.finish()
    assert stream(database, context, table="people").read_all().num_rows == 3


@pytest.mark.parametrize(
    "case",
    [
        *("where, syntax", "delete", "unbound", "delete in with", "logging", "empty where", "file"),
        *("ledger", "ledger, schema", "ledger in query", "ledger in where", "file in where"),
    ],
)
def test_check_finds_it_without_the_database(case: str) -> None:
    config, code, _ = BAD[case]
    (problem,) = DuckDBExtractorDriver().check(config, ())
    assert problem.code == code
    assert problem.field in config


@pytest.mark.parametrize("config", [config for config, _ in CASES.values()])
def test_check_finds_nothing_in_good_configs(config: dict[str, Any]) -> None:
    assert DuckDBExtractorDriver().check(config, ()) == []


def test_a_missing_file_is_not_made(tmp_path: Path, context: RecordingContext) -> None:
    with pytest.raises(OsirisError) as caught:
        stream(tmp_path / "none.duckdb", context, table="t")
    assert caught.value.code == "CON020"
    assert not (tmp_path / "none.duckdb").exists()


def test_one_process_reads_and_writes_one_file_at_once(
    database: Path, context: RecordingContext, tmp_path: Path
) -> None:
    """The reader keeps its snapshot while a writer replaces the table that is being read."""
    config = {"table": "big", "write_mode": "replace", "resolved_connection": {"path": str(database)}}
    with duckdb.connect(str(database)) as con:
        con.execute("CREATE TABLE big AS SELECT i AS id FROM range(1_000_000) t(i)")
    reader = stream(database, context, table="big")
    first = reader.read_next_batch().num_rows
    writing = RecordingContext(tmp_path / "writer")
    data = pa.table({"id": pa.array([7], pa.int64())})
    DuckDBWriterDriver().run(step_id="w", config=config, inputs={"df": data.to_reader()}, ctx=writing)
    assert first + sum(batch.num_rows for batch in reader) == 1_000_000
    context.finish()
    assert stream(database, context, table="big").read_all().to_pydict() == {"id": [7]}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_only_be_read_is_read(database: Path, context: RecordingContext) -> None:
    database.chmod(0o444)
    assert stream(database, context, table="people").read_all().num_rows == 3


def test_capability_transactions(database: Path, context: RecordingContext, tmp_path: Path) -> None:
    test_one_process_reads_and_writes_one_file_at_once(database, context, tmp_path)


def test_capability_discover(database: Path) -> None:
    from osiris.connectors.duckdb.connection import DuckDBConnector
    from osiris.core import DiscoveryRequest

    connector = DuckDBConnector({"path": str(database)})
    found = {relation.name: relation for relation in connector.discover(DiscoveryRequest()).relations}
    connector.close()
    assert set(found) == {"people", "names", "sales.orders"}
    assert found["people"].primary_key == ("id",)


PEAK = """
import resource, sys
from pathlib import Path
import duckdb
from osiris.drivers.duckdb_extractor_driver import DuckDBExtractorDriver
from osiris.testing import RecordingContext
folder, total = Path(sys.argv[1]), int(sys.argv[2])
config = {"query": f"SELECT i AS id, 'name ' || i AS name FROM range({total}) t(i)",
          "resolved_connection": {"path": str(folder / "w.duckdb")}}
ctx = RecordingContext(folder)
out = DuckDBExtractorDriver().run(step_id="s", config=config, inputs=None, ctx=ctx)
assert sum(batch.num_rows for batch in out["df"]) == total
ctx.finish()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kilobytes(folder: Path, total: int) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(folder), str(total)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_capability_streaming(database: Path, context: RecordingContext) -> None:
    reader = stream(database, context, query="SELECT i AS id FROM range(1_000_000_000_000) t(i)")
    assert reader.read_next_batch().num_rows > 0


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(database: Path, tmp_path: Path) -> None:
    assert peak_kilobytes(tmp_path, 4_000_000) - peak_kilobytes(tmp_path, 1_000_000) < 60_000


def test_a_limit_that_duckdb_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="9223372036854775807"):
        ExtractorConfig.model_validate({"table": "t", "limit": 2**63})


def test_a_decimal_too_long_to_be_exact_is_refused(database: Path, context: RecordingContext) -> None:
    bind = {"d": {"type": "decimal", "value": "1" * 39}}
    with pytest.raises(OsirisError) as caught:
        stream(database, context, query="SELECT :d AS d", bind=bind)
    assert caught.value.code == "SQL008"


@pytest.mark.parametrize(
    ("config", "columns"),
    [
        ({"table": "people", "columns": ["id", "name"]}, ("id", "name")),
        ({"table": "people"}, None),
        ({"query": "SELECT id, name AS n FROM people"}, ("id", "n")),
        ({"query": "SELECT * FROM people"}, None),
    ],
)
def test_columns_that_the_config_names_are_known_beforehand(
    config: dict[str, Any], columns: tuple[str, ...] | None
) -> None:
    assert DuckDBExtractorDriver().output_columns(config) == columns
