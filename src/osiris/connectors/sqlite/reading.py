"""The result of one SELECT as a stream of typed batches, read in one snapshot of the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import pyarrow as pa

from osiris.connectors.sqlite.catalogue import readable_columns
from osiris.connectors.sqlite.confinement import Confinement
from osiris.connectors.sqlite.connection import SQLiteConnector
from osiris.connectors.sqlite.decoding import MisfitError, arrow_type, decode
from osiris.connectors.sqlite.errors import map_engine_error, primary_code
from osiris.connectors.sqlite.explaining import Readable, explain_error, not_utf8
from osiris.connectors.sqlite.inference import misfit_error
from osiris.connectors.sqlite.result_columns import Declared, declared_types, result_columns
from osiris.connectors.sqlite.statements import Select, prepare
from osiris.errors import DataError, OsirisError

SAMPLE_ROWS = 10_000
"""Rows that are looked at for the types of columns that declare none."""

_BATCH_ROWS = 16_384
_BATCH_BYTES = 4 << 20
_DECODED_ROWS = 1024
_SLICE_ROWS = 16
"""So many rows are fetched between two looks at their length, and are Python objects at the same time."""

Row = tuple[Any, ...]


class ResultStream:
    """One SELECT under way, made and read in one thread; it ends when the connector is closed."""

    def __init__(
        self,
        connector: SQLiteConnector,
        select: Select,
        params: Mapping[str, Any],
        schema: Mapping[str, str],
        table: str | None = None,
    ) -> None:
        self._connector = connector
        self._fetched_rows = self._decoded_rows = 0
        self._sample: list[Row] = []
        declared = _looked_up(connector, select, table)
        Confinement(connector.con)
        try:
            self._cursor = connector.stream(select.sql, params)
        except sqlite3.Error as exc:
            raise _failed(exc, 1) from exc
        names = [column[0] for column in self._cursor.description]
        self.columns = result_columns(names, declared, schema, self._sampled)

    @property
    def inferred(self) -> dict[str, str]:
        """The types that were found in the first rows, by column."""
        return {column.name: column.type.name for column in self.columns if column.inferred}

    @property
    def rows_sampled(self) -> int:
        """The rows that were looked at for them."""
        return len(self._sample)

    def reader(self, done: Callable[[int], None]) -> pa.RecordBatchReader:
        """The rows; `done(rows)` is called at their end."""
        schema = pa.schema([(column.name, arrow_type(column.type)) for column in self.columns])
        return pa.RecordBatchReader.from_batches(schema, self._batches(schema, done))

    def _sampled(self) -> list[Row]:
        """The first rows, fewer where they are long; they are delivered all the same."""
        self._sample = self._fetched(SAMPLE_ROWS)
        return self._sample

    def _batches(self, schema: pa.Schema, done: Callable[[int], None]) -> Iterator[pa.RecordBatch]:
        pending: list[list[pa.Array]] = []
        rows = size = 0
        for arrays in self._arrays():
            pending.append(arrays)
            rows += len(arrays[0])
            size += sum(array.nbytes for array in arrays)
            if rows >= _BATCH_ROWS or size >= _BATCH_BYTES:
                yield _joined(pending, schema)
                pending, rows, size = [], 0, 0
        if pending:
            yield _joined(pending, schema)
        done(self._decoded_rows)

    def _arrays(self) -> Iterator[list[pa.Array]]:
        """Arrays of few rows each, first those of the sample."""
        while self._sample:
            rows, self._sample = self._sample[:_DECODED_ROWS], self._sample[_DECODED_ROWS:]
            yield self._decoded(rows)
        while rows := self._fetched(_DECODED_ROWS):
            yield self._decoded(rows)

    def _fetched(self, limit: int) -> list[Row]:
        """The next rows: at most so many, and not many more bytes than a batch has."""
        rows: list[Row] = []
        size = 0
        try:
            while len(rows) < limit and size < _BATCH_BYTES:
                before = len(rows)
                rows.extend(islice(self._cursor, _SLICE_ROWS))
                if len(rows) < before + _SLICE_ROWS:
                    break
                size += _SLICE_ROWS * sum(len(value) for value in rows[-1] if isinstance(value, str | bytes))
        except sqlite3.Error as exc:
            raise _failed(exc, self._fetched_rows + len(rows) + 1) from exc
        self._fetched_rows += len(rows)
        return rows

    def _decoded(self, rows: list[Row]) -> list[pa.Array]:
        arrays = []
        for column, values in zip(self.columns, zip(*rows, strict=True), strict=True):
            try:
                arrays.append(decode(values, column.type))
            except MisfitError as misfit:
                raise misfit_error(
                    column.name, column.type, misfit, self._decoded_rows, inferred=column.inferred
                ) from misfit
        self._decoded_rows += len(rows)
        return arrays


def described(
    connector: SQLiteConnector, select: Select, schema: Mapping[str, str], table: str | None
) -> dict[str, pa.DataType | None]:
    """The columns that a stream would have, None for a type that only the rows can tell; no row is read."""
    declared = _looked_up(connector, select, table)
    columns = result_columns([column.name for column in declared], declared, schema, lambda: ())
    doubtful = {column.name for column in declared if column.doubtful} - schema.keys()
    return {c.name: None if c.name in doubtful else arrow_type(c.type) for c in columns}


def _looked_up(connector: SQLiteConnector, select: Select, table: str | None) -> list[Declared]:
    """Begin a snapshot and ask it what the SQL means there; names that do not exist raise `PipelineError`."""
    con = connector.con
    con.execute("BEGIN")
    readable = connector.patiently(lambda: readable_columns(con))
    _refuse_wrong_names(con, select, readable)
    return declared_types(con, select, table)


def _refuse_wrong_names(con: sqlite3.Connection, select: Select, readable: Readable) -> None:
    """Raise for what the SQL names and does not exist, and for what it may not do; nothing is read for it."""
    confinement = Confinement(con)
    failure = prepare(con, select.strict_sql, select.names)
    confinement.lift()
    if failure is not None:
        raise explain_error(failure, select, readable, confinement.denied) from failure


def _failed(exc: sqlite3.Error, row: int) -> OsirisError:
    """The error of a statement that was good until it met this row."""
    if column := not_utf8(exc):
        return DataError(
            "DAT003",
            f'Row {row}: the text in column "{column}" is not UTF-8.',
            hint="Read its bytes: CAST(... AS BLOB) in query.",
        )
    if primary_code(exc) == sqlite3.SQLITE_ERROR:
        hint = "Filter such values out, or correct the SQL."
        return DataError("SQL008", f"Row {row}: a value cannot be computed: {exc}.", hint=hint)
    return map_engine_error(exc)


def _joined(pending: list[list[pa.Array]], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.concat_arrays(parts) for parts in zip(*pending, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
