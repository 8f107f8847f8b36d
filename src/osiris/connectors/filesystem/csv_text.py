"""The records of a CSV file with their line numbers: for its header, and for the search after a failure."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from osiris.connectors.filesystem.csv_dialect import CsvDialect, codec_of
from osiris.errors import DataError, Where

csv.field_size_limit(sys.maxsize)
"""The limit is one per process and small; lines are bounded by `max_line_bytes` here."""


class Record(NamedTuple):
    """The fields of one record and the line it starts at, counted from 1; `text` is as it stood."""

    line: int
    fields: list[str]
    text: str


class _Lines:
    """Lines of a text, each at most as long as allowed, kept until the record they belong to is complete."""

    def __init__(self, source: io.TextIOWrapper, limit: int, name: str) -> None:
        self._source = source
        self._limit = limit
        self._name = name
        self.number = 0
        self.pending: list[str] = []

    def __iter__(self) -> Iterator[str]:
        while line := self._source.readline(self._limit + 1):
            self.number += 1
            if len(line) > self._limit:
                raise line_too_long(self._name, self.number, self._limit)
            self.pending.append(line)
            yield line

    def taken(self) -> str:
        """The text of the record just read."""
        text = "".join(self.pending)
        self.pending.clear()
        return text


def records(path: Path, dialect: CsvDialect, name: str) -> Iterator[Record]:
    """All records in order; blank lines have no fields. Raises `DataError` for what cannot be decoded."""
    with pa.input_stream(path, compression=_arrow_codec(path, dialect)) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        lines = _Lines(text, dialect.max_line_bytes, name)
        try:
            start = 1
            for fields in csv.reader(iter(lines), **_csv_options(dialect)):
                yield Record(start, fields, lines.taken())
                start = lines.number + 1
        except UnicodeDecodeError as exc:
            raise not_utf8(name, lines.number + 1) from exc
        except csv.Error as exc:
            message = f"{name} cannot be read as CSV: {exc}."
            raise DataError("DAT005", message, where=Where(name, lines.number)) from exc
        except OSError as exc:
            raise damaged(name) from exc


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


def _arrow_codec(path: Path, dialect: CsvDialect) -> str | None:
    codec = codec_of(path, dialect.compression)
    return None if codec == "none" else codec


def _csv_options(dialect: CsvDialect) -> dict[str, Any]:
    if not dialect.quote:
        return {"delimiter": dialect.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": dialect.delimiter, "quotechar": dialect.quote, "doublequote": True}
