"""What DuckDB's strict CSV reader accepts, as patterns over bytes that match a whole run of records at once.

One space may stand before a quoted field and any number after it, and then it may go on with a quote again; a
quote amid a field without quotes is a plain character.

Every repetition is possessive: a run ends where a record begins that does not fit; nothing is tried twice.
"""

from __future__ import annotations

import re
from functools import lru_cache

from osiris.connectors.filesystem.csv_dialect import CsvDialect

_CARRIAGE_RETURN = rb"\r(?!\n|\Z)"
"""At the end of a text it may be half of a line end."""

_ANY_LINE_END = rb"(?:\r\n|\n|%b)" % _CARRIAGE_RETURN

Run = re.Pattern[bytes]


@lru_cache
def records_run(
    dialect: CsvDialect, fields: int | None = None, line_end: bytes = b"", without: bytes = rb"(?!)"
) -> Run:
    """Matches whole records: of so many fields, with this line end, none of which begins like `without`.

    Without `fields` or `line_end` any will do.
    """
    end = {b"": _ANY_LINE_END, b"\r": _CARRIAGE_RETURN}.get(line_end, line_end)
    record = _record(dialect, b"*+" if fields is None else rb"{%d}" % (fields - 1), end)
    return re.compile(rb"(?:(?!%b)(?:%b|%b))*+" % (without, record, end))


@lru_cache
def one_record(dialect: CsvDialect) -> Run:
    """Matches one record with its line end."""
    return re.compile(_record(dialect, b"*+", _ANY_LINE_END))


@lru_cache
def unfinished_record(dialect: CsvDialect) -> Run:
    """Matches a text that more text could make a record of."""
    field, delimiter, quote = _field(dialect), _delimiter(dialect), _quote(dialect)
    opened = rb" ?%b(?:[^%b]|%b%b)*+" % (quote, quote, quote, quote) if quote else rb"(?!)"
    return re.compile(rb"(?:%b%b)*+(?:%b|%b)\r?\Z" % (field, delimiter, field, opened))


def fields_of(record: bytes, dialect: CsvDialect) -> list[str | None]:
    """The fields of a whole record as DuckDB reads them, None where one is empty and has no quotes."""
    text, delimiter = record.rstrip(b"\r\n"), dialect.delimiter.encode()
    field, fields, place = _one_field(dialect), list[str | None](), 0
    while text and place <= len(text):
        found = field.match(text, place)
        fields.append(_value(found[0] if found else b"", dialect))
        place = (found.end() if found else place) + len(delimiter)
    return fields


def _value(field: bytes, dialect: CsvDialect) -> str | None:
    quote, space = dialect.quote.encode(), b"" if dialect.delimiter == " " else b" "
    if not field or not quote or not field.startswith((quote, space + quote)):
        return field.decode() or None
    inner = field.removeprefix(space).rstrip(space) if space else field
    return quote.join(part.replace(quote, b"") for part in inner[1:-1].split(quote * 2)).decode()


@lru_cache
def _one_field(dialect: CsvDialect) -> Run:
    return re.compile(_field(dialect))


def opening(dialect: CsvDialect) -> re.Pattern[bytes]:
    """Matches a delimiter or line end and a quote, its group, that can only open a field.

    Inside quotes a quote that no second one, no delimiter, line end or space follows is an error.
    """
    delimiter, quote = _delimiter(dialect), _quote(dialect)
    return re.compile(rb"(?:%b|[\r\n])(%b)(?!%b|%b|[\r\n ])(?s:.)" % (delimiter, quote, quote, delimiter))


def holding(dialect: CsvDialect, position: int, value: bytes, *, cut: bool) -> bytes:
    """A pattern of records whose field at `position` is the value, or where it is `cut`, begins with it."""
    skipped = rb"(?:%b%b){%d}" % (_field(dialect), _delimiter(dialect), position)
    end = b"" if cut else rb"(?:%b|[\r\n])" % _delimiter(dialect)
    plain = re.escape(value) + end if value else rb"(?!)"
    if not dialect.quote:
        return skipped + plain
    quote = _quote(dialect)
    inner = re.escape(value.replace(dialect.quote.encode(), dialect.quote.encode() * 2))
    quoted = rb" ?%b%b" % (quote, inner) + (b"" if cut else rb"%b *%b" % (quote, end))
    return rb"%b(?:%b|%b)" % (skipped, plain, quoted)


def _record(dialect: CsvDialect, times: bytes, line_end: bytes) -> bytes:
    """So many fields and one more; DuckDB takes more NULLs at the end for nothing."""
    field, delimiter = _field(dialect), _delimiter(dialect)
    nulls = b"|".join([*(re.escape(word.encode()) for word in dialect.null_values), b""])
    return rb"(?:%b%b)%b%b(?:%b(?:%b))*+%b" % (field, delimiter, times, field, delimiter, nulls, line_end)


def _field(dialect: CsvDialect) -> bytes:
    single = len(dialect.delimiter.encode()) == 1
    other = (rb"[^\r\n%b]" if single else rb"(?:(?!%b)[^\r\n])") % _delimiter(dialect)
    if not dialect.quote:
        return rb"%b*+" % other
    quote, space = _quote(dialect), b"" if dialect.delimiter == " " else b" "
    body = rb"%b[^%b]*+(?:%b%b[^%b]*+)*+%b" % ((quote,) * 6)
    again = rb"(?:%b+%b)*+%b*+" % (space, body, space) if space else b""
    before = rb"%b?" % space if space else b""
    return rb"(?:%b%b%b|(?!%b%b)%b*+)" % (before, body, again, before, quote, other)


def _delimiter(dialect: CsvDialect) -> bytes:
    return re.escape(dialect.delimiter.encode())


def _quote(dialect: CsvDialect) -> bytes:
    return re.escape(dialect.quote.encode())
