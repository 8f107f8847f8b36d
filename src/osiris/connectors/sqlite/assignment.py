"""Which column of a stream goes into which column of a table, and how its values are kept there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from osiris.connectors.sqlite.catalogue import ColumnInfo, RelationInfo
from osiris.connectors.sqlite.column_types import Kind
from osiris.connectors.sqlite.encoding import CREATED, Form, UnfitError, ValueKind, form_for, value_kind
from osiris.connectors.sqlite.names import folded
from osiris.errors import DataError, PipelineError
from osiris.findings import nearest, shortened


@dataclass(frozen=True, slots=True)
class Assignment:
    """A column of the stream, at `index`, and the column of the table that takes it."""

    index: int
    source: str
    target: ColumnInfo
    form: Form

    def encode(self, batch: pa.RecordBatch, rows_before: int) -> list[Any]:
        """The values as SQLite keeps them. Raises `DataError` for one that it cannot, with its row."""
        array = _plain(batch.column(self.index))
        if self.target.is_rowid and array.null_count:
            raise self._null_key(rows_before + array.is_null().to_pylist().index(True) + 1)
        try:
            return self.form.encode(array)
        except (pa.ArrowInvalid, UnfitError) as exc:
            raise self._misfit(array, rows_before) from exc

    def _misfit(self, array: pa.Array, rows_before: int) -> DataError:
        index = self.form.misfit(array) or 0
        row = rows_before + index + 1
        value = shortened(str(array.slice(index, 1).cast(pa.string())[0]))
        return DataError(
            "TGT012",
            f'Row {row}: the value {value!r} of column "{self.source}" {self.form.refuses}.',
            hint="Replace or cast such values in the step before.",
            details={"column": self.source, "row": row},
        )

    def _null_key(self, row: int) -> DataError:
        return DataError(
            "TGT007",
            f'Row {row}: the key column "{self.source}" is NULL, and SQLite would make up a number for it.',
            hint="Filter such rows out in the step before, or leave out the column to number all rows.",
        )


def assign(schema: pa.Schema, target: RelationInfo) -> tuple[Assignment, ...]:
    """Pairs by name, letter case aside as in SQLite; an error for each thing that would change data."""
    pairs = tuple(_pair(index, field, target) for index, field in enumerate(schema))
    _refuse_missing(pairs, target)
    return pairs


def refuse_missing_key(names: Sequence[str], primary_key: Sequence[str]) -> None:
    """TGT013 for a key column that the stream does not have."""
    known = set(map(folded, names))
    for key in primary_key:
        if folded(key) not in known:
            raise PipelineError(
                "TGT013",
                f'The primary_key column "{key}" is missing in the input.',
                hint=f"Columns of the input: {_listed(names)}.",
            )


def _plain(array: pa.Array) -> pa.Array:
    """The array in the layout of its values."""
    if pa.types.is_dictionary(array.type):
        return _plain(array.dictionary_decode())
    return array.cast(pa.large_string()) if pa.types.is_string_view(array.type) else array


def _pair(index: int, field: pa.Field, target: RelationInfo) -> Assignment:
    column = _column(field.name, target)
    form = form_for(field.type, column.type)
    if form is None:
        raise PipelineError(
            "TGT004",
            f'Column "{field.name}" is {field.type} in the input and {column.declared or "untyped"} in the '
            "target, which would change its values.",
            hint=_way_out(field.type, column),
        )
    return Assignment(index, field.name, column, form)


def _column(name: str, target: RelationInfo) -> ColumnInfo:
    writable = [column for column in target.columns if not column.generated]
    found = next((column for column in writable if folded(column.name) == folded(name)), None)
    if found is not None:
        return found
    close = nearest(name, (column.name for column in writable))
    meant = f' Did you mean "{close[0]}"?' if close else ""
    raise PipelineError(
        "TGT002",
        f'The target has no column "{name}" that can be written.{meant}',
        hint=f"Columns of the target: {_listed(column.name for column in writable)}.",
        details={"candidates": list(close)},
    )


def _way_out(arrow: pa.DataType, column: ColumnInfo) -> str:
    kind = value_kind(arrow)
    if kind is ValueKind.DECIMAL and column.type.kind in (Kind.DECIMAL, Kind.NUMERIC, Kind.REAL):
        return (
            "SQLite keeps the numbers of such a column as doubles. Declare the column TEXT, or CAST to "
            "DOUBLE in the step before where that is exact enough."
        )
    fitting = f"Change the target's column to {CREATED[kind]}, or give" if kind in CREATED else "Give"
    return (
        f"{fitting} the input the column's type where it is read; a CAST in the step before changes "
        "values that do not fit."
    )


def _refuse_missing(pairs: Sequence[Assignment], target: RelationInfo) -> None:
    given = {pair.target.name for pair in pairs}
    missing = [c.name for c in target.columns if _is_required(c) and c.name not in given]
    if missing:
        raise PipelineError(
            "TGT003",
            f"The target needs {_listed(missing)}, which the input does not have.",
            hint="Add the column in the step before; it may not be NULL and has no default.",
        )


def _is_required(column: ColumnInfo) -> bool:
    return column.not_null and not (column.has_default or column.generated or column.is_rowid)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
