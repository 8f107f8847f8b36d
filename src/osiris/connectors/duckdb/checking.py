"""What can be said about a step's SQL before anything is opened."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import cache, cached_property
from typing import Annotated, Any

import duckdb
from pydantic import Field

from osiris.connectors.duckdb.engine import folded, open_engine
from osiris.connectors.duckdb.placeholders import dollar_names
from osiris.connectors.duckdb.statements import Select, Spot, mark_of, parse_select, place_in_words, placed
from osiris.core import ConfigProblem, bound_values
from osiris.errors import OsirisError, PipelineError
from osiris.findings import nearest

Sql = Annotated[str, Field(min_length=1, json_schema_extra={"contentMediaType": "application/sql"})]
"""A config field that holds SQL; the compiler refuses parameters inside such text."""

BindValue = Annotated[
    Any,
    Field(
        json_schema_extra={
            "type": ["string", "number", "boolean", "null", "object"],
            "required": ["type", "value"],
        }
    ),
]
"""A value of `bind`: a scalar, or the manifest's form of a typed one."""


def parse(field: str, sql: str, bind: Mapping[str, Any], *, before: str = "", after: str = "") -> Select:
    """The SQL of a config field, with `:name` written as `$name`; `PipelineError` if it is not one SELECT
    or if its names and the keys of `bind` differ.

    A field that holds a part of a statement stands between `before`, which ends with a line, and `after`.
    """
    con = _PARSERS.con
    try:
        select = parse_select(con, before + dollar_names(sql, bind) + after, lines_before=before.count("\n"))
    except OsirisError as error:
        error.details["field"] = field
        raise
    _refuse_unbound(field, select, bind)
    return select


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """One engine for all checks: opening one takes longer than parsing a hundred statements."""
    return open_engine("64MB", threads=1)


class _Parsers(threading.local):
    """A connection to it per thread."""

    @cached_property
    def con(self) -> duckdb.DuckDBPyConnection:
        con = _parser().cursor()
        con.execute("PRAGMA disable_optimizer")  # it would take longer than the parser that is asked
        return con


_PARSERS = _Parsers()


def sql_problems(field: str, sql: str, bind: Mapping[str, Any]) -> list[ConfigProblem]:
    """The problems of the SQL as findings; empty if it is one SELECT whose names are all bound."""
    try:
        parse(field, sql, bind)
    except PipelineError as error:
        return [problem(error, field)]
    return []


def problem(error: OsirisError, field: str) -> ConfigProblem:
    """An error of the SQL as a finding about a config field."""
    line, column = error.details.get("line", 0), error.details.get("column", 0)
    message = error.message.replace(place_in_words(line, column), "")
    return ConfigProblem(error.details.get("field", field), error.code, message, error.hint, line, column)


def unknown_tables(field: str, select: Select, known: Collection[str]) -> Iterator[ConfigProblem]:
    """One problem per table in FROM that is none of the known names."""
    names = {folded(name) for name in known}
    for table in select.tables:
        if folded(table.text) in names:
            continue
        close = nearest(table.text, known)
        meant = f' Did you mean "{close[0]}"?' if close else ""
        message = f'The table "{table.text}" is not an input of the step.{meant}'
        hint = f"Inputs: {', '.join(known)}." if known else "The step has no inputs."
        yield problem_at(field, select, table, "SQL003", message, hint)


def problem_at(field: str, select: Select, spot: Spot, code: str, message: str, hint: str) -> ConfigProblem:
    """A finding about a piece of a config field's SQL."""
    mark = mark_of(select, spot)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    return ConfigProblem(field, code, message, hint, line, column)


def bind_problems(bind: Mapping[str, Any]) -> Iterator[ConfigProblem]:
    """One problem per value of `bind` that cannot be bound."""
    for name, value in bind.items():
        try:
            bound_values({name: value})
        except PipelineError as error:
            yield ConfigProblem("bind", error.code, error.message, error.hint)


def refuse_bad_inputs(names: Collection[str]) -> None:
    """SQL016 for inputs that cannot all be tables of their names."""
    counts = Counter(map(folded, names))
    for name in names:
        if counts[folded(name)] > 1 or folded(name).startswith("_osiris_"):
            raise PipelineError(
                "SQL016",
                f'The input "{name}" cannot be a table of its name.',
                hint="Rename it: names differ in more than letter case and do not start with _osiris_.",
            )


def refuse_reserved(field: str, select: Select, hint: str, *, lines_before: int = 0) -> None:
    """SQL003 for names of tables that Osiris keeps for itself, in the SQL of a config field."""
    if select.reserved:
        spot = select.reserved[0]
        raise placed(reserved(field, spot.text, hint), select.sql, spot.offset, lines_before)


def reserved(field: str, table: str, hint: str) -> PipelineError:
    """The error for such a name."""
    return PipelineError("SQL003", f'The table "{table}" is reserved.', hint=hint, details={"field": field})


def _refuse_unbound(field: str, select: Select, bind: Mapping[str, Any]) -> None:
    missing = sorted(select.parameters - bind.keys())
    unused = sorted(bind.keys() - select.parameters)
    if missing:
        names = ", ".join(":" + name for name in missing)
        raise PipelineError(
            "SQL005",
            f"The SQL uses {names}, which bind does not give.",
            hint=f"Add to the step's config: bind: {{{missing[0]}: ...}}.",
            details={"field": field},
        )
    if unused:
        raise PipelineError(
            "SQL005",
            f"bind gives {', '.join(unused)}, which the SQL does not use.",
            hint=f"Use :{unused[0]} in the SQL or remove it from bind.",
            details={"field": "bind"},
        )
