"""An error of the engine in the words of the pipeline: the place in its SQL, the tables and columns there are."""

from __future__ import annotations

from collections.abc import Mapping

from osiris.connectors.duckdb.errors import EngineMessage, map_engine_error
from osiris.connectors.duckdb.statements import placed
from osiris.errors import OsirisError, PipelineError
from osiris.findings import nearest


def explain_error(
    exc: BaseException, sql: str, columns: Mapping[str, tuple[str, ...]], *, prefix: int = 0
) -> OsirisError:
    """The mapped error; `columns` are the columns per table, `prefix` counts what was put before the SQL."""
    if isinstance(exc, OsirisError):
        return exc
    message = EngineMessage.of(exc)
    offset = None if message.offset is None or message.offset < prefix else message.offset - prefix
    if message.subtype == "COLUMN_NOT_FOUND":
        return placed(_missing_column(message, columns), sql, offset)
    if message.subtype == "MISSING_ENTRY" and message.text.startswith("Table"):
        return placed(_missing_table(message, tuple(columns)), sql, offset)
    return placed(map_engine_error(exc), sql, offset)


def _missing_column(message: EngineMessage, columns: Mapping[str, tuple[str, ...]]) -> OsirisError:
    every = [name for names in columns.values() for name in names]
    candidates = nearest(message.name, every)
    shown = "; ".join(f"{table}: {', '.join(names)}" for table, names in columns.items())
    return PipelineError(
        "SQL004",
        f'The column "{message.name}" does not exist.{_did_you_mean(candidates)}',
        hint=f"Columns that exist: {shown}." if shown else None,
        details={"column_name": message.name, "candidates": list(candidates), "columns": dict(columns)},
    )


def _missing_table(message: EngineMessage, tables: tuple[str, ...]) -> OsirisError:
    candidates = nearest(message.name, tables)
    return PipelineError(
        "SQL003",
        f'The table "{message.name}" does not exist.{_did_you_mean(candidates)}',
        hint=f"Tables that exist: {', '.join(tables)}." if tables else "There are no tables.",
        details={"table_name": message.name, "candidates": list(candidates)},
    )


def _did_you_mean(candidates: tuple[str, ...]) -> str:
    return f' Did you mean "{candidates[0]}"?' if candidates else ""
