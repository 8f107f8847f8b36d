"""An error of the engine in the words of the pipeline: the place in its SQL, the columns that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import duckdb

from osiris.connectors.duckdb.errors import EngineFailure, EngineMessage, map_engine_error
from osiris.connectors.duckdb.statements import placed
from osiris.errors import OsirisError, PipelineError
from osiris.findings import nearest

_EXPLAIN = "EXPLAIN (FORMAT JSON) "
_NO_COLUMN = re.compile(r'does not have a column named "(?P<name>[^"]*)"')


def explain(
    con: duckdb.DuckDBPyConnection,
    sql: str,
    params: Mapping[str, Any],
    columns: Mapping[str, tuple[str, ...]],
    lines_before: int = 0,
) -> list[list[dict[str, Any]]]:
    """The plans of the SQL; it reads nothing and so shows every binding error with its place."""
    try:
        rows = con.execute(_EXPLAIN + sql, dict(params) or None).fetchall()
    except EngineFailure as exc:
        raise explain_error(exc, sql, columns, prefix=len(_EXPLAIN), lines_before=lines_before) from exc
    return [json.loads(plan) for _, plan in rows]


def explain_error(
    exc: BaseException,
    sql: str,
    columns: Mapping[str, tuple[str, ...]],
    *,
    prefix: int = 0,
    lines_before: int = 0,
    cancelled: bool = False,
) -> OsirisError:
    """The mapped error; `columns` are the columns per table, `prefix` counts what was put before the SQL."""
    if isinstance(exc, OsirisError):
        return exc
    message = EngineMessage.of(exc)
    offset = None if message.offset is None or message.offset < prefix else message.offset - prefix
    error = map_engine_error(exc, cancelled=cancelled)
    if message.kind == "binder error":
        error = _binding_error(message, error, columns)
    elif message.subtype == "MISSING_ENTRY" and message.text.startswith("Table"):
        error = _missing_table(message, tuple(columns))
    return placed(error, sql, offset, lines_before)


def _binding_error(
    message: EngineMessage, error: OsirisError, columns: Mapping[str, tuple[str, ...]]
) -> OsirisError:
    named = _NO_COLUMN.search(message.full)
    if message.subtype == "COLUMN_NOT_FOUND" or named:
        return _missing_column(named["name"] if named else message.name, columns)
    error.hint = error.hint or _columns_that_exist(columns)
    return error


def _missing_column(name: str, columns: Mapping[str, tuple[str, ...]]) -> OsirisError:
    candidates = nearest(name, (column for names in columns.values() for column in names))
    return PipelineError(
        "SQL004",
        f'The column "{name}" does not exist.{_did_you_mean(candidates)}',
        hint=_columns_that_exist(columns),
        details={
            "candidates": list(candidates),
            "columns": {table: list(names) for table, names in columns.items()},
        },
    )


def _missing_table(message: EngineMessage, tables: tuple[str, ...]) -> OsirisError:
    candidates = nearest(message.name, tables)
    return PipelineError(
        "SQL003",
        f'The table "{message.name}" does not exist.{_did_you_mean(candidates)}',
        hint=f"Tables that exist: {', '.join(tables)}." if tables else "There are no tables.",
        details={"candidates": list(candidates)},
    )


def _columns_that_exist(columns: Mapping[str, tuple[str, ...]]) -> str | None:
    shown = "; ".join(f"{table}: {', '.join(names)}" for table, names in columns.items())
    return f"Columns that exist: {shown}." if shown else None


def _did_you_mean(candidates: tuple[str, ...]) -> str:
    return f' Did you mean "{candidates[0]}"?' if candidates else ""
