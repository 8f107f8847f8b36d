"""What an SQLite file holds, in the shape of every family."""

from __future__ import annotations

import sqlite3
from itertools import islice

from osiris.connectors.sqlite.catalogue import ColumnInfo, RelationInfo, relations
from osiris.connectors.sqlite.decoding import arrow_type
from osiris.connectors.sqlite.names import folded, quote_identifier
from osiris.core import Column, Discovery, DiscoveryRequest, Relation

_COUNTED_BYTES = 100_000_000
"""Rows are counted in files up to this size; counting reads all of a table."""

_SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
_ESTIMATE = "SELECT max(CAST(stat AS INTEGER)) FROM sqlite_stat1 WHERE tbl = ?"
_HAS_ESTIMATES = "SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'"


def discover_relations(con: sqlite3.Connection, request: DiscoveryRequest) -> Discovery:
    """Tables and views in name order.

    The rows of tables are counted where that is quick; in larger files they are what ANALYZE once found.
    """
    wanted = {folded(name) for name in request.names}
    found = [relation for relation in relations(con) if not wanted or folded(relation.name) in wanted]
    shown = [_relation(con, relation) for relation in islice(found, request.limit)]
    return Discovery(tuple(shown), truncated=len(found) > request.limit)


def row_count(con: sqlite3.Connection, name: str) -> tuple[int | None, bool]:
    """The rows of a table, None if nobody knows, and whether they were counted just now."""
    if con.execute(_SIZE).fetchone()[0] <= _COUNTED_BYTES:
        return int(con.execute(f"SELECT count(*) FROM {quote_identifier(name)}").fetchone()[0]), True
    if not con.execute(_HAS_ESTIMATES).fetchone()[0]:
        return None, False
    found = con.execute(_ESTIMATE, (name,)).fetchone()[0]
    return (None if found is None else int(found)), False


def _relation(con: sqlite3.Connection, found: RelationInfo) -> Relation:
    columns = tuple(_column(column) for column in found.columns)
    if found.kind == "view":
        return Relation(found.name, "view", columns)
    rows, exact = row_count(con, found.name)
    return Relation(found.name, "table", columns, found.key, rows, rows_exact=exact)


def _column(column: ColumnInfo) -> Column:
    arrow = str(arrow_type(column.type)) if column.type.is_certain else "inferred"
    return Column(column.name, column.declared, arrow, nullable=not (column.not_null or column.is_rowid))
