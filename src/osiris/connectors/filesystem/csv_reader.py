"""CSV files as one stream of typed Arrow batches."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Self

import duckdb
import pyarrow as pa

from osiris.connectors.duckdb.engine import quote_identifier
from osiris.connectors.filesystem.batches import rows_per_batch
from osiris.connectors.filesystem.columns import kept
from osiris.connectors.filesystem.csv_dialect import CsvDialect, codec_of
from osiris.connectors.filesystem.csv_failure import CsvFiles, explain, file_failure, is_about
from osiris.connectors.filesystem.csv_header import known_columns, read_head, same_columns
from osiris.connectors.filesystem.csv_inference import InferredSchema, infer
from osiris.connectors.filesystem.csv_lines import begins_well_after_cuts, check_line_lengths, longest_average
from osiris.connectors.filesystem.csv_survey import may_be_shared, seems_shareable
from osiris.connectors.filesystem.csv_types import Form, declared
from osiris.core import ExecutionContext, with_source_columns
from osiris.errors import OsirisError

_EngineFailure = (duckdb.Error, pa.ArrowException, OSError)


@dataclass(frozen=True, slots=True)
class CsvRequest:
    """Which columns to give, in order (all when empty), and the types that are declared."""

    columns: tuple[str, ...] = ()
    schema: Mapping[str, str] | None = None


class CsvSource:
    """Files of one shape. Headers are read at once, rows when `read` is iterated."""

    def __init__(
        self,
        paths: Sequence[Path],
        dialect: CsvDialect,
        shown: Callable[[Path], str],
        request: CsvRequest = CsvRequest(),
    ) -> None:
        self._paths = paths
        self._dialect = dialect
        self._shown = shown
        given = request.columns if not dialect.header else ()
        for path in paths:
            check_line_lengths(path, dialect, shown(path))
        self._shared: frozenset[Path] = frozenset()
        self._is_surveyed = False
        self._heads = {path: read_head(path, dialect, self._shown(path), given) for path in paths}
        self.names = self._all_names = self._chosen(request)
        self._forms: dict[str, Form] = {
            name: declared(name, type_name) for name, type_name in (request.schema or {}).items()
        }

    @property
    def undeclared(self) -> list[str]:
        """The columns whose type is still to be found."""
        return [name for name in self.names if name not in self._forms]

    @property
    def types(self) -> dict[str, str]:
        """Column types as DuckDB spells them, in column order."""
        return {name: self._forms[name].type for name in self.names}

    @property
    def buffer_bytes(self) -> int:
        """Bytes that one read buffer takes."""
        return self._dialect.buffer_bytes

    may_be_infinite = False
    """The guards let no such date pass."""

    rows: int | None = None
    """A CSV file does not say how many it has."""

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
        """Rows per batch such that a batch has about 4 MiB where lines are longest."""
        averages = (
            max(head.line_bytes, longest_average(path, self._dialect)) for path, head in self._heads.items()
        )
        longest = max(averages)
        return rows_per_batch(longest)

    def look_through(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Read every file once: compressed ones must be whole, and plain ones may be safe for many threads.

        Rows that are delivered need this look before. Raises `DataError` DAT002 or DAT009, and `Cancelled`.
        """
        safe = (
            may_be_shared(path, self._dialect, self._shown(path), stopped) and self._begins_well(path)
            for path in self._paths
        )
        self._shared = frozenset(path for path, is_safe in zip(self._paths, safe, strict=True) if is_safe)
        self._is_surveyed = True

    def glance(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Look as far as a statement needs that reads all before anything counts; see `careful`.

        A plain file that begins without line breaks inside quotes is not looked through. Raises what
        `look_through` does for the others.
        """
        self._shared = frozenset(
            path
            for path in self._paths
            if (
                seems_shareable(path, self._dialect)
                or may_be_shared(path, self._dialect, self._shown(path), stopped)
            )
            and self._begins_well(path)
        )

    def _begins_well(self, path: Path) -> bool:
        return begins_well_after_cuts(path, self._dialect, len(self._heads[path].names))

    def careful(self, stopped: Callable[[], bool]) -> Self | None:
        """The same files after a look through all of them; None where that makes no difference."""
        if self._is_surveyed:
            return None
        looked = copy.copy(self)
        looked.look_through(stopped)
        return None if looked._shared == self._shared else looked

    def infer(self, con: duckdb.DuckDBPyConnection, ctx: ExecutionContext | None = None) -> InferredSchema:
        """Find a type for every undeclared column from the first rows. Raises `DataError`."""
        positions = [self.names.index(name) for name in self.undeclared]
        try:
            found = infer(con, self._text_rows(), positions)
        except _EngineFailure as exc:
            raise self._explained(exc, cancelled=ctx is not None and ctx.cancelled) from exc
        self._forms |= {self.names[position]: form for position, form in found.forms.items()}
        return found

    def read(self, con: duckdb.DuckDBPyConnection, ctx: ExecutionContext) -> pa.RecordBatchReader:
        """All rows, in file order. Iterating raises `DataError` at the first value that does not fit."""
        if not self._is_surveyed:
            self.look_through(lambda: ctx.cancelled)
        try:
            reader = con.sql(self._typed_rows(ctx.step_id)).to_arrow_reader(self.batch_rows)
        except _EngineFailure as exc:
            raise self._explained(exc, cancelled=ctx.cancelled) from exc
        fields = zip(self.names, reader.schema, strict=True)
        schema = with_source_columns(
            pa.schema([field.with_name(name) for name, field in fields]), self._all_names
        )
        return pa.RecordBatchReader.from_batches(schema, self._batches(reader, schema, ctx))

    def _batches(
        self, reader: pa.RecordBatchReader, schema: pa.Schema, ctx: ExecutionContext
    ) -> Iterator[pa.RecordBatch]:
        try:
            for batch in reader:
                yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
        except _EngineFailure as exc:
            raise self._explained(exc, cancelled=ctx.cancelled) from exc

    def statement(self, step_id: str) -> str:
        """A SELECT of all rows, in file order; errors of its guards name the step."""
        names = (f"c{index} AS {quote_identifier(name)}" for index, name in enumerate(self.names))
        return f"SELECT {', '.join(names)} FROM ({self._typed_rows(step_id)})"

    def check_exact(self, read: pa.Schema) -> None:
        """Nothing to say: the types are those that were declared or found."""

    def failure(self, exc: BaseException, step_id: str) -> OsirisError | None:
        """What is wrong with these files, where the engine failed over them in a step's `statement`."""
        return file_failure(exc, self.names, self._files) if is_about(exc, step_id, self._paths) else None

    @property
    def _files(self) -> CsvFiles:
        fields = {path: head.names for path, head in self._heads.items()}
        return CsvFiles(self._paths, fields, self._forms, self._dialect, self._shown)

    def _explained(self, exc: Exception, *, cancelled: bool) -> Exception:
        return explain(exc, self.names, self._files, cancelled=cancelled)

    def _chosen(self, request: CsvRequest) -> tuple[str, ...]:
        first = self._paths[0]
        names = self._heads[first].names
        for path in self._paths[1:]:
            same_columns(self._heads[path].names, names, self._shown(path), self._shown(first))
        known_columns(request.columns, names, "columns", self._shown(first))
        known_columns(list(request.schema or {}), names, "schema", self._shown(first))
        return request.columns or names

    def _text_rows(self) -> str:
        """A SELECT of the chosen columns as text, c0, c1, ... in output order, over all files in order."""
        groups = groupby(self._paths, key=lambda path: (self._heads[path].names, self._codec(path)))
        return " UNION ALL ".join(self._group(names, list(paths)) for (names, _), paths in groups)

    def _codec(self, path: Path) -> str:
        return codec_of(path, self._dialect.compression)

    def _group(self, names: Sequence[str], paths: Sequence[Path]) -> str:
        chosen = ", ".join(f"c{names.index(name)} AS c{index}" for index, name in enumerate(self.names))
        parallel = self._shared.issuperset(paths)
        return f"SELECT {chosen} FROM {self._dialect.scan(paths, len(names), parallel=parallel)}"

    def _typed_rows(self, step_id: str) -> str:
        forms = [self._forms[name] for name in self.names]
        values = "".join(
            f", TRY_CAST(c{index} AS {form.type}) AS v{index}"
            for index, form in enumerate(forms)
            if not form.is_text
        )
        columns = ", ".join(
            f"c{index}"
            if form.is_text
            else f"{form.guarded(f'c{index}', f'v{index}', f'{step_id}:{index}')} AS c{index}"
            for index, form in enumerate(forms)
        )
        return f"SELECT {columns} FROM (SELECT *{values} FROM ({self._text_rows()}))"
