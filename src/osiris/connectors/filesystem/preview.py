"""What a run would find in files and do to them, told without a row and without a change."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from osiris.connectors.duckdb.engine import open_engine, quote_identifier
from osiris.connectors.filesystem.columns import check_names
from osiris.connectors.filesystem.csv_dialect import CsvDialect
from osiris.connectors.filesystem.csv_header import known_columns, read_head
from osiris.connectors.filesystem.csv_reader import CsvRequest
from osiris.connectors.filesystem.csv_types import declared
from osiris.connectors.filesystem.os_errors import not_writable
from osiris.connectors.filesystem.publish import published
from osiris.connectors.filesystem.sidecar import Sidecar, sidecars_of
from osiris.core import ColumnChange, Columns, Effect, PlannedStep, TargetPreview
from osiris.errors import OsirisError

_CHANGED = "The file was changed after a run had published it."
_UNTOLD = "No run has published the file, so its rows are not known."


def preview_file(
    target: Path,
    name: str,
    columns: Columns | None,
    step: PlannedStep,
    check: Callable[[pa.Schema, str], None],
) -> TargetPreview:
    """The file as it is, and what the write would do; `check` is what the format says of names and types.

    Raises `PipelineError` RUN009 as the write would.
    """
    if (ours := published(target, name, step)) is not None:
        return _preview(target, name, Effect.NOTHING, ours[1])
    sidecars = [sidecar for _, sidecar in sidecars_of(target)] if target.exists() else []
    fitting = next((sidecar for sidecar in sidecars if sidecar.fits(target)), None)
    effect = Effect.REPLACE if target.exists() else Effect.CREATE
    preview = _preview(target, name, effect, fitting)
    if target.exists() and fitting is None:
        preview = replace(preview, notes=(_CHANGED if sidecars else _UNTOLD,))
    if columns is not None and fitting is not None:
        preview = replace(
            preview,
            changes=tuple(_changes(columns, {column.name: column.type for column in fitting.columns})),
        )
    return replace(preview, refusal=_refusal(target, name, columns, check))


def head_columns(path: Path, name: str, dialect: CsvDialect, request: CsvRequest) -> Columns:
    """The columns of a CSV file: names from its head, types as far as they are declared."""
    names = read_head(path, dialect, name, request.columns if not dialect.header else ()).names
    known_columns(request.columns, names, "columns", name)
    known_columns(list(request.schema or {}), names, "schema", name)
    types = {column: declared(column, kind).type for column, kind in (request.schema or {}).items()}
    arrow = _arrow_types(types)
    return {column: arrow.get(column) for column in request.columns or names}


def _arrow_types(types: Mapping[str, str]) -> dict[str, pa.DataType]:
    """DuckDB's types as they come out of it."""
    if not types:
        return {}
    values = ", ".join(f"CAST(NULL AS {kind}) AS {quote_identifier(name)}" for name, kind in types.items())
    with closing(open_engine("64MB", threads=1)) as con:
        schema = con.sql(f"SELECT {values} LIMIT 0").to_arrow_table().schema
    return dict(zip(types, schema.types, strict=True))


def _preview(target: Path, name: str, effect: Effect, sidecar: Sidecar | None) -> TargetPreview:
    exists = target.exists()
    rows = sidecar.rows if sidecar is not None else None
    return TargetPreview(name, exists, effect, rows, target.stat().st_size if exists else None)


def _refusal(
    target: Path, name: str, columns: Columns | None, check: Callable[[pa.Schema, str], None]
) -> OsirisError | None:
    try:
        if columns is not None:
            check_names(pa.schema([(column, pa.null()) for column in columns]), name)
            check(pa.schema([(column, kind) for column, kind in columns.items() if kind is not None]), name)
        folder = next(folder for folder in target.parents if folder.exists())
        if not os.access(folder, os.W_OK):
            return not_writable(name, "Permission denied")
    except OsirisError as error:
        return error
    return None


def _changes(columns: Columns, before: Mapping[str, str]) -> Iterator[ColumnChange]:
    """What is different from the file that is there, in its order, then in the input's."""
    for name, kind in before.items():
        if name not in columns:
            yield ColumnChange(name, kind, None)
        elif columns[name] is not None and str(columns[name]) != kind:
            yield ColumnChange(name, kind, str(columns[name]))
    for name, new in columns.items():
        if name not in before:
            yield ColumnChange(name, None, "" if new is None else str(new))
