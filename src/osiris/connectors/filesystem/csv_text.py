"""The records of a CSV file with their line numbers: for its header, and for the search after a failure."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from osiris.connectors.filesystem.csv_dialect import CsvDialect, codec_of
from osiris.errors import DataError, Where

csv.field_size_limit(sys.maxsize)
"""The limit is one per process and small; lines are bounded by `max_line_bytes` here."""

_UNDECODED = re.compile("[\udc80-\udcff]")
"""Bytes that are not UTF-8, as the error handler `surrogateescape` leaves them."""


_PIECE = 1 << 18
"""Bytes that are looked at together; they stay in the cache of a core."""


class Place(NamedTuple):
    """Where a record begins: bytes from 0, lines from 1."""

    offset: int = 0
    line: int = 1


_BEGINNING = Place()


class Record(NamedTuple):
    """The fields of one record and the line it starts at, counted from 1; `text` is as it stood."""

    line: int
    fields: list[str]
    text: str


class _Lines:
    """Decoded lines, kept until the record they belong to is complete; a record may be `limit` long."""

    def __init__(self, source: io.TextIOWrapper, limit: int, name: str, first: int) -> None:
        self._source = source
        self._limit = limit
        self._name = name
        self._pending: list[str] = []
        self._room = limit
        self.number = first - 1
        self.start = first

    def __iter__(self) -> Iterator[str]:
        while line := self._source.readline(self._room + 1):
            self.number += 1
            self._room -= len(line) if line.isascii() else len(line.encode("utf-8", "surrogateescape"))
            if self._room < 0:
                raise line_too_long(self._name, self.start, self._limit)
            self._check_encoding(line)
            self._pending.append(line)
            yield line

    def take(self, fields: list[str]) -> Record:
        """The record that has just become complete."""
        record = Record(self.start, fields, "".join(self._pending))
        self._pending.clear()
        self._room = self._limit
        self.start = self.number + 1
        return record

    def _check_encoding(self, line: str) -> None:
        if not line.isascii() and _UNDECODED.search(line):
            raise not_utf8(self._name, self.number)


def pieces(path: Path, dialect: CsvDialect, name: str) -> Iterator[bytes]:
    """The bytes of a file, unpacked. Raises `DataError` DAT009."""
    with _unpacked(path, dialect, name) as raw:
        yield from iter(lambda: raw.read(_PIECE), b"")


def records(
    path: Path, dialect: CsvDialect, name: str, *, strict: bool = False, start: Place = _BEGINNING
) -> Iterator[Record]:
    """The records from a place on, in order; blank lines have no fields.

    Raises `DataError` DAT003, DAT004 or DAT009 for what cannot be decoded, and where `strict`, DAT002 for
    quotes that do not follow RFC 4180.
    """
    with _unpacked(path, dialect, name) as raw:
        _skip(raw, start.offset)
        encoding = "utf-8" if start.offset else "utf-8-sig"
        text = io.TextIOWrapper(raw, encoding=encoding, errors="surrogateescape", newline="")
        lines = _Lines(text, dialect.max_line_bytes, name, start.line)
        try:
            for fields in csv.reader(iter(lines), strict=strict, **_csv_options(dialect)):
                yield lines.take(fields)
        except csv.Error as exc:
            raise bad_quotes(name, lines.start) from exc


@contextmanager
def _unpacked(path: Path, dialect: CsvDialect, name: str) -> Iterator[BinaryIO]:
    codec = codec_of(path, dialect.compression)
    try:
        with path.open("rb") if codec == "none" else pa.input_stream(str(path), compression=codec) as raw:
            yield raw
    except OSError as exc:
        if codec == "none":
            raise
        raise damaged(name) from exc


def _skip(raw: BinaryIO, size: int) -> None:
    if raw.seekable():
        raw.seek(size)
    while size and not raw.seekable():
        size -= len(raw.read(min(size, _PIECE)))


def bad_quotes(name: str, line: int | None) -> DataError:
    """A quoted field that does not end, or goes on after its end."""
    hint = (
        "Inside quotes, write a quote as two quotes; set quote to the file's own character, or '' for none."
    )
    message = f"A quoted field of {name} does not end as it should."
    return DataError("DAT002", message, hint=hint, where=Where(name, line))


def line_too_long(name: str, line: int | None, limit: int) -> DataError:
    """A line is longer than `max_line_bytes`."""
    hint = "Raise max_line_bytes if the line is meant to be so long; often a closing quote is missing."
    message = f"A line of {name} is longer than max_line_bytes ({limit:,} bytes)."
    return DataError("DAT004", message, hint=hint, where=Where(name, line))


def not_utf8(name: str, line: int | None) -> DataError:
    """Bytes that are not UTF-8."""
    hint = "Convert the file first, for example: iconv -f WINDOWS-1252 -t UTF-8."
    return DataError(
        "DAT003", f"{name} holds bytes that are not UTF-8 text.", hint=hint, where=Where(name, line)
    )


def damaged(name: str) -> DataError:
    """A compressed file that cannot be unpacked."""
    hint = "Fetch the file again, or set compression to what the file really is: none, gzip or zstd."
    return DataError(
        "DAT009", f"{name} cannot be unpacked: it is damaged or cut off.", hint=hint, where=Where(name)
    )


def _csv_options(dialect: CsvDialect) -> dict[str, Any]:
    if not dialect.quote:
        return {"delimiter": dialect.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": dialect.delimiter, "quotechar": dialect.quote, "doublequote": True}
