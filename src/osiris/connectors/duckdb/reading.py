"""A table or a query of a database file as one stream, read in a transaction that cannot write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from osiris.connectors.duckdb.arrow_types import exact_relation, exact_stream
from osiris.connectors.duckdb.engine import folded
from osiris.connectors.duckdb.errors import EngineFailure
from osiris.connectors.duckdb.explaining import explain, explain_error
from osiris.connectors.duckdb.statements import Select

_READABLE = """
SELECT table_schema, table_name, list(column_name ORDER BY ordinal_position) FROM information_schema.columns
WHERE table_catalog = current_database() AND NOT starts_with(table_name, '_osiris_')
  AND table_schema NOT IN ('information_schema', 'pg_catalog')
GROUP BY ALL ORDER BY ALL
"""


def read(
    con: duckdb.DuckDBPyConnection,
    select: Select,
    params: Mapping[str, Any],
    *,
    lines_before: int = 0,
    cancelled: Callable[[], bool] = lambda: False,
) -> pa.RecordBatchReader:
    """The result, streamed; errors name the tables and columns that there are."""
    relation, wrong = _relation(con, select, params, lines_before, cancelled)
    return exact_stream(relation, wrong=wrong)


def described(
    con: duckdb.DuckDBPyConnection, select: Select, params: Mapping[str, Any], *, lines_before: int = 0
) -> pa.Schema:
    """The schema that `read` would give; no row is read."""
    relation, wrong = _relation(con, select, params, lines_before, lambda: False)
    try:
        return exact_relation(relation).limit(0).to_arrow_table().schema
    except EngineFailure as exc:
        raise wrong(exc) from exc


def _relation(
    con: duckdb.DuckDBPyConnection,
    select: Select,
    params: Mapping[str, Any],
    lines_before: int,
    cancelled: Callable[[], bool],
) -> tuple[duckdb.DuckDBPyRelation, Callable[[BaseException], BaseException]]:
    """The result, not begun, and how to explain what goes wrong with it."""
    tables = _relevant(readable_columns(con), [table.text for table in select.tables])

    def wrong(exc: BaseException) -> BaseException:
        return explain_error(exc, select.sql, tables, lines_before=lines_before, cancelled=cancelled())

    con.execute("BEGIN TRANSACTION READ ONLY")
    explain(con, select.sql, params, tables, lines_before)
    try:
        relation = con.sql(select.sql, params=dict(params)) if params else con.sql(select.sql)
    except EngineFailure as exc:
        raise wrong(exc) from exc
    return relation, wrong


def readable_columns(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, ...]]:
    """The columns of every table and view that a pipeline may read."""
    rows = con.execute(_READABLE).fetchall()
    return {
        name if schema == "main" else f"{schema}.{name}": tuple(columns) for schema, name, columns in rows
    }


def _relevant(readable: Mapping[str, tuple[str, ...]], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Only the tables that the SQL names, as long as all of them are there."""
    known = {folded(name): name for name in readable}
    found = [known.get(folded(name).removeprefix("main.")) for name in names]
    if not found or None in found:
        return dict(readable)
    return {name: readable[name] for name in found if name is not None}


def counting(reader: pa.RecordBatchReader, done: Callable[[int], None]) -> pa.RecordBatchReader:
    """The same stream; `done(rows)` is called at its end."""

    def batches() -> Iterator[pa.RecordBatch]:
        rows = 0
        for batch in reader:
            rows += batch.num_rows
            yield batch
        done(rows)

    return pa.RecordBatchReader.from_batches(reader.schema, batches())
