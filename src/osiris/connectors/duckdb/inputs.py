"""Arrow streams into DuckDB: exact types, rows counted, the error of an upstream step kept as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa

from osiris.connectors.duckdb.arrow_types import sentinel
from osiris.connectors.duckdb.engine import folded
from osiris.core import source_columns
from osiris.errors import DataError, PipelineError

_MAX_DECIMAL_DIGITS = 38


class Input:
    """A stream as DuckDB takes it: `reader` is scanned once, `rows` counts what was pulled.

    An exception of the producer would come out of DuckDB as another class, so it is kept in `failure`.
    `ended` says that the stream came to its proper end. `known_columns` are also those that the stream leaves
    out because nobody reads them.
    """

    def __init__(self, name: str, source: pa.RecordBatchReader, tag: str = "") -> None:
        self.name = name
        self.columns = tuple(source.schema.names)
        self.known_columns = source_columns(source.schema)
        _refuse_bad_names(name, self.columns)
        _refuse_twins(name, self.columns)
        self.rows = 0
        self.ended = False
        self.failure: BaseException | None = None
        self._source = source
        self._exact = pa.schema([_exact_field(name, field) for field in source.schema])
        self._tagged = pa.schema([field.with_name(tag + field.name) for field in self._exact])
        self.reader = self._new_reader(self._batches())

    def _new_reader(self, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self._tagged, batches)

    def first_batch(self) -> None:
        """Wait until the first batch, or the end, has arrived; what arrived stays in the stream."""
        batches = self._batches()
        first = next(batches, None)
        self.reader = self._new_reader(_chain(first, batches))

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._source:
                self.rows += batch.num_rows
                yield self._converted(batch)
        except Exception as exc:
            self.failure = exc
            raise
        self.ended = True

    def _converted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [
            _exact_cast(self.name, field, column)
            for field, column in zip(self._exact, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self._tagged)


def _refuse_bad_names(input_name: str, columns: tuple[str, ...]) -> None:
    """DuckDB would cut a name at a NUL and make up a name for an empty one."""
    if not columns:
        raise PipelineError(
            "SQL015", f'Input "{input_name}" has no columns.', hint="Give it one in the step before."
        )
    if not all(columns):
        raise PipelineError(
            "SQL015",
            f'A column of input "{input_name}" has an empty name.',
            hint="Name it in the step before.",
        )
    if any("\0" in column for column in columns):
        raise PipelineError(
            "SQL014",
            f'The name of a column of input "{input_name}" holds a NUL character.',
            hint="Rename it in the step before.",
        )


def _refuse_twins(input_name: str, columns: tuple[str, ...]) -> None:
    """DuckDB would silently call the second one otherwise."""
    counts = Counter(map(folded, columns))
    twins = [column for column in columns if counts[folded(column)] > 1]
    if twins:
        raise PipelineError(
            "TGT005",
            f'Columns of input "{input_name}" differ in letter case at most: {", ".join(twins)}.',
            hint="Rename all but one of them in the step before; DuckDB puts letter case aside.",
        )


def _chain(first: pa.RecordBatch | None, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    if first is not None:
        yield first
        yield from rest


def _exact_field(input_name: str, field: pa.Field) -> pa.Field:
    """The field with a type that DuckDB holds; values are cast safely when their batch comes."""
    kind = _exact_type(field.type)
    if kind is None:
        raise PipelineError(
            "SQL010",
            f'DuckDB cannot hold the type {field.type} of column "{field.name}" of input "{input_name}".',
            hint="Cast it in the step before, for example to a decimal of at most 38 digits or to text.",
        )
    return field.with_type(kind)


def _exact_type(kind: pa.DataType) -> pa.DataType | None:
    """The type as it is, a type to cast to (the cast refuses values that do not fit), or None."""
    if pa.types.is_nested(kind):
        children = [kind.field(index).type for index in range(kind.num_fields)]
        return kind if all(_is_exact_inside(child) for child in children) else None
    if pa.types.is_decimal(kind):
        return _exact_decimal(kind)
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return pa.duration("us")
    return kind


def _is_exact_inside(kind: pa.DataType) -> bool:
    """Whether a list or struct may hold the type: no cast and no check of values reaches inside."""
    return not (pa.types.is_null(kind) or pa.types.is_interval(kind)) and _exact_type(kind) == kind


def _exact_decimal(kind: pa.DataType) -> pa.DataType | None:
    precision, scale = kind.precision - min(kind.scale, 0), max(kind.scale, 0)
    if precision > _MAX_DECIMAL_DIGITS or scale > precision:
        return None
    fits = kind.scale >= 0 and not pa.types.is_decimal256(kind)
    return kind if fits else pa.decimal128(precision, scale)


def _exact_cast(input_name: str, field: pa.Field, column: pa.Array) -> pa.Array:
    _refuse_invalid(input_name, field.name, column)
    if pa.types.is_interval(column.type):
        _refuse_nanoseconds(input_name, field.name, column)
    if column.type == field.type:
        return column
    try:
        return column.cast(field.type, safe=True)
    except pa.ArrowInvalid as exc:
        raise inexact_value(input_name, field.name, f"does not fit {field.type}") from exc


def _refuse_invalid(input_name: str, name: str, column: pa.Array) -> None:
    """Text that is not UTF-8, days with a time, and values that DuckDB takes for infinity."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as exc:
        raise inexact_value(input_name, name, f"is not a valid {column.type}") from exc
    if value := sentinel(column):
        raise inexact_value(input_name, name, f"would become {value}")


def _refuse_nanoseconds(input_name: str, name: str, column: pa.Array) -> None:
    """DuckDB's intervals count microseconds and would cut the rest off."""
    nanoseconds = memoryview(column.buffers()[1]).cast("q")[1::2]
    window = nanoseconds[column.offset : column.offset + len(column)]
    if any(value % 1000 for value in window):
        raise inexact_value(input_name, name, "has nanoseconds, and DuckDB's intervals count microseconds")


def inexact_value(input_name: str, name: str, reason: str) -> DataError:
    """SQL010 for a value that DuckDB cannot hold as it is."""
    return DataError(
        "SQL010",
        f'A value in column "{name}" of input "{input_name}" {reason}.',
        hint="Round or cast the column in the step before.",
    )
