"""Target tables: found, made from a stream, and asked what keeps their rows apart."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import pyarrow as pa

from osiris.connectors.sqlite.catalogue import ColumnInfo, RelationInfo, find_relation
from osiris.connectors.sqlite.column_types import declared_type
from osiris.connectors.sqlite.encoding import CREATED, ValueKind, value_kind
from osiris.connectors.sqlite.names import folded, quote_identifier
from osiris.errors import PipelineError

_OTHERS = {"view": "a view", "virtual": "a virtual table", "shadow": "a part of a virtual table"}

_UNIQUE = 'SELECT name FROM pragma_index_list(?) WHERE "unique" AND NOT partial'
_INDEXED = "SELECT name FROM pragma_index_info(?)"
_FOLLOWERS = """
SELECT DISTINCT m.name FROM sqlite_master m, pragma_foreign_key_list(m.name) f
WHERE m.type = 'table' AND lower(f."table") = lower(?) AND lower(m.name) <> lower(?)
  AND f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT') ORDER BY m.name
"""


def find_target(con: sqlite3.Connection, name: str) -> RelationInfo | None:
    """The table, or None; TGT014 for what is no plain table."""
    found = find_relation(con, name)
    if found is not None and found.kind != "table":
        raise PipelineError(
            "TGT014", f"{name} is {_OTHERS[found.kind]}, which is not written.", hint="Choose a table."
        )
    return found


def planned_table(name: str, schema: pa.Schema, primary_key: Sequence[str]) -> RelationInfo:
    """The table as it would be made for the stream's types; TGT012 for a column without one."""
    places = {folded(key): place for place, key in enumerate(primary_key, 1)}
    columns = []
    for field in schema:
        declared, key = _created_type(field), places.get(folded(field.name), 0)
        meant = declared_type(declared, strict=True)
        is_rowid = bool(key) and len(places) == 1 and declared == "INTEGER"
        columns.append(ColumnInfo(field.name, declared, meant, bool(key), False, key, False, is_rowid))
    return RelationInfo(name, "table", tuple(columns))


def create_table(con: sqlite3.Connection, planned: RelationInfo, schema: pa.Schema) -> None:
    """Make a STRICT table; the columns of its primary key are never NULL, a boolean is 0 or 1."""
    parts = [_definition(c, field) for c, field in zip(planned.columns, schema, strict=True)]
    if planned.key:
        parts.append(f"PRIMARY KEY ({', '.join(map(quote_identifier, planned.key))})")
    con.execute(f"CREATE TABLE {quote_identifier(planned.name)} ({', '.join(parts)}) STRICT")


def keeps_unique(con: sqlite3.Connection, target: RelationInfo, key: Sequence[str]) -> bool:
    """Whether the table itself allows no two rows with the same key."""
    names = {folded(name) for name in key}
    indexes = [name for (name,) in con.execute(_UNIQUE, (target.name,)).fetchall()]
    unique = [[name for (name,) in con.execute(_INDEXED, (index,)).fetchall()] for index in indexes]
    unique += [[column.name] for column in target.columns if column.is_rowid]
    return any(None not in columns and {folded(name) for name in columns} <= names for columns in unique)


def refuse_followers(con: sqlite3.Connection, name: str) -> None:
    """TGT017 where deleting the table's rows would delete or change rows of other tables."""
    followers = [follower for (follower,) in con.execute(_FOLLOWERS, (name, name)).fetchall()]
    if followers:
        raise PipelineError(
            "TGT017",
            f"Replacing the rows of {name} would delete or change rows of {', '.join(followers)}.",
            hint="Use write_mode: merge, or take ON DELETE from the foreign keys of these tables.",
        )


def _created_type(field: pa.Field) -> str:
    kind = value_kind(field.type)
    if kind not in CREATED:
        raise PipelineError(
            "TGT012",
            f'Column "{field.name}" is of type {field.type}, which a new table cannot have.',
            hint=f'Give it a type in the step before, for example CAST("{field.name}" AS VARCHAR).',
        )
    return CREATED[kind]


def _definition(column: ColumnInfo, field: pa.Field) -> str:
    name = quote_identifier(column.name)
    check = f" CHECK ({name} IN (0, 1))" if value_kind(field.type) is ValueKind.BOOLEAN else ""
    return f"{name} {column.declared}{' NOT NULL' if column.not_null else ''}{check}"
