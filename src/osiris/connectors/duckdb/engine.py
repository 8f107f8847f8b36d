"""The engine: DuckDB with limits, and results that stream."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from osiris.connectors.duckdb.errors import EngineFailure, map_engine_error
from osiris.errors import PipelineError

__all__ = [
    "BATCH_ROWS",
    "engine_settings",
    "interrupt",
    "map_engine_error",
    "open_engine",
    "quote_identifier",
    "quote_literal",
    "start_session",
    "stream",
]

BATCH_ROWS = 65536

_SESSION = ("SET TimeZone = 'UTC'", "SET errors_as_json = true")


def open_engine(
    memory_limit: str = "512MB", threads: int | None = None, temp_dir: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, limited, in UTC, that installs and loads nothing by itself.

    What does not fit under the limit spills into a folder of its own below `temp_dir`, which DuckDB makes
    when needed and removes at close.
    """
    spill = (temp_dir or Path(tempfile.gettempdir())) / f"osiris_duckdb_{uuid.uuid4().hex}"
    settings = engine_settings(memory_limit) | {"temp_directory": str(spill)}
    if threads is not None:
        settings["threads"] = threads
    con = duckdb.connect(":memory:", config=settings)
    start_session(con)
    return con


def start_session(con: duckdb.DuckDBPyConnection) -> None:
    """What DuckDB knows only once it is open, and per connection: UTC, and errors with their place."""
    for statement in _SESSION:
        con.execute(statement)


def engine_settings(memory_limit: str) -> dict[str, Any]:
    """The settings of every DuckDB that Osiris opens."""
    return {
        "memory_limit": memory_limit,
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }


def interrupt(con: duckdb.DuckDBPyConnection) -> None:
    """Stop what the connection is doing, from any thread; a closed one has nothing to stop."""
    with suppress(duckdb.ConnectionException):
        con.interrupt()


def stream(
    con: duckdb.DuckDBPyConnection,
    sql: str,
    params: Mapping[str, Any] | None = None,
    batch_rows: int = BATCH_ROWS,
    cancelled: Callable[[], bool] = lambda: False,
) -> pa.RecordBatchReader:
    """The result of one SELECT as a reader that pulls as it is read; `con` can do nothing else meanwhile.

    `con.sql` is what streams: `con.execute` computes the whole result before the first batch. Errors, also
    those of a later batch, are `osiris.errors`.
    """
    try:
        relation = con.sql(sql, params=dict(params)) if params else con.sql(sql)
        if relation is None:
            raise PipelineError("SQL002", "The SQL gives no rows.", hint="Write one SELECT.")
        reader = relation.to_arrow_reader(batch_rows)
    except EngineFailure as exc:
        raise map_engine_error(exc, cancelled=cancelled()) from exc
    return pa.RecordBatchReader.from_batches(reader.schema, _batches(reader, cancelled))


def _batches(reader: pa.RecordBatchReader, cancelled: Callable[[], bool]) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except EngineFailure as exc:
        raise map_engine_error(exc, cancelled=cancelled()) from exc


def quote_identifier(name: str) -> str:
    """The name as a quoted SQL identifier."""
    if "\0" in name:
        raise PipelineError("SQL014", "A name holds a NUL character, which no SQL identifier can.")
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """The text as a SQL string literal."""
    if "\0" in text:
        raise PipelineError("SQL014", "A text holds a NUL character, which no SQL literal can.")
    return "'" + text.replace("'", "''") + "'"
