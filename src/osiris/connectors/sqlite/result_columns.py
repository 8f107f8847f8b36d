"""The columns of a result and their types: pinned, else declared, else found in the first rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osiris.connectors.sqlite.catalogue import find_relation
from osiris.connectors.sqlite.column_types import ColumnType, Kind, declared_type, schema_type
from osiris.connectors.sqlite.inference import inferred_type
from osiris.connectors.sqlite.statements import Select
from osiris.connectors.sqlite.tokens import without_placeholders
from osiris.errors import PipelineError
from osiris.findings import nearest

_RESULT = "_osiris_result"
_COLUMNS = f"SELECT name, type FROM pragma_table_xinfo('{_RESULT}', 'temp')"

Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of the result; `inferred` says that its type was found in the first rows."""

    name: str
    type: ColumnType
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """What the tables say about a column of the result; `doubtful` asks for a look at its values."""

    name: str
    type: ColumnType
    doubtful: bool


def declared_types(con: sqlite3.Connection, select: Select, table: str | None) -> list[Declared]:
    """The declared types of the result's columns, those of `table` if that is what is read."""
    relation = find_relation(con, table) if table is not None else None
    own = {c.name: c.type for c in relation.columns} if relation and relation.kind == "table" else {}
    return [
        Declared(name, own[name], not own[name].is_certain) if name in own else _handed_through(name, text)
        for name, text in _described(con, select)
    ]


def _described(con: sqlite3.Connection, select: Select) -> list[tuple[str, str]]:
    """Names and declared types: a view knows those of the columns that it hands through."""
    con.execute(f"CREATE TEMP VIEW {_RESULT} AS {without_placeholders(select.strict_sql)}")
    columns = con.execute(_COLUMNS).fetchall()
    con.execute(f"DROP VIEW temp.{_RESULT}")
    return columns


def _handed_through(name: str, text: str) -> Declared:
    """Newer versions of SQLite also say BLOB for what has no type, and where a UNION's branches disagree."""
    kind = declared_type(text)
    return Declared(name, kind, kind.kind is Kind.BLOB or not kind.is_certain)


def result_columns(
    names: Sequence[str],
    declared: Sequence[Declared],
    schema: Mapping[str, str],
    sample: Callable[[], Rows],
) -> list[ResultColumn]:
    """The columns in order; `sample` is asked for rows only if a type is in doubt.

    Raises `PipelineError` for two columns of one name, and where `schema` is not about these columns.
    """
    _refuse_twins(names)
    _refuse_unknown(schema, names)
    doubtful = {name for name, column in zip(names, declared, strict=True) if column.doubtful} - schema.keys()
    rows = sample() if doubtful else ()
    columns = []
    for index, (name, column) in enumerate(zip(names, declared, strict=True)):
        kind = schema_type(name, schema[name]) if name in schema else column.type
        if name in doubtful:
            kind = inferred_type((row[index] for row in rows), kind)
        columns.append(ResultColumn(name, kind, name in doubtful and kind != column.type))
    return columns


def _refuse_twins(names: Sequence[str]) -> None:
    twin = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if twin is not None:
        raise PipelineError(
            "SQL011",
            f'Two result columns have the name "{twin}".',
            hint="List the columns instead of *, and rename one of them with AS.",
        )


def _refuse_unknown(schema: Mapping[str, str], names: Sequence[str]) -> None:
    for name in schema:
        if name not in names:
            close = nearest(name, names)
            meant = f' Did you mean "{close[0]}"?' if close else ""
            raise PipelineError(
                "DAT008",
                f'schema names the column "{name}", which the result does not have.{meant}',
                hint=f"Columns of the result: {', '.join(names)}.",
                details={"candidates": list(close)},
            )
