"""What an extractor gives: the rows of files, which nobody has begun to read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

import duckdb
import pyarrow as pa

from osiris.connectors.duckdb.sql_rows import Limits, Scans, SqlRows
from osiris.connectors.filesystem.delivery import delivered, report_delivery
from osiris.connectors.filesystem.engine import reading_engine, reading_limits
from osiris.core import ExecutionContext, with_source_columns
from osiris.errors import OsirisError


class Source(Protocol):
    """Files of one shape and one format."""

    @property
    def may_be_infinite(self) -> bool:
        """Whether there may be dates that DuckDB has and Arrow has not."""

    @property
    def rows(self) -> int | None:
        """How many there are, where the files say so."""

    @property
    def buffer_bytes(self) -> int:
        """Bytes that one read buffer takes; 0 where there are none."""

    @property
    def all_names(self) -> tuple[str, ...]:
        """The columns with those that are left out because nobody reads them."""

    def project(self, columns: Collection[str]) -> Self:
        """The same files with fewer columns, as `LazyRows.project` has it."""

    def read(self, con: duckdb.DuckDBPyConnection, ctx: ExecutionContext) -> pa.RecordBatchReader:
        """All rows, in file order."""

    def statement(self, step_id: str) -> str:
        """A SELECT of the same rows."""

    def check_exact(self, read: pa.Schema) -> None:
        """Raise `DataError` for a column that the engine reads as another type than it is."""

    def careful(self, stopped: Callable[[], bool]) -> Self | None:
        """The same files after a look through all of them; None where that makes no difference."""

    def failure(self, exc: BaseException, step_id: str) -> OsirisError | None:
        """What is wrong with these files, where the engine failed over them; None where not."""


def source_schema(source: Source, ctx: ExecutionContext | None = None) -> pa.Schema:
    """The schema of the rows; none of them is read. Raises `DataError` as `check_exact` does."""
    with closing(reading_engine(ctx, source.buffer_bytes)) as con:
        schema = (
            con.sql(source.statement("" if ctx is None else ctx.step_id)).limit(0).to_arrow_table().schema
        )
    source.check_exact(schema)
    return schema


@dataclass(frozen=True)
class FileRows(SqlRows):
    """Rows of `paths`; `promised` is how many there must be, where that is known."""

    source: Source
    paths: Sequence[Path]
    promised: int | None
    shown: Callable[[Path], str]
    ctx: ExecutionContext

    def project(self, columns: Collection[str]) -> Self:
        return replace(self, source=self.source.project(columns))

    @cached_property
    def schema(self) -> pa.Schema:
        schema = source_schema(self.source, self.ctx)
        return with_source_columns(schema, self.source.all_names)

    @property
    def params(self) -> Mapping[str, Any]:
        return {}

    @property
    def limits(self) -> Limits:
        return reading_limits(self.source.buffer_bytes)

    @property
    def may_be_infinite(self) -> bool:
        return self.source.may_be_infinite

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(self.paths)

    @property
    def statement(self) -> str:
        return self.source.statement(self.ctx.step_id)

    def failure(self, exc: BaseException, executed: str) -> OsirisError | None:
        found = self.source.failure(exc, self.ctx.step_id)
        return found.at_step(self.ctx.step_id) if found else None

    def careful(self) -> Self | None:
        with self._at_step():
            looked = self.source.careful(lambda: self.ctx.cancelled)
        return None if looked is None else replace(self, source=looked)

    def report(self, scans: Scans) -> None:
        rows = scans.rows_of(self.paths) if self.source.rows is None else self.source.rows
        promised = self.promised if scans.is_whole else None
        with self._at_step():
            report_delivery(rows, promised, self.paths, self.shown, self.ctx)

    def reader(self) -> pa.RecordBatchReader:
        con = reading_engine(self.ctx, self.source.buffer_bytes)
        self.ctx.closing(con)
        with self._at_step():
            rows = self.source.read(con, self.ctx)
        stream = delivered(rows, self.promised, self.paths, self.shown, self.ctx)
        return pa.RecordBatchReader.from_batches(stream.schema, self._placed(stream))

    def _placed(self, stream: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        with self._at_step():
            yield from stream

    @contextmanager
    def _at_step(self) -> Iterator[None]:
        """Whoever reads the rows, what is wrong with them is the failure of the step that gives them."""
        try:
            yield
        except OsirisError as error:
            error.at_step(self.ctx.step_id)
            raise
