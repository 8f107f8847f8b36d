"""A processor's SQL over rows that no engine has read yet: one statement for all of it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from osiris.connectors.duckdb.arrow_types import EXACT_CAST, exact_relation, no_such_value
from osiris.connectors.duckdb.engine import folded, open_engine, quote_identifier
from osiris.connectors.duckdb.errors import EngineFailure
from osiris.connectors.duckdb.explaining import explain_error
from osiris.connectors.duckdb.inputs import inexact_value
from osiris.connectors.duckdb.processing import InputTables
from osiris.connectors.duckdb.projection import named_columns
from osiris.connectors.duckdb.sql_rows import Limits, Scans, SqlRows
from osiris.connectors.duckdb.statements import Select, nodes
from osiris.core import ExecutionContext, source_columns
from osiris.errors import OsirisError

_PLAIN = frozenset(
    ["boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint",
     "decimal", "float", "double", "varchar", "date", "timestamp", *EXACT_CAST]
)  # fmt: skip
"""Types that pass between steps as they are; the values of others are checked on their way through Arrow."""

_GENERATING = frozenset(["generate_series", "range", "unnest"])
_STREAMED = frozenset(["PIVOT", "RECURSIVE_CTE_NODE", "SHOW_REF"])
_MARK = f"osiris-infinite-{secrets.token_hex(8)}:"
"""No SQL can raise an error that looks like ours."""

_INFINITE = re.compile(re.escape(_MARK) + r"(\w*):(\d+)")
_RESULT = "result"


def is_joinable(select: Select, inputs: Collection[str]) -> bool:
    """Whether the SQL means the same where its inputs are parts of its own statement.

    It must read its inputs and nothing else, some column of them, and to the end, which a LIMIT need not.
    """
    names = {folded(name) for name in inputs}
    reads_inputs = {folded(table.text) for table in select.tables} == names
    is_plain = ";" not in select.sql and all(map(_is_harmless, nodes(select.tree)))
    return is_plain and reads_inputs and named_columns(select) != frozenset()


def _is_harmless(node: dict[str, Any]) -> bool:
    """Whether a node of the parsed SQL reads tables only, each once and to the end, and sees nothing else.

    Without filters that are pushed down, a cross join or a subquery could take for ever.
    """
    kind = str(node.get("type", ""))
    if kind == "TABLE_FUNCTION":
        return folded(node["function"]["function_name"]) in _GENERATING
    if node.get("class") == "FUNCTION":
        return not folded(node["function_name"]).startswith("current_")
    if kind == "JOIN":
        return bool(node["ref_type"] == "REGULAR")
    return kind not in _STREAMED and not kind.startswith("LIMIT") and node.get("class") != "SUBQUERY"


@dataclass(frozen=True)
class QueryRows(SqlRows):
    """The result of `select` over `sources`, by input name."""

    ctx: ExecutionContext
    select: Select
    bound: Mapping[str, Any]
    sources: Mapping[str, SqlRows]
    room: Limits
    result: pa.Schema
    projections: tuple[str, ...]

    @classmethod
    def of(
        cls,
        ctx: ExecutionContext,
        select: Select,
        params: Mapping[str, Any],
        limits: Limits,
        sources: Mapping[str, SqlRows],
    ) -> Self | None:
        """The rows, or None where only streaming is sure to give them. Raises what is wrong in the SQL."""
        outline = _Outline.of(select, params, {name: source.schema for name, source in sources.items()})
        files = [file for source in sources.values() for file in source.files]
        if not outline.is_plain or len(set(files)) < len(files):
            return None
        for source in sources.values():
            limits = limits.with_room_for(source.limits)
        return cls(ctx, select, params, sources, limits, outline.schema, outline.projections)

    def project(self, columns: Collection[str]) -> Self:
        return self  # the engine leaves out by itself what the next reader does not need

    @property
    def schema(self) -> pa.Schema:
        return self.result

    @property
    def limits(self) -> Limits:
        return self.room

    @property
    def params(self) -> Mapping[str, Any]:
        return self.bound

    @property
    def may_be_infinite(self) -> bool:
        return False

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(file for source in self.sources.values() for file in source.files)

    @property
    def statement(self) -> str:
        tables = ", ".join(self._table(index, name) for index, name in enumerate(self.sources))
        return f"WITH {tables} SELECT {', '.join(self.projections)} FROM (\n{self.select.sql}\n)"

    def failure(self, exc: BaseException, executed: str) -> OsirisError | None:
        of_source = (source.failure(exc, executed) for source in self.sources.values())
        return next(filter(None, of_source), None) or self._own_failure(exc, executed)

    def careful(self) -> Self | None:
        again = {name: source.careful() for name, source in self.sources.items()}
        if not any(again.values()):
            return None
        return replace(self, sources={name: again[name] or source for name, source in self.sources.items()})

    def report(self, scans: Scans) -> None:
        for source in self.sources.values():
            source.report(scans)

    def _table(self, index: int, name: str) -> str:
        source = self.sources[name]
        columns = "*"
        if source.may_be_infinite:
            fields = enumerate(source.schema)
            columns = ", ".join(_finite(f.name, f.type, f"{index}:{n}") for n, f in fields)
        return f"{quote_identifier(name)} AS (SELECT {columns} FROM (\n{source.statement}))"

    def _own_failure(self, exc: BaseException, executed: str) -> OsirisError | None:
        infinite = _INFINITE.search(str(exc))
        error = self._infinite(*infinite.groups()) if infinite else self._in_the_sql(exc, executed)
        return error.at_step(self.ctx.step_id) if error.code.startswith("SQL") else None

    def _in_the_sql(self, exc: BaseException, executed: str) -> OsirisError:
        before, _, _ = executed.partition(self.select.sql)
        columns = {name: source_columns(source.schema) for name, source in self.sources.items()}
        return explain_error(exc, self.select.sql, columns, prefix=len(before.encode()))

    def _infinite(self, table: str, column: str) -> OsirisError:
        if table == _RESULT:
            return no_such_value(self.schema.names[int(column)], "an infinite date or timestamp")
        name = list(self.sources)[int(table)]
        field = self.sources[name].schema.names[int(column)]
        return inexact_value(name, field, "would become an infinite date or timestamp")


@dataclass(frozen=True, slots=True)
class _Outline:
    """What DuckDB says of the SQL before there are rows.

    `is_plain`: every column that is read counts for the result, the result's columns have names of their own,
    and all types pass between steps as they are.
    """

    schema: pa.Schema
    projections: tuple[str, ...]
    is_plain: bool

    @classmethod
    def of(cls, select: Select, params: Mapping[str, Any], sources: Mapping[str, pa.Schema]) -> Self:
        """Ask an engine in which the inputs are empty tables. Raises what is wrong in the SQL."""
        empty = {name: source.empty_table().to_reader() for name, source in sources.items()}
        with closing(open_engine("64MB", threads=1)) as con:
            tables = InputTables(con, empty)
            try:
                used = tables.columns_used(select.sql, params)
                relation = con.sql(select.sql, params=dict(params) or None)
                schema = exact_relation(relation).limit(0).to_arrow_table().schema
            except EngineFailure as exc:
                raise explain_error(exc, select.sql, tables.columns) from exc
            result = list(zip(relation.columns, relation.types, strict=True))
            kinds = {kind.id for kind in (*relation.types, *tables.types)}
        is_named = len({folded(name) for name, _ in result}) == len(result)
        reads_all = is_named and all(used[name] == set(source.names) for name, source in sources.items())
        columns = (_projection(name, kind, f"{_RESULT}:{n}") for n, (name, kind) in enumerate(result))
        return cls(schema, tuple(columns), reads_all and kinds <= _PLAIN)


def result_schema(select: Select, params: Mapping[str, Any], sources: Mapping[str, pa.Schema]) -> pa.Schema:
    """The schema of the SQL's result over inputs of these schemas. Raises what is wrong in the SQL."""
    return _Outline.of(select, params, sources).schema


def _projection(name: str, kind: Any, place: str) -> str:
    """One output column as it must be: whole numbers of any size as decimals, no infinite dates."""
    quoted = quote_identifier(name)
    if kind.id in EXACT_CAST:
        return f"CAST({quoted} AS {EXACT_CAST[kind.id]}) AS {quoted}"
    return _guarded(quoted, place) if kind.id in ("date", "timestamp") else quoted


def _finite(name: str, kind: pa.DataType, place: str) -> str:
    quoted = quote_identifier(name)
    return _guarded(quoted, place) if pa.types.is_date(kind) or pa.types.is_timestamp(kind) else quoted


def _guarded(quoted: str, place: str) -> str:
    """The value, or an error that says where DuckDB had a date that Arrow has not."""
    fits = f"isfinite({quoted}) OR {quoted} IS NULL"
    return f"CASE WHEN {fits} THEN {quoted} ELSE error('{_MARK}{place}') END AS {quoted}"
