"""The last stretch of an extractor: rows counted, compared with what the sidecars promise, reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from osiris.connectors.filesystem.sidecar import check_rows
from osiris.core import ExecutionContext


def delivered(
    reader: pa.RecordBatchReader,
    promised: int | None,
    paths: Sequence[Path],
    shown: Callable[[Path], str],
    ctx: ExecutionContext,
) -> pa.RecordBatchReader:
    """The same rows; at the end `rows_read` and `bytes_read` are logged. Raises `DataError` FIL008."""
    return pa.RecordBatchReader.from_batches(reader.schema, _batches(reader, promised, paths, shown, ctx))


def _batches(
    reader: pa.RecordBatchReader,
    promised: int | None,
    paths: Sequence[Path],
    shown: Callable[[Path], str],
    ctx: ExecutionContext,
) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in reader:
        rows += batch.num_rows
        yield batch
    report_delivery(rows, promised, paths, shown, ctx)


def report_delivery(
    rows: int,
    promised: int | None,
    paths: Sequence[Path],
    shown: Callable[[Path], str],
    ctx: ExecutionContext,
) -> None:
    """Log `rows_read` and `bytes_read`. Raises `DataError` FIL008 where another number was promised."""
    check_rows(promised, rows, ", ".join(shown(path) for path in paths[:3]))
    ctx.log_metric("rows_read", rows)
    ctx.log_metric("bytes_read", sum(path.stat().st_size for path in paths), "bytes")
