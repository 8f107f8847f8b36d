"""The DuckDB behind a reading step."""

from __future__ import annotations

from pathlib import Path

import duckdb

from osiris.connectors.duckdb.engine import open_engine

_BASE_MB = 256
_BUFFERS = 16
"""CSV buffers that DuckDB may hold at once while it reads on several threads."""


def reading_engine(work_dir: Path | None = None, buffer_bytes: int = 0) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with room for the read buffers and little more."""
    megabytes = max(_BASE_MB, _BUFFERS * buffer_bytes >> 20)
    return open_engine(f"{megabytes}MB", temp_dir=work_dir)
