"""Target tables: their names, their columns and keys, and how one is made from a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from osiris.connectors.duckdb.assignment import TargetColumn
from osiris.connectors.duckdb.engine import first_row, folded, quote_identifier
from osiris.core.ledger import RESERVED_PREFIX
from osiris.errors import PipelineError

_KEYS = """
SELECT constraint_column_names FROM duckdb_constraints()
WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND database_name = current_database()
  AND lower(schema_name) = lower(?) AND lower(table_name) = lower(?)
"""

_COLUMNS = """
SELECT column_name, is_nullable, column_default FROM duckdb_columns()
WHERE database_name = current_database() AND lower(schema_name) = lower(?) AND lower(table_name) = lower(?)
"""

_KIND = """
SELECT table_type FROM information_schema.tables
WHERE table_catalog = current_database() AND lower(table_schema) = lower(?) AND lower(table_name) = lower(?)
"""

_NO_TABLE_TYPE = {"null", "union"}


@dataclass(frozen=True, slots=True)
class TableName:
    """A table's name, taken apart."""

    schema: str
    name: str

    @classmethod
    def parse(cls, text: str) -> TableName:
        """`table` or `schema.table`; TGT006 for a name that Osiris keeps for itself, CMP005 for no name."""
        schema, _, name = text.rpartition(".")
        if "." in schema or not name:
            raise PipelineError("CMP005", f'"{text}" is no table name.', hint="Write table or schema.table.")
        if folded(name).startswith(RESERVED_PREFIX):
            raise PipelineError(
                "TGT006",
                f'The table name "{name}" is reserved.',
                hint="Choose a name that does not start with _osiris_.",
            )
        return cls(schema or "main", name)

    @property
    def sql(self) -> str:
        """The name quoted."""
        return f"{quote_identifier(self.schema)}.{quote_identifier(self.name)}"

    def __str__(self) -> str:
        return self.name if self.schema == "main" else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Target:
    """A table that is there: its columns, and the column sets that a constraint keeps unique."""

    columns: tuple[TargetColumn, ...]
    unique: tuple[frozenset[str], ...]

    def keeps_unique(self, key: Sequence[str]) -> bool:
        """Whether a constraint makes the key unique."""
        names = {folded(name) for name in key}
        return any(columns <= names for columns in self.unique)


def find_target(con: duckdb.DuckDBPyConnection, table: TableName) -> Target | None:
    """The table, or None; TGT014 for a view."""
    kind = first_row(con, _KIND, [table.schema, table.name])
    if kind is None:
        return None
    if kind[0] != "BASE TABLE":
        raise PipelineError("TGT014", f"{table} is a view, which cannot be written.", hint="Choose a table.")
    relation = con.sql(f"SELECT * FROM {table.sql}")
    types = dict(zip(relation.columns, relation.types, strict=True))
    rows = con.execute(_COLUMNS, [table.schema, table.name]).fetchall()
    required = {name for name, nullable, default in rows if not nullable and default is None}
    keys = con.execute(_KEYS, [table.schema, table.name]).fetchall()
    return Target(
        tuple(TargetColumn(name, kind, name in required) for name, kind in types.items()),
        tuple(frozenset(folded(name) for name in names) for (names,) in keys),
    )


def create_table(
    con: duckdb.DuckDBPyConnection,
    table: TableName,
    incoming: Sequence[tuple[str, Any]],
    primary_key: Sequence[str],
) -> None:
    """Make the table with exactly the stream's types; a primary key becomes the table's."""
    refuse_untyped(incoming)
    parts = [f"{quote_identifier(name)} {kind}" for name, kind in incoming]
    if primary_key:
        parts.append(f"PRIMARY KEY ({', '.join(map(quote_identifier, primary_key))})")
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(table.schema)}")
    con.execute(f"CREATE TABLE {table.sql} ({', '.join(parts)})")


def refuse_untyped(incoming: Sequence[tuple[str, Any]]) -> None:
    """TGT012 for a column of a type that a new table cannot have."""
    for name, kind in incoming:
        if kind.id in _NO_TABLE_TYPE:
            raise PipelineError(
                "TGT012",
                f'Column "{name}" is of type {kind}, which a new table cannot have.',
                hint=f'Give it a type in the step before, for example CAST("{name}" AS VARCHAR).',
            )
