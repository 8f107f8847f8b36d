"""Rows to one CSV file."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pyarrow as pa

from osiris.connectors.duckdb.engine import quote_literal
from osiris.connectors.duckdb.sql_rows import SqlRows
from osiris.connectors.filesystem.columns import check_names, check_types, csv_converts, csv_problem
from osiris.connectors.filesystem.csv_dialect import CsvDialect, codec_of
from osiris.connectors.filesystem.csv_text import records
from osiris.connectors.filesystem.file_writer import FileFormat, WriterInput, writer_input
from osiris.errors import DataError


def csv_input(source: pa.RecordBatchReader | SqlRows, name: str) -> WriterInput:
    """The input of a CSV file. Raises `DataError` DAT013 or DAT014 for what CSV cannot hold."""
    check_csv(source.schema, name)
    return writer_input(source, csv_converts(source.schema))


def check_csv(schema: pa.Schema, name: str) -> None:
    """Raise `DataError` DAT013 or DAT014 for what CSV cannot hold."""
    check_names(schema, name)
    check_types(schema, csv_problem, name, "CSV")


def csv_format(target: Path, dialect: CsvDialect) -> FileFormat:
    """How DuckDB writes the rows: NULL is an empty field, an empty text is two quotes."""
    options = [
        f"FORMAT csv, HEADER {str(dialect.header).lower()}, DELIMITER {quote_literal(dialect.delimiter)}",
        f"QUOTE {quote_literal(dialect.quote)}, ESCAPE {quote_literal(dialect.quote)}, NULLSTR ''",
        f"COMPRESSION {quote_literal(codec_of(target, dialect.compression))}, USE_TMP_FILE false",
    ]

    def holds_rows(path: Path) -> bool:
        return _holds_rows(path, dialect)

    return FileFormat("csv", ", ".join(options), holds_rows)


def _holds_rows(path: Path, dialect: CsvDialect) -> bool:
    least = 2 if dialect.header else 1
    try:
        return sum(1 for _ in islice(records(path, dialect, path.name), least)) == least
    except DataError:
        return path.stat().st_size > 0
