"""Finds the place in a CSV file from where it is worth to look closely, fast."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from osiris.connectors.filesystem.csv_dialect import CsvDialect
from osiris.connectors.filesystem.csv_grammar import ANY_LINE_END, Run, holding, records_run
from osiris.connectors.filesystem.csv_text import Place

_LINE_END = re.compile(ANY_LINE_END)

Advance = Callable[[bytes], int]
"""How many bytes at the beginning of a text, up to the end of a record, need no close look."""


def look_from(pieces: Iterable[bytes], advance: Advance, most_bytes: int) -> Place:
    """The first record that `advance` does not pass over; no record is longer than `most_bytes`."""
    place, text, wanted = Place(), b"", 0
    for piece in pieces:
        text += piece
        if len(text) < wanted:
            continue
        passed = advance(text)
        if not passed and len(text) > most_bytes:
            return place
        place, text = _behind(place, text[:passed]), text[passed:]
        wanted = 0 if passed else 2 * len(text)
    return _behind(place, text[: advance(text)])


def past_regular_records(dialect: CsvDialect, fields: int, line_end: bytes) -> Advance:
    """Passes over records of UTF-8 text with so many fields, all with the same line end."""
    run = records_run(dialect, fields, line_end)

    def advance(text: bytes) -> int:
        passed = _end(run, text)
        return passed if _is_utf8(text[:passed]) else 0

    return advance


def past_closed_quotes(dialect: CsvDialect) -> Advance:
    """Passes over records with any number of fields, each properly quoted."""
    run = records_run(dialect)
    return lambda text: _end(run, text)


def past_other_values(
    dialect: CsvDialect, fields: int, line_end: bytes, position: int, value: bytes, *, cut: bool
) -> Advance:
    """Passes over records whose field at `position` is not the value, or a longer one where it is `cut`."""
    quote = dialect.quote.encode()
    part = max(value.split(quote) if quote else [value], key=len)
    plain = records_run(dialect, fields, line_end)
    careful = records_run(dialect, fields, line_end, holding(dialect, position, value, cut=cut))

    def advance(text: bytes) -> int:
        if part in text:
            return _end(careful, text)
        if quote and quote in text:
            return _end(plain, text)
        return text.rfind(line_end) + len(line_end) if line_end in text else 0

    return advance


def line_end_of(text: bytes) -> bytes:
    """The first line end in a text, a line feed where there is none."""
    found = _LINE_END.search(text)
    return found[0] if found else b"\n"


def _behind(place: Place, passed: bytes) -> Place:
    return Place(place.offset + len(passed), place.line + len(_LINE_END.findall(passed)))


def _end(run: Run, text: bytes) -> int:
    found = run.match(text)
    return found.end() if found else 0


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
