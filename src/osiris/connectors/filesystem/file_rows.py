"""What an extractor gives: the rows of files, which nobody has begun to read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

import duckdb
import pyarrow as pa

from osiris.connectors.filesystem.cancel import interrupter
from osiris.connectors.filesystem.delivery import delivered
from osiris.connectors.filesystem.engine import reading_engine
from osiris.core import ExecutionContext, LazyRows


class Source(Protocol):
    """Files of one shape and one format."""

    @property
    def buffer_bytes(self) -> int:
        """Bytes that one read buffer takes; 0 where there are none."""

    def project(self, columns: Collection[str]) -> Self:
        """The same files with fewer columns, as `LazyRows.project` has it."""

    def read(self, con: duckdb.DuckDBPyConnection, ctx: ExecutionContext) -> pa.RecordBatchReader:
        """All rows, in file order."""


@dataclass(frozen=True, slots=True)
class FileRows(LazyRows):
    """Rows of `paths`; `promised` is how many there must be, where that is known."""

    source: Source
    paths: Sequence[Path]
    promised: int | None
    shown: Callable[[Path], str]
    ctx: ExecutionContext

    def project(self, columns: Collection[str]) -> Self:
        return replace(self, source=self.source.project(columns))

    def reader(self) -> pa.RecordBatchReader:
        con = reading_engine(self.ctx.work_dir, self.source.buffer_bytes)
        self.ctx.closing(con)
        self.ctx.on_cancel(interrupter(con))
        return delivered(self.source.read(con, self.ctx), self.promised, self.paths, self.shown, self.ctx)
