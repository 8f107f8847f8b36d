"""How long the lines of a file are, found without reading all of it.

DuckDB's parallel CSV reader silently drops a line that is longer than its buffer, with all that follows, when
it is near the end of the file. Such a line fills at least one aligned block of half a buffer, so it is enough
to look for the first line end of each block.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import BinaryIO

from osiris.connectors.filesystem.csv_dialect import CsvDialect, codec_of
from osiris.connectors.filesystem.csv_text import line_too_long

_PARTS = 16
_PART_BYTES = 1 << 16
_CUTS_PER_BUFFER = 4


def check_line_lengths(path: Path, dialect: CsvDialect, name: str) -> None:
    """Raise `DataError` DAT004 for a line that DuckDB would drop; compressed files are left to DuckDB."""
    block, size = dialect.buffer_bytes // 2, path.stat().st_size
    if codec_of(path, dialect.compression) != "none":
        return
    with path.open("rb", buffering=0) as file:
        for start in range(0, size - block + 1, block):
            if not _has_line_end(file, start, start + block):
                raise line_too_long(name, _line_number(file, start), dialect.max_line_bytes)


def begins_well_after_cuts(path: Path, dialect: CsvDialect, fields: int) -> bool:
    """Whether the first whole line after each place where DuckDB cuts a file for threads has all its fields.

    Where it has not, DuckDB's parallel reader may drop the whole last piece without a word.
    """
    size = path.stat().st_size
    step = max(1, dialect.buffer_bytes // _CUTS_PER_BUFFER)
    with path.open("rb") as file:
        lines = (_line_after(file, cut, dialect.max_line_bytes) for cut in range(step, size, step))
        return all(_has_fields(line, dialect, fields) for line in lines)


def _line_after(file: BinaryIO, position: int, limit: int) -> bytes:
    file.seek(position)
    file.readline(limit)
    return file.readline(limit)


def _has_fields(line: bytes, dialect: CsvDialect, fields: int) -> bool:
    """Whether a line is one record of so many fields; the end of the file is none that could be wrong."""
    try:
        rows = csv.reader(
            [line.decode()],
            delimiter=dialect.delimiter,
            quotechar=dialect.quote or None,
            quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
            strict=True,
        )
        return not line or [len(row) for row in rows] == [fields]
    except (UnicodeDecodeError, csv.Error):
        return False


def longest_average(path: Path, dialect: CsvDialect) -> int:
    """The average length of a line in bytes, in that part of a plain file where lines are longest."""
    size = path.stat().st_size
    if codec_of(path, dialect.compression) != "none" or size < _PARTS * _PART_BYTES:
        return 1
    with path.open("rb") as file:
        return max(_average(file, start) for start in range(0, size - _PART_BYTES, size // _PARTS))


def _average(file: BinaryIO, start: int) -> int:
    file.seek(start)
    part = file.read(_PART_BYTES)
    return len(part) // max(1, part.count(b"\n"), part.count(b"\r"))


def _has_line_end(file: BinaryIO, start: int, end: int) -> bool:
    """Read piece by piece: a mapped file would count as memory of the process."""
    file.seek(start)
    pieces = range(start, end, _PART_BYTES)
    return any(b"\n" in part or b"\r" in part for part in (file.read(_PART_BYTES) for _ in pieces))


def _line_number(file: BinaryIO, position: int) -> int:
    file.seek(0)
    pieces = (file.read(min(_PART_BYTES, position - start)) for start in range(0, position, _PART_BYTES))
    return 1 + sum(part.count(b"\n") for part in pieces)
