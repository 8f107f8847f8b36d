"""An error of SQLite in the words of the pipeline: the place in its SQL, the names that exist."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from osiris.connectors.sqlite.confinement import Act
from osiris.connectors.sqlite.errors import map_engine_error, primary_code
from osiris.connectors.sqlite.names import folded
from osiris.connectors.sqlite.statements import Select, placed
from osiris.connectors.sqlite.tokens import Token, tokens, unquoted
from osiris.errors import OsirisError, PipelineError
from osiris.findings import nearest

Readable = Mapping[str, tuple[str, ...]]
"""Columns by the name of their table or view."""

_NO_TABLE = re.compile(r"no such table: (?:main\.)?(?P<name>.*)", re.DOTALL)
_NO_COLUMN = re.compile(r"no such column: (?P<name>.*?)(?: - should this be .*)?", re.DOTALL)
_NO_FUNCTION = re.compile(r"no such function: (?P<name>.*)", re.DOTALL)
_NOT_TEXT = re.compile(r"Could not decode to UTF-8 column '(?P<name>.*?)' with text", re.DOTALL)


def explain_error(
    exc: sqlite3.Error, select: Select, readable: Readable, denied: Act | None = None
) -> OsirisError:
    """The mapped error; what the SQL names and may not use is told with its place and the choices."""
    message = str(exc)
    if denied is not None:
        return _forbidden(denied, select, map_engine_error(exc))
    if found := _NO_TABLE.fullmatch(message):
        return _at(found["name"], select, _missing_table(found["name"], tuple(readable)))
    if found := _NO_COLUMN.fullmatch(message):
        return _at(found["name"], select, _missing_column(found["name"], select, readable))
    error = map_engine_error(exc)
    if found := _NO_FUNCTION.fullmatch(message):
        error.hint = "Use one of SQLite's functions; more of them are in a duckdb.processor step."
        return _at(found["name"], select, error)
    if primary_code(exc) == sqlite3.SQLITE_ERROR:
        error.hint = _columns_that_exist(_relevant(readable, select))
    return error


def _forbidden(denied: Act, select: Select, error: OsirisError) -> OsirisError:
    if denied.action == sqlite3.SQLITE_READ:
        says = f'The table "{denied.first}" is reserved.'
        return _at(denied.first, select, PipelineError("SQL003", says, hint="Read another table."))
    if denied.action == sqlite3.SQLITE_FUNCTION:
        says = f"The SQL may not use the function {denied.second}."
        return _at(denied.second, select, PipelineError("SQL007", says, hint="Use another function."))
    return error


def not_utf8(exc: sqlite3.Error) -> str | None:
    """The column whose text is no UTF-8, if that is what is wrong."""
    found = _NOT_TEXT.match(str(exc))
    return found["name"] if found else None


def _missing_table(name: str, tables: tuple[str, ...]) -> OsirisError:
    close = nearest(name, tables)
    return PipelineError(
        "SQL003",
        f'The table "{name}" does not exist.{_did_you_mean(close)}',
        hint=f"Tables that exist: {', '.join(tables)}." if tables else "There are no tables.",
        details={"candidates": list(close)},
    )


def _missing_column(name: str, select: Select, readable: Readable) -> OsirisError:
    readable = _relevant(readable, select)
    close = nearest(name.rpartition(".")[2], (column for names in readable.values() for column in names))
    details: dict[str, Any] = {
        "candidates": list(close),
        "columns": {table: list(names) for table, names in readable.items()},
    }
    hint = _columns_that_exist(readable)
    if any(token.kind == "quoted" and unquoted(token.text) == name for token in tokens(select.text)):
        hint = f"A text stands in single quotes. {hint or ''}".strip()
    message = f'The column "{name}" does not exist.{_did_you_mean(close)}'
    return PipelineError("SQL004", message, hint=hint, details=details)


def _relevant(readable: Readable, select: Select) -> Readable:
    """Only the tables that the SQL names, as long as it names one."""
    named = {folded(unquoted(token.text)) for token in tokens(select.sql)}
    return {name: columns for name, columns in readable.items() if folded(name) in named} or readable


def _columns_that_exist(readable: Readable) -> str | None:
    shown = "; ".join(f"{table}: {', '.join(names)}" for table, names in readable.items())
    return f"Columns that exist: {shown}." if shown else None


def _did_you_mean(close: tuple[str, ...]) -> str:
    return f' Did you mean "{close[0]}"?' if close else ""


def _at(name: str, select: Select, error: OsirisError) -> OsirisError:
    """The error with the place of the name, where the author's text has it only once."""
    spots = list(_spots(name, select.text))
    says, asks, candidate = error.message.partition(" Did you mean ")
    if len(spots) == 1:
        error.message = says
        placed(error, select.text, spots[0])
        error.message += asks + candidate
        error.args = (error.message,)
    return error


def _spots(name: str, text: str) -> Iterator[int]:
    """Where a name stands in the SQL; one with dots is written as several tokens."""
    wanted = [part for part in re.split(r"(\.)", folded(name)) if part]
    pieces = [token for token in tokens(text) if token.kind in ("name", "quoted") or token.text == "."]
    for start in range(len(pieces) - len(wanted) + 1):
        window = pieces[start : start + len(wanted)]
        if [folded(unquoted(piece.text)) for piece in window] == wanted and _is_joined(window):
            yield window[0].start


def _is_joined(window: list[Token]) -> bool:
    return all(left.end == right.start for left, right in pairwise(window))
