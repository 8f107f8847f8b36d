"""JSON Lines files as one stream of typed Arrow batches."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors.duckdb.engine import map_engine_error
from osiris.connectors.filesystem.batches import rows_per_batch
from osiris.connectors.filesystem.columns import kept
from osiris.connectors.filesystem.delivery import delivered
from osiris.connectors.filesystem.engine import reading_engine
from osiris.connectors.filesystem.jsonl_failure import check_keys, unsampled_column
from osiris.connectors.filesystem.jsonl_inference import infer
from osiris.connectors.filesystem.jsonl_lines import JsonlForm, JsonlLines
from osiris.connectors.filesystem.jsonl_rows import ExactRows
from osiris.connectors.filesystem.jsonl_sample import SAMPLE_ROWS, JsonlSample, sample_values, take_sample
from osiris.connectors.filesystem.jsonl_sql import RowSql
from osiris.connectors.filesystem.jsonl_types import JsonColumn, declared, inferred
from osiris.core import ExecutionContext, LazyRows, with_source_columns

_MOST_KEYS = 2_000
_ARROW_JSON = pa.json_(pa.string())
_EngineFailure = (duckdb.Error, pa.ArrowException, OSError)


@dataclass(frozen=True, slots=True)
class JsonlRequest:
    """Which columns to give, in order (all when empty), and the types that are declared."""

    columns: tuple[str, ...] = ()
    schema: Mapping[str, str] | None = None


class JsonlSource:
    """Files of one shape: `look` reads the first rows, `read` all of them when it is iterated."""

    def __init__(
        self,
        paths: Sequence[Path],
        form: JsonlForm,
        shown: Callable[[Path], str],
        request: JsonlRequest = JsonlRequest(),
    ) -> None:
        self._lines = JsonlLines(paths, form, shown)
        self._wanted = request.columns
        self._columns: dict[str, JsonColumn] = {
            name: declared(name, type_name) for name, type_name in (request.schema or {}).items()
        }
        self._keys: tuple[str, ...] = ()
        self.names: tuple[str, ...] = ()
        self._all_names: tuple[str, ...] = ()
        self.undeclared: tuple[str, ...] = ()
        self.normalised: tuple[str, ...] = ()
        self.sample = JsonlSample((), 0, 1, is_whole=False)

    @property
    def types(self) -> dict[str, str]:
        """Column types as DuckDB spells them, in column order."""
        return {name: self._columns[name].type for name in self.names}

    def look(
        self, con: duckdb.DuckDBPyConnection, ctx: ExecutionContext | None = None, rows: int | None = None
    ) -> None:
        """Find the keys, and a type for each that has none, from the first rows. Raises `DataError`."""
        try:
            self.sample = take_sample(con, self._lines, rows or SAMPLE_ROWS)
            self._choose()
            self._infer(con)
        except _EngineFailure as exc:
            raise map_engine_error(exc, cancelled=ctx is not None and ctx.cancelled) from exc

    def project(self, columns: Collection[str]) -> Self:
        """The same files without the columns that nobody wants; `columns` are folded names."""
        narrowed = copy.copy(self)
        narrowed.names = kept(self.names, columns)
        return narrowed

    def read(self, con: duckdb.DuckDBPyConnection, ctx: ExecutionContext) -> pa.RecordBatchReader:
        """All rows, in file order. Iterating raises `DataError` at a line or a value that does not fit."""
        sql = self._sql([self._columns[name] for name in self.names])
        con.register("lines", self._lines.reader())
        try:
            found = con.sql(sql.fast("lines")).to_arrow_reader(rows_per_batch(self.sample.row_bytes))
        except _EngineFailure as exc:
            raise self._explained(exc, ctx) from exc
        types = [
            _ARROW_JSON if column.is_json else field.type
            for column, field in zip(sql.columns, found.schema, strict=False)
        ]
        fields = list(zip(self.names, types, strict=True))
        schema = with_source_columns(pa.schema(fields), self._all_names)
        batches = self._batches(found, con.cursor(), sql, ctx)
        return pa.RecordBatchReader.from_batches(schema, (_typed(columns, schema) for columns in batches))

    def _batches(
        self, found: pa.RecordBatchReader, own: duckdb.DuckDBPyConnection, sql: RowSql, ctx: ExecutionContext
    ) -> Iterator[list[pa.Array]]:
        exact = ExactRows(sql, self._lines, closed=not self._wanted)
        absent = {index for index, name in enumerate(self.names) if name not in self.sample.keys}
        try:
            with closing(own):
                for batch in found:
                    columns = _settled(batch, own, exact)
                    absent = {index for index in absent if columns[index].null_count == len(batch)}
                    yield columns
        except _EngineFailure as exc:
            raise self._explained(exc, ctx) from exc
        for index in sorted(absent):
            message = f"No row has a value for {self.names[index]!r}, so the column is NULL throughout."
            ctx.log_event("warning", message=message)

    def _choose(self) -> None:
        """Decide which keys are known, and which of them are columns."""
        known = tuple(dict.fromkeys([*self.sample.keys, *self._columns]))
        for name in self._wanted:
            if name not in known:
                raise unsampled_column(name, known, self._lines.name)
        self.names = self._all_names = self._wanted or known
        check_keys(self.names, _MOST_KEYS, self._lines.name)
        self.undeclared = tuple(name for name in self.names if name not in self._columns)
        self._keys = tuple(dict.fromkeys([*self.names, *known]))[:_MOST_KEYS]

    def _infer(self, con: duckdb.DuckDBPyConnection) -> None:
        if not self.undeclared:
            return
        sql = self._sql([])
        values = sample_values(con, sql, ExactRows(sql, self._lines, closed=False))
        found = infer(con, values, {name: self._keys.index(name) for name in self.undeclared})
        self._columns |= {name: inferred(name, type_name) for name, type_name in found.types.items()}
        self.normalised = found.normalised

    def _sql(self, columns: Sequence[JsonColumn]) -> RowSql:
        return RowSql(self._keys, columns)

    def _explained(self, exc: Exception, ctx: ExecutionContext) -> Exception:
        return self._lines.failure or map_engine_error(exc, cancelled=ctx.cancelled)


@dataclass(frozen=True)
class JsonlRows(LazyRows):
    """Rows of `paths`, which nobody has begun to read; `promised`: how many there must be, where known."""

    source: JsonlSource
    paths: Sequence[Path]
    promised: int | None
    shown: Callable[[Path], str]
    ctx: ExecutionContext

    def project(self, columns: Collection[str]) -> Self:
        return replace(self, source=self.source.project(columns))

    def reader(self) -> pa.RecordBatchReader:
        con = reading_engine(self.ctx)
        self.ctx.closing(con)
        return delivered(self.source.read(con, self.ctx), self.promised, self.paths, self.shown, self.ctx)


def _settled(batch: pa.RecordBatch, own: duckdb.DuckDBPyConnection, exact: ExactRows) -> list[pa.Array]:
    """The batch's columns, with the rows filled in that DuckDB left open."""
    *columns, lines, numbers = batch.columns
    if lines.null_count == len(lines):
        return list(columns)
    is_open = pc.is_valid(lines)
    filled = exact.columns(own, lines.filter(is_open).to_pylist(), numbers.filter(is_open).to_pylist())
    place = iter(range(len(batch), 2 * len(batch)))
    order = pa.array([next(place) if left else row for row, left in enumerate(is_open.to_pylist())])
    return [pa.concat_arrays([old, new]).take(order) for old, new in zip(columns, filled, strict=True)]


def _typed(columns: list[pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [
        pa.ExtensionArray.from_storage(_ARROW_JSON, column) if field.type == _ARROW_JSON else column
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
