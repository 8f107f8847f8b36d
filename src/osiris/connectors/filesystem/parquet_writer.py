"""Rows to one Parquet file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from osiris.connectors.duckdb.engine import quote_identifier
from osiris.connectors.filesystem.columns import check_names, check_types, parquet_problem
from osiris.connectors.filesystem.file_writer import FileFormat
from osiris.connectors.filesystem.input_stream import InputStream

_CODECS = {"none": "uncompressed"}


def parquet_stream(source: pa.RecordBatchReader, name: str) -> InputStream:
    """The input of a Parquet file. Raises `DataError` DAT013 or DAT014 for what cannot be written exactly."""
    check_names(source.schema, name)
    check_types(source.schema, parquet_problem, name, "Parquet")
    return InputStream(source)


def parquet_format(schema: pa.Schema, compression: str, row_group_rows: int) -> FileFormat:
    """How DuckDB writes the rows."""
    columns = ", ".join(f"c{index} AS {quote_identifier(name)}" for index, name in enumerate(schema.names))
    codec = _CODECS.get(compression, compression)
    options = f"FORMAT parquet, COMPRESSION {codec}, ROW_GROUP_SIZE {row_group_rows}, USE_TMP_FILE false"
    return FileFormat("parquet", options, columns, _holds_rows)


def _holds_rows(path: Path) -> bool:
    try:
        return int(pq.read_metadata(path).num_rows) > 0
    except (pa.ArrowException, OSError):
        return path.stat().st_size > 0
