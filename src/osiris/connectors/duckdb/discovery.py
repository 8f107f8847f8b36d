"""What a DuckDB file holds."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import duckdb

from osiris.connectors.duckdb.engine import folded, quote_identifier
from osiris.core import Column, Discovery, DiscoveryRequest, Relation

_RELATIONS = """
SELECT schema_name, table_name, 'table' AS kind, estimated_size AS rows, comment FROM duckdb_tables()
WHERE NOT internal AND NOT temporary AND NOT starts_with(table_name, '_osiris_')
UNION ALL
SELECT schema_name, view_name, 'view', NULL, comment FROM duckdb_views() WHERE NOT internal AND NOT temporary
"""

_COLUMNS = """
SELECT schema_name, table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns()
WHERE NOT internal ORDER BY schema_name, table_name, column_index
"""

_KEYS = """
SELECT schema_name, table_name, constraint_column_names FROM duckdb_constraints()
WHERE constraint_type = 'PRIMARY KEY'
"""


def qualified(schema: str, name: str) -> str:
    """The name as a pipeline writes it: tables of `main` go without their schema."""
    return name if schema == "main" else f"{schema}.{name}"


def discover_relations(con: duckdb.DuckDBPyConnection, request: DiscoveryRequest) -> Discovery:
    """Tables and views in name order; row counts of tables are DuckDB's estimates."""
    wanted = {folded(name) for name in request.names}
    found = [row for row in con.execute(_RELATIONS).fetchall() if _is_wanted(row, wanted)]
    found.sort(key=lambda row: qualified(row[0], row[1]))
    columns, keys = _columns(con), _keys(con)
    relations = [_relation(con, row, columns, keys) for row in found[: request.limit]]
    return Discovery(tuple(relations), truncated=len(found) > request.limit)


def _is_wanted(row: tuple[Any, ...], wanted: set[str]) -> bool:
    return not wanted or bool(wanted & {folded(qualified(row[0], row[1])), folded(f"{row[0]}.{row[1]}")})


def _relation(
    con: duckdb.DuckDBPyConnection,
    row: tuple[Any, ...],
    columns: dict[tuple[str, str], list[tuple[Any, ...]]],
    keys: dict[tuple[str, str], tuple[str, ...]],
) -> Relation:
    schema, name, kind, rows, comment = row
    arrow = _arrow_types(con, schema, name)
    described = tuple(
        Column(column, source_type, arrow.get(column, "unknown"), bool(nullable), note)
        for _, _, column, source_type, nullable, note in columns[schema, name]
    )
    return Relation(
        qualified(schema, name), kind, described, keys.get((schema, name), ()), rows, comment=comment
    )


def _columns(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    grouped: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for row in con.execute(_COLUMNS).fetchall():
        grouped[row[0], row[1]].append(row)
    return grouped


def _keys(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(schema, name): tuple(names) for schema, name, names in con.execute(_KEYS).fetchall()}


def _arrow_types(con: duckdb.DuckDBPyConnection, schema: str, name: str) -> dict[str, str]:
    """Arrow types of a relation's columns; none for a view whose tables are gone."""
    try:
        relation = con.sql(f"SELECT * FROM {quote_identifier(schema)}.{quote_identifier(name)} LIMIT 0")
        reader = relation.to_arrow_reader(1)
    except duckdb.Error:
        return {}
    arrow = {field.name: str(field.type) for field in reader.schema}
    reader.close()
    return arrow
