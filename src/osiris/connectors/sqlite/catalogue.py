"""What a database file holds, by its own catalogue."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from osiris.connectors.sqlite.column_types import ColumnType, declared_type
from osiris.connectors.sqlite.names import RESERVED_PREFIXES, folded

_RELATIONS = "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' ORDER BY name"
_COLUMNS = "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?, 'main')"

_HIDDEN = 1
"""How SQLite marks the hidden columns of virtual tables; generated columns have 2 and 3."""


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column as it is declared; `key` is its place in the primary key, 0 outside.

    A column that is the rowid gets a number of SQLite's choice where it is given NULL.
    """

    name: str
    declared: str
    type: ColumnType
    not_null: bool
    has_default: bool
    key: int
    generated: bool
    is_rowid: bool = False


@dataclass(frozen=True, slots=True)
class RelationInfo:
    """A table, view or virtual table; `kind` is SQLite's word."""

    name: str
    kind: str
    columns: tuple[ColumnInfo, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the primary key, in its order."""
        return tuple(c.name for c in sorted(self.columns, key=lambda c: c.key) if c.key)


def relations(con: sqlite3.Connection) -> Iterator[RelationInfo]:
    """Tables and views in name order, without those that SQLite or Osiris keeps for itself."""
    for row in con.execute(_RELATIONS).fetchall():
        if row[1] != "shadow" and not folded(row[0]).startswith(RESERVED_PREFIXES):
            yield _described(con, *row)


def find_relation(con: sqlite3.Connection, name: str) -> RelationInfo | None:
    """The table or view of this name, letter case aside; None if there is none."""
    found = (row for row in con.execute(_RELATIONS).fetchall() if folded(row[0]) == folded(name))
    return next((_described(con, *row) for row in found), None)


def readable_columns(con: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """The columns of every table and view that a pipeline may read."""
    return {found.name: tuple(column.name for column in found.columns) for found in relations(con)}


def _described(
    con: sqlite3.Connection, name: str, kind: str, without_rowid: int, strict: int
) -> RelationInfo:
    rows: list[tuple[Any, ...]] = []
    with suppress(sqlite3.OperationalError):  # a view whose tables are gone has no columns
        rows = con.execute(_COLUMNS, (name,)).fetchall()
    columns = tuple(_column(row, bool(strict)) for row in rows if row[-1] != _HIDDEN)
    keys = [column for column in columns if column.key]
    if len(keys) == 1 and keys[0].declared.upper() == "INTEGER" and not without_rowid:
        columns = tuple(replace(column, is_rowid=column is keys[0]) for column in columns)
    return RelationInfo(name, kind, columns)


def _column(row: tuple[Any, ...], strict: bool) -> ColumnInfo:
    name, declared, not_null, default, key, hidden = row
    meant = declared_type(declared, strict=strict)
    required = bool(not_null or (key and strict))  # STRICT means it for keys, a bare PRIMARY KEY does not
    return ColumnInfo(name, declared, meant, required, default is not None, key, hidden != 0)
