"""Parquet files as one stream of Arrow batches, after a look at what DuckDB would change."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from osiris.connectors.duckdb.engine import quote_identifier
from osiris.connectors.duckdb.errors import EngineMessage, map_engine_error
from osiris.connectors.filesystem.batches import rows_per_batch
from osiris.connectors.filesystem.columns import folded, kept
from osiris.connectors.filesystem.csv_header import known_columns, same_columns
from osiris.connectors.filesystem.file_sql import file_list
from osiris.core import ExecutionContext, with_source_columns
from osiris.errors import DataError, OsirisError, Where
from osiris.findings import shortened

_LONGEST_REASON = 200
"""At most so many characters of DuckDB's words stand in an error; they may hold a value of the file."""

_EngineFailure = (duckdb.Error, pa.ArrowException, OSError)


class ParquetSource:
    """Files of one shape; their footers are read and judged at once. Raises `DataError`."""

    def __init__(
        self, paths: Sequence[Path], shown: Callable[[Path], str], columns: tuple[str, ...] = ()
    ) -> None:
        self._paths = paths
        self._shown = shown
        footers = [_footer(path, shown(path)) for path in paths]
        self.rows: int = sum(footer.num_rows for footer in footers)
        self._bytes_per_row: int = sum(_data_bytes(footer) for footer in footers) // max(1, self.rows)
        self.schema = _schema(footers[0], shown(paths[0]))
        for path, footer in zip(paths[1:], footers[1:], strict=True):
            self._check_same(_schema(footer, shown(path)), shown(path))
        known_columns(columns, self.schema.names, "columns", shown(paths[0]))
        self.names = self._all_names = columns or tuple(self.schema.names)

    @property
    def buffer_bytes(self) -> int:
        """0: DuckDB has no read buffers of its own for Parquet."""
        return 0

    may_be_infinite = True

    @property
    def all_names(self) -> tuple[str, ...]:
        """The columns with those that are left out because nobody reads them."""
        return self._all_names

    def project(self, columns: Collection[str]) -> Self:
        """The same files without the columns that nobody wants; `columns` are folded names."""
        narrowed = copy.copy(self)
        narrowed.names = kept(self.names, columns)
        return narrowed

    @property
    def batch_rows(self) -> int:
        """Rows per batch such that a batch has about 4 MiB."""
        return rows_per_batch(self._bytes_per_row)

    def read(self, con: duckdb.DuckDBPyConnection, ctx: ExecutionContext) -> pa.RecordBatchReader:
        """All rows, in file order. Raises `DataError` DAT016 for a column that would not stay what it is."""
        try:
            reader = con.sql(self.statement(ctx.step_id)).to_arrow_reader(self.batch_rows)
        except _EngineFailure as exc:
            raise self._damaged(exc, ctx) from exc
        self.check_exact(reader.schema)
        fields = zip(self.names, reader.schema, strict=True)
        schema = with_source_columns(
            pa.schema([field.with_name(name) for name, field in fields]), self._all_names
        )
        return pa.RecordBatchReader.from_batches(schema, self._batches(reader, schema, ctx))

    def statement(self, step_id: str) -> str:
        """A SELECT of all rows, in file order."""
        columns = ", ".join(quote_identifier(name) for name in self.names)
        scan = f"read_parquet({file_list(self._paths)}, hive_partitioning = false, union_by_name = true)"
        return f"SELECT {columns} FROM {scan}"

    def careful(self, stopped: Callable[[], bool]) -> Self | None:
        """None: the footers have told all that there is to know."""
        return None

    def failure(self, exc: BaseException, step_id: str) -> OsirisError | None:
        """What is wrong with these files, where the engine failed over them."""
        named = self._named(exc)
        return self._unreadable(exc, named) if named else None

    def _batches(
        self, reader: pa.RecordBatchReader, schema: pa.Schema, ctx: ExecutionContext
    ) -> Iterator[pa.RecordBatch]:
        try:
            for batch in reader:
                yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
        except _EngineFailure as exc:
            raise self._damaged(exc, ctx) from exc

    def _damaged(self, exc: Exception, ctx: ExecutionContext) -> OsirisError:
        found = map_engine_error(exc, cancelled=ctx.cancelled)
        if found.code in ("RES001", "RES002", "RUN003"):
            return found
        return self._unreadable(exc, self._named(exc) or self._paths)

    def _named(self, exc: BaseException) -> list[Path]:
        text = EngineMessage.of(exc).full
        return [path for path in self._paths if str(path) in text]

    def _unreadable(self, exc: BaseException, paths: Sequence[Path]) -> DataError:
        name = ", ".join(map(self._shown, paths[:3]))
        why = map_engine_error(exc).message
        if "not valid UTF8" in why:
            return _not_utf8(name)
        for path in paths:
            why = why.replace(str(path), self._shown(path))
        return _damaged(name, shortened(why, _LONGEST_REASON))

    def check_exact(self, read: pa.Schema) -> None:
        """Raise `DataError` DAT016 for a column that DuckDB reads as another type than it is."""
        for name, field in zip(self.names, read, strict=True):
            stored = self.schema.field(name).type
            if not keeps_values(stored, field.type):
                message = (
                    f"Column {name!r} is {stored} and would be read as {field.type}, which is not the same."
                )
                hint = (
                    "Rewrite the file with a type such as DECIMAL(38,s), TIMESTAMP in microseconds or text."
                )
                details = {"column": name, "type": str(stored)}
                raise DataError(
                    "DAT016", message, hint=hint, where=Where(self._shown(self._paths[0])), details=details
                )

    def _check_same(self, schema: pa.Schema, name: str) -> None:
        first = self._shown(self._paths[0])
        same_columns(schema.names, self.schema.names, name, first)
        for field in schema:
            expected = self.schema.field(field.name).type
            if field.type != expected:
                message = f"Column {field.name!r} is {field.type} in {name} and {expected} in {first}."
                raise DataError(
                    "DAT007", message, hint="Read files of different shape in steps of their own."
                )


