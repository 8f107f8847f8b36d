"""The DuckDB behind a reading step."""

from __future__ import annotations

import os
from functools import partial

import duckdb

from osiris.connectors.duckdb.engine import interrupt, open_engine
from osiris.connectors.duckdb.sql_rows import Limits
from osiris.core import ExecutionContext

_BASE_BYTES = 256_000_000
_MOST_THREADS = 8
"""One stream of Arrow batches feeds one consumer: more threads only hold more buffers."""

_MOST_BUFFER_BYTES = 1_000_000_000


def reading_engine(ctx: ExecutionContext | None, buffer_bytes: int = 0) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB within `reading_limits`; within a step, interrupted when that is told to stop."""
    limits = reading_limits(buffer_bytes)
    memory, work_dir = f"{limits.memory_bytes // 1_000_000}MB", None if ctx is None else ctx.work_dir
    con = open_engine(memory, threads=limits.threads, temp_dir=work_dir)
    if ctx is not None:
        ctx.on_cancel(partial(interrupt, con))
    return con


def reading_limits(buffer_bytes: int = 0) -> Limits:
    """Room for two read buffers per thread and little more."""
    threads = min(os.cpu_count() or 1, _MOST_THREADS)
    if buffer_bytes:
        threads = max(1, min(threads, _MOST_BUFFER_BYTES // buffer_bytes))
    limit = max(_BASE_BYTES, _BASE_BYTES // 2 + 3 * threads * buffer_bytes)
    return Limits(limit, threads)
