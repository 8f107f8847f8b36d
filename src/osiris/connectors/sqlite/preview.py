"""What a run would find in an SQLite file and do to it, told without a row and without a change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from osiris.connectors.sqlite.catalogue import RelationInfo
from osiris.connectors.sqlite.connection import SQLiteConnector
from osiris.connectors.sqlite.discovery import row_count
from osiris.connectors.sqlite.encoding import form_for
from osiris.connectors.sqlite.inputs import Input
from osiris.connectors.sqlite.names import folded
from osiris.connectors.sqlite.requests import WriteRequest
from osiris.connectors.sqlite.tables import find_target, refuse_followers
from osiris.connectors.sqlite.writing import look, refuse_missing_table
from osiris.core import ColumnChange, Columns, Effect, TargetPreview
from osiris.core.ledger import Commit
from osiris.errors import OsirisError


def preview_table(
    connector: SQLiteConnector, request: WriteRequest, columns: Columns | None, commit: Commit | None
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
        rows, _ = row_count(connector.con, target.name)
        preview = replace(preview, exists=True, effect=Effect(request.write_mode), rows=rows)
    preview = _checked(preview, request, columns, target)
    if target is not None and request.write_mode == "replace" and preview.refusal is None:
        preview = _with_followers(connector, preview, target)
    return preview


def _with_followers(
    connector: SQLiteConnector, preview: TargetPreview, target: RelationInfo
) -> TargetPreview:
    try:
        refuse_followers(connector.con, target.name)
    except OsirisError as error:
        return replace(preview, refusal=error)
    return preview


def _checked(
    preview: TargetPreview, request: WriteRequest, columns: Columns | None, target: RelationInfo | None
) -> TargetPreview:
    """The preview with what the write would say of the columns; those that are not known are taken to fit."""
    try:
        refuse_missing_table(request, target)
        if columns is not None:
            look(request, Input(_schema(columns, target).empty_table().to_reader()).schema, target)
    except OsirisError as error:
        preview = replace(preview, refusal=error)
    changes = _changes(columns, target) if columns is not None and target is not None else ()
    return replace(preview, changes=tuple(changes))


def _schema(columns: Columns, target: RelationInfo | None) -> pa.Schema:
    """A type that only the rows can tell fits every column that there is, and may be right for a new one."""
    unknown = pa.string() if target is None else pa.null()
    return pa.schema([(name, kind or unknown) for name, kind in columns.items()])


def _changes(columns: Columns, target: RelationInfo) -> Iterator[ColumnChange]:
    """What is different, in the order of the table, then of the input."""
    given = {folded(name): kind for name, kind in columns.items()}
    for column in target.columns:
        if column.generated:
            continue
        if folded(column.name) not in given:
            yield ColumnChange(column.name, column.declared, None)
        kind = given.pop(folded(column.name), None)
        if kind is not None and form_for(kind, column.type) is None:
            yield ColumnChange(column.name, column.declared, str(kind), is_lossy=True)
    for name, kind in columns.items():
        if folded(name) in given:
            yield ColumnChange(name, None, "" if kind is None else str(kind))
