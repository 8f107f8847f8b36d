"""Rows to one Parquet file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from osiris.connectors.duckdb.sql_rows import SqlRows
from osiris.connectors.filesystem.columns import check_names, check_types, parquet_problem
from osiris.connectors.filesystem.file_writer import FileFormat, WriterInput, writer_input

_CODECS = {"none": "uncompressed"}


def parquet_input(source: pa.RecordBatchReader | SqlRows, name: str) -> WriterInput:
    """The input of a Parquet file. Raises `DataError` DAT013 or DAT014 for what cannot be written exactly."""
    check_parquet(source.schema, name)
    return writer_input(source)


def check_parquet(schema: pa.Schema, name: str) -> None:
    """Raise `DataError` DAT013 or DAT014 for what cannot be written exactly."""
    check_names(schema, name)
    check_types(schema, parquet_problem, name, "Parquet")


def parquet_format(compression: str, row_group_rows: int) -> FileFormat:
    """How DuckDB writes the rows."""
    codec = _CODECS.get(compression, compression)
    options = f"FORMAT parquet, COMPRESSION {codec}, ROW_GROUP_SIZE {row_group_rows}, USE_TMP_FILE false"
    return FileFormat("parquet", options, _holds_rows)


def _holds_rows(path: Path) -> bool:
    try:
        return int(pq.read_metadata(path).num_rows) > 0
    except (pa.ArrowException, OSError):
        return path.stat().st_size > 0
