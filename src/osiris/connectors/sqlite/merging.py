"""Rows with a key: those that the table has are changed, the others are added."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from osiris.connectors.sqlite.catalogue import RelationInfo
from osiris.connectors.sqlite.names import quote_identifier
from osiris.connectors.sqlite.staging import Stage
from osiris.connectors.sqlite.tables import keeps_unique
from osiris.errors import DataError
from osiris.findings import shortened

_EXAMPLES = 3


def prepare_merge(
    con: sqlite3.Connection, stage: Stage, existing: RelationInfo | None, primary_key: Sequence[str]
) -> None:
    """Make the stage ready. Raises `DataError` where the key is NULL or names several rows of the input."""
    columns = [stage.column(key) for key in primary_key]
    for key, column in zip(primary_key, columns, strict=True):
        _refuse_nulls(con, stage, key, column)
    _refuse_repeated_input(con, stage, existing, dict(zip(primary_key, columns, strict=True)))
    stage.index(columns)


def merge(
    con: sqlite3.Connection, stage: Stage, target: RelationInfo, primary_key: Sequence[str]
) -> tuple[int, int]:
    """How many rows were changed and added. Raises `DataError` where the table holds a key twice."""
    keys = {quote_identifier(key): stage.column(key) for key in primary_key}
    if not keeps_unique(con, target, primary_key):
        _refuse_repeated_rows(con, target, keys)
    return _update(con, stage, target, keys), _add(stage, target, keys)


def _update(con: sqlite3.Connection, stage: Stage, target: RelationInfo, keys: dict[str, str]) -> int:
    """Keys stay as the table writes them; without other columns a row is set to itself, so that it counts."""
    others = [
        f"{quote_identifier(pair.target.name)} = s.c{i}"
        for i, pair in enumerate(stage.pairs)
        if f"c{i}" not in keys.values()
    ]
    changes = ", ".join(others or [f"{key} = t.{key}" for key in keys])
    return con.execute(
        f"UPDATE OR ABORT {quote_identifier(target.name)} AS t SET {changes} "
        f"FROM {stage.table} AS s WHERE {_match(keys)}"
    ).rowcount


def _add(stage: Stage, target: RelationInfo, keys: dict[str, str]) -> int:
    table = quote_identifier(target.name)
    known = f"SELECT s.rowid FROM {stage.table} AS s JOIN {table} AS t ON {_match(keys)}"
    return stage.insert_where(f"s.rowid NOT IN ({known})", target.name)


def _match(keys: dict[str, str]) -> str:
    return " AND ".join(f"t.{key} = s.{column}" for key, column in keys.items())


def _refuse_nulls(con: sqlite3.Connection, stage: Stage, key: str, column: str) -> None:
    ((nulls,),) = con.execute(f"SELECT count(*) FROM {stage.table} WHERE {column} IS NULL").fetchall()
    if nulls:
        raise DataError(
            "TGT007",
            f'The key column "{key}" is NULL in {nulls} input rows.',
            hint="Filter such rows out in the step before, or choose another primary_key.",
        )


def _refuse_repeated_input(
    con: sqlite3.Connection, stage: Stage, existing: RelationInfo | None, keys: dict[str, str]
) -> None:
    """The table's columns stand in front, though without a row, so that their collations compare the keys."""
    columns = ", ".join(keys.values())
    source = f"SELECT {columns} FROM {stage.table}"
    if existing is not None:
        own = ", ".join(f"{quote_identifier(key)} AS {column}" for key, column in keys.items())
        source = f"SELECT {own} FROM {quote_identifier(existing.name)} WHERE 0 UNION ALL {source}"
    examples = _repeated(con, f"({source})", columns)
    if examples:
        raise DataError(
            "TGT008",
            f"Several input rows have the same key ({', '.join(keys)}): {'; '.join(examples)}.",
            hint="Keep one row per key in the step before, for example with QUALIFY row_number() "
            "OVER (...) = 1.",
        )


def _refuse_repeated_rows(con: sqlite3.Connection, target: RelationInfo, keys: dict[str, str]) -> None:
    examples = _repeated(con, quote_identifier(target.name), ", ".join(keys))
    if examples:
        raise DataError(
            "TGT009",
            f"{target.name} already holds several rows with the same key: {'; '.join(examples)}.",
            hint="Remove the duplicates from the table, or choose another primary_key.",
        )


def _repeated(con: sqlite3.Connection, source: str, columns: str) -> list[str]:
    rows = con.execute(
        f"SELECT {columns} FROM {source} GROUP BY {columns} HAVING count(*) > 1 "
        f"ORDER BY {columns} LIMIT {_EXAMPLES}"
    ).fetchall()
    return [shortened(", ".join(map(str, row))) for row in rows]