def keeps_values(stored: pa.DataType, read: pa.DataType) -> bool:
    """Whether each value of the stored type has an exact equal in the type that is read."""
    if stored == read:
        return True
    if pt.is_dictionary(stored):
        return keeps_values(stored.value_type, read)
    if _is_list(stored) and _is_list(read):
        return keeps_values(stored.value_type, read.value_type)
    if pt.is_map(stored) and pt.is_map(read):
        return keeps_values(stored.key_type, read.key_type) and keeps_values(stored.item_type, read.item_type)
    if pt.is_struct(stored) and pt.is_struct(read):
        return _same_members(stored, read)
    return _scalar_keeps_values(stored, read)


def _same_members(stored: pa.StructType, read: pa.StructType) -> bool:
    if [field.name for field in stored] != [field.name for field in read]:
        return False
    return all(keeps_values(one.type, other.type) for one, other in zip(stored, read, strict=True))


def _scalar_keeps_values(stored: pa.DataType, read: pa.DataType) -> bool:
    if pt.is_timestamp(stored) and pt.is_timestamp(read):
        return _UNITS[stored.unit] <= _UNITS[read.unit] and (stored.tz is None) == (read.tz is None)
    if pt.is_time(stored) and pt.is_time(read):
        return _UNITS[stored.unit] <= _UNITS[read.unit]
    if pt.is_decimal(stored) and pt.is_decimal(read):
        return (stored.precision, stored.scale) == (read.precision, read.scale)
    return any(is_stored(stored) and is_read(read) for is_stored, is_read in _EQUAL)


_UNITS = {"s": 0, "ms": 1, "us": 2, "ns": 3}


def _is_text(arrow_type: pa.DataType) -> bool:
    return any(check(arrow_type) for check in (pt.is_string, pt.is_large_string, pt.is_string_view))


def _is_binary(arrow_type: pa.DataType) -> bool:
    checks = (pt.is_binary, pt.is_large_binary, pt.is_binary_view, pt.is_fixed_size_binary)
    return any(check(arrow_type) for check in checks)


def _is_list(arrow_type: pa.DataType) -> bool:
    return any(check(arrow_type) for check in (pt.is_list, pt.is_large_list, pt.is_fixed_size_list))


def _is_written_as_text(arrow_type: pa.DataType) -> bool:
    return getattr(arrow_type, "extension_name", "") in ("arrow.json", "arrow.uuid")


_EQUAL: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], bool]], ...] = (
    (_is_text, _is_text),
    (_is_binary, _is_binary),
    (_is_written_as_text, _is_text),
    (pt.is_float16, pt.is_float32),
)


def _footer(path: Path, name: str) -> pq.FileMetaData:
    try:
        return pq.read_metadata(path)
    except (pa.ArrowException, OSError) as exc:
        raise _damaged(name, "its footer cannot be read") from exc


def _schema(footer: pq.FileMetaData, name: str) -> pa.Schema:
    try:
        schema: pa.Schema = footer.schema.to_arrow_schema()
    except (pa.ArrowException, OSError) as exc:
        raise _damaged(name, "its schema cannot be read") from exc
    if not schema.names:
        raise DataError("DAT006", f"{name} has no columns.", where=Where(name))
    seen: dict[str, str] = {}
    for column in schema.names:
        if not column or "\0" in column:
            message = f"A column of {name} has no usable name: {column!r}."
            raise DataError("DAT006", message, hint="Name it where the file is made.", where=Where(name))
        other = seen.setdefault(folded(column), column)
        if schema.names.count(column) > 1 or other != column:
            message = f"The columns {other!r} and {column!r} of {name} differ at most by case."
            raise DataError(
                "DAT006", message, hint="Rename one of them where the file is made.", where=Where(name)
            )
    return schema


def _not_utf8(name: str) -> DataError:
    hint = "Mend the program that makes the file, or have it declare the column as binary."
    return DataError(
        "DAT003", f"A text column of {name} holds bytes that are not UTF-8.", hint=hint, where=Where(name)
    )


def _data_bytes(footer: pq.FileMetaData) -> int:
    return sum(footer.row_group(index).total_byte_size for index in range(footer.num_row_groups))


def _damaged(name: str, why: str) -> DataError:
    hint = "Fetch or write the file again; a Parquet file that was cut off has no footer."
    return DataError("DAT015", f"{name} is not a readable Parquet file: {why}", hint=hint, where=Where(name))
