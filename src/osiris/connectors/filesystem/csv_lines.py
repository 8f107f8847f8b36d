"""How long the lines of a file are, found without reading all of it.

DuckDB's parallel CSV reader silently drops a line that is longer than its buffer, with all that follows, when
it is near the end of the file. Such a line fills at least one aligned block of half a buffer, so it is enough
to look for the first line end of each block.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import BinaryIO

from osiris.connectors.filesystem.csv_dialect import CsvDialect, codec_of
from osiris.connectors.filesystem.csv_text import line_too_long

_PARTS = 16
_PART_BYTES = 1 << 16


def check_line_lengths(path: Path, dialect: CsvDialect, name: str) -> None:
    """Raise `DataError` DAT004 for a line that DuckDB would drop; compressed files are left to DuckDB."""
    block = dialect.buffer_bytes // 2
    if codec_of(path, dialect.compression) != "none" or path.stat().st_size < block:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for start in range(0, len(content) - block + 1, block):
            if not _has_line_end(content, start, start + block):
                raise line_too_long(name, _line_number(content, start), dialect.max_line_bytes)


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


def _has_line_end(content: mmap.mmap, start: int, end: int) -> bool:
    return content.find(b"\n", start, end) >= 0 or content.find(b"\r", start, end) >= 0


def _line_number(content: mmap.mmap, position: int) -> int:
    lines, found = 1, content.find(b"\n", 0, position)
    while found >= 0:
        lines, found = lines + 1, content.find(b"\n", found + 1, position)
    return lines
