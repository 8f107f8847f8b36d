"""The engine: DuckDB with limits, and its names and texts."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from osiris.connectors.duckdb.errors import map_engine_error
from osiris.errors import PipelineError

__all__ = [
    "BATCH_ROWS",
    "engine_settings",
    "first_row",
    "folded",
    "interrupt",
    "map_engine_error",
    "open_engine",
    "quote_identifier",
    "quote_literal",
    "start_session",
]

BATCH_ROWS = 65536


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
    """What DuckDB knows only once it is open: UTC, for every connection to it, and nothing on stdout.

    In a notebook or under `python -c` DuckDB would print a progress bar there.
    """
    con.execute("SET GLOBAL TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")


def engine_settings(memory_limit: str) -> dict[str, Any]:
    """The settings of every DuckDB that Osiris opens."""
    return {
        "memory_limit": memory_limit,
        "errors_as_json": True,
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }


def first_row(
    con: duckdb.DuckDBPyConnection, sql: str, params: Sequence[Any] | Mapping[str, Any] | None = None
) -> tuple[Any, ...] | None:
    """The first row of a small result, or None.

    All rows are fetched: a connection with a result that is not at its end refuses some other work.
    """
    rows: list[tuple[Any, ...]] = con.execute(sql, params).fetchall()
    return rows[0] if rows else None


def interrupt(con: duckdb.DuckDBPyConnection) -> None:
    """Stop what the connection is doing, from any thread; a closed one has nothing to stop."""
    with suppress(duckdb.ConnectionException):
        con.interrupt()


def folded(name: str) -> str:
    """The name as DuckDB compares it: ASCII letters without their case, and no others."""
    return name.encode().lower().decode()


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
