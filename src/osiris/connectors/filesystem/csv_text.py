"""The records of a CSV file with their line numbers: for its header, and for the search after a failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa

from osiris.connectors.filesystem.csv_dialect import CsvDialect, codec_of
from osiris.connectors.filesystem.csv_grammar import fields_of, one_record, unfinished_record
from osiris.errors import DataError, Where

_PIECE = 1 << 18
"""Bytes that are looked at together; they stay in the cache of a core."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Place(NamedTuple):
    """Where a record begins: bytes from 0, behind the byte order mark, and lines from 1."""

    offset: int = 0
    line: int = 1

    def behind(self, text: bytes) -> Place:
        """The place at the end of a text that begins here."""
        returns = text.count(b"\r") - text.count(b"\r\n") if b"\r" in text else 0
        return Place(self.offset + len(text), self.line + text.count(b"\n") + returns)


_BEGINNING = Place()


class Record(NamedTuple):
    """The fields of one record, None where one is empty and has no quotes, and the line it starts at."""

    line: int
    fields: list[str | None]
    raw: bytes


def pieces(path: Path, dialect: CsvDialect, name: str, start: Place = _BEGINNING) -> Iterator[bytes]:
    """The bytes of a file, unpacked, from a place on. Raises `DataError` DAT009."""
    before = start.offset
    with _unpacked(path, dialect, name) as raw:
        head = raw.read(len(_BYTE_ORDER_MARK)).removeprefix(_BYTE_ORDER_MARK)
        for piece in chain([head], iter(lambda: raw.read(_PIECE), b"")):
            if len(piece) > before:
                yield piece[before:]
            before = max(0, before - len(piece))


def records(path: Path, dialect: CsvDialect, name: str, start: Place = _BEGINNING) -> Iterator[Record]:
    """The records from a place on, in order; blank lines have no fields.

    Raises `DataError`: DAT002 for quotes that DuckDB does not accept, DAT003 for bytes that are not UTF-8,
    DAT004 for a record that is too long, DAT009 for a file that cannot be unpacked.
    """
    place, limit = start, dialect.max_line_bytes
    for raw, is_whole in _split(pieces(path, dialect, name, start), dialect):
        if len(raw) > limit and (is_whole or unfinished_record(dialect).match(raw)):
            raise line_too_long(name, place.line, limit)
        _check_utf8(raw, name, place)
        if not is_whole:
            raise bad_quotes(name, place.line)
        yield Record(place.line, fields_of(raw, dialect), raw)
        place = place.behind(raw)


def _split(parts: Iterable[bytes], dialect: CsvDialect) -> Iterator[tuple[bytes, bool]]:
    """Whole records, and at the end what is none or is too long for one."""
    record, text = one_record(dialect), b""
    for part in parts:
        text, end = text + part, 0
        while found := record.match(text, end):
            yield found[0], True
            end = found.end()
        text = text[end:]
        if len(text) > dialect.max_line_bytes:
            break
    if text:
        yield text, record.fullmatch(text + b"\n") is not None


@contextmanager
def _unpacked(path: Path, dialect: CsvDialect, name: str) -> Iterator[BinaryIO]:
    codec = codec_of(path, dialect.compression)
    if codec == "none":
        with path.open("rb") as raw:
            yield raw
        return
    try:
        with pa.input_stream(str(path), compression=codec) as raw:
            yield raw
    except OSError as exc:
        raise damaged(name) from exc


def _check_utf8(raw: bytes, name: str, place: Place) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError as exc:
        raise not_utf8(name, place.behind(raw[: exc.start]).line) from exc


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
