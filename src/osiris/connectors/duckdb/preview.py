"""What a run would find in a DuckDB file and do to it, told without a row and without a change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pyarrow as pa

from osiris.connectors.duckdb.connection import DuckDBConnector
from osiris.connectors.duckdb.engine import folded, open_engine
from osiris.connectors.duckdb.inputs import Input
from osiris.connectors.duckdb.lossless import is_lossless
from osiris.connectors.duckdb.projection import result_columns
from osiris.connectors.duckdb.query_rows import result_schema
from osiris.connectors.duckdb.statements import Select
from osiris.connectors.duckdb.tables import Target, find_target, refuse_untyped
from osiris.connectors.duckdb.writing import WriteRequest, check_columns, register
from osiris.core import ColumnChange, Columns, Effect, TargetPreview
from osiris.core.ledger import Commit
from osiris.errors import OsirisError

_UNKNOWN = "null"
"""DuckDB's name for the type of a column without one, which fits every target."""

Typed = Sequence[tuple[str, Any]]


def preview_table(
    connector: DuckDBConnector, request: WriteRequest, columns: Columns | None, commit: Commit | None
) -> TargetPreview:
    """The table as it is, and what the write would do to it; a file that does not exist is not made.

    The connector must be read-only; `commit` is what the ledger holds of this write. Raises
    `ConnectionFailed` where the run could not write the file.
    """
    connector.refuse_unwritable()
    preview = TargetPreview(
        name=f"{connector.path.name}:{request.table}",
        exists=False,
        effect=Effect.CREATE,
        keys=request.primary_key if request.write_mode == "merge" else (),
        repeats=request.write_mode == "append",
    )
    if not connector.path.exists():
        return _checked(preview, request, columns, None)
    if commit is not None:
        return replace(preview, exists=True, effect=Effect.NOTHING, rows=commit.rows)
    try:
        target = find_target(connector.con, request.table)
    except OsirisError as error:
        return replace(preview, exists=True, effect=Effect(request.write_mode), refusal=error)
    if target is not None:
        rows = connector.con.sql(f"SELECT count(*) FROM {request.table.sql}").fetchall()[0][0]
        preview = replace(preview, exists=True, effect=Effect(request.write_mode), rows=rows)
    return _checked(preview, request, columns, target)


def preview_query(
    select: Select, params: Mapping[str, Any], inputs: Mapping[str, Columns | None], *, reads_files: bool
) -> Columns | None:
    """The columns of a processor's result; with their types where those of all inputs are known."""
    schemas = {
        name: _schema(columns) for name, columns in inputs.items() if columns and None not in columns.values()
    }
    if not reads_files and len(schemas) == len(inputs):
        schema = result_schema(select, params, schemas)
        return dict(zip(schema.names, schema.types, strict=True))
    names = result_columns(select)
    return None if names is None else dict.fromkeys(names)


def _checked(
    preview: TargetPreview, request: WriteRequest, columns: Columns | None, target: Target | None
) -> TargetPreview:
    """The preview with what the write would say of the columns."""
    incoming = None
    try:
        incoming = None if columns is None else _incoming(columns)
        check_columns(request, incoming, target)
        if target is None and incoming is not None and columns is not None:
            refuse_untyped([(name, kind) for name, kind in incoming if columns[name] is not None])
    except OsirisError as error:
        preview = replace(preview, refusal=error)
    changes = _changes(incoming, target) if incoming is not None and target is not None else ()
    return replace(preview, changes=tuple(changes))


def _incoming(columns: Columns) -> Typed:
    """The input's columns with DuckDB's types, as the write would see them."""
    empty = _schema(columns).empty_table().to_reader()
    with closing(open_engine("64MB", threads=1)) as con:
        return register(con, Input("df", empty))


def _schema(columns: Columns) -> pa.Schema:
    return pa.schema([(name, kind or pa.null()) for name, kind in columns.items()])


def _changes(incoming: Typed, target: Target) -> Iterator[ColumnChange]:
    """What is different, in the order of the table, then of the input."""
    given = {folded(name): kind for name, kind in incoming}
    for column in target.columns:
        kind = given.pop(folded(column.name), None)
        if kind is None:
            yield ColumnChange(column.name, str(column.type), None)
        elif kind.id != _UNKNOWN and str(kind) != str(column.type):
            lossy = not is_lossless(kind, column.type)
            yield ColumnChange(column.name, str(column.type), str(kind), lossy)
    for name, kind in incoming:
        if folded(name) in given:
            yield ColumnChange(name, None, "" if kind.id == _UNKNOWN else str(kind))
