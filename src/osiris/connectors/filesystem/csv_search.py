"""Finds the place in a CSV file from where it is worth to look closely, fast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, repeat

from osiris.connectors.filesystem.csv_dialect import CsvDialect
from osiris.connectors.filesystem.csv_grammar import Run, holding, one_record, records_run
from osiris.connectors.filesystem.csv_text import Place

Advance = Callable[[bytes], int]
"""How many bytes at the beginning of a text, up to the end of a record, need no close look."""


def look_from(pieces: Iterable[bytes], advance: Advance, most_bytes: int, line_end: bytes = b"\n") -> Place:
    """The first record that `advance` does not pass over, or the end; none is longer than `most_bytes`."""
    place, text, wanted = Place(), b"", 0
    for piece in pieces:
        text += piece
        if len(text) < wanted:
            continue
        passed = advance(text)
        if not passed and len(text) > most_bytes:
            return place
        place, text = place.behind(text[:passed]), text[passed:]
        wanted = 0 if passed else 2 * len(text)
    return place.behind(text[: advance(text + line_end)])


def after_header(dialect: CsvDialect, advance: Advance) -> Advance:
    """Passes over the first record, whatever is in it, then as `advance` does."""
    steps: Iterator[Advance] = chain([partial(_end, one_record(dialect))], repeat(advance))

    def step(text: bytes) -> int:
        return next(steps)(text)

    return step


def past_regular_records(dialect: CsvDialect, fields: int, line_end: bytes) -> Advance:
    """Passes over records of UTF-8 text with so many fields, none too long, all with the same line end."""
    run, record, limit = records_run(dialect, fields, line_end), one_record(dialect), dialect.max_line_bytes

    def advance(text: bytes) -> int:
        passed = _end(run, text)
        if passed > limit and any(len(found[0]) > limit for found in record.finditer(text, 0, passed)):
            return 0
        return passed if _is_utf8(text[:passed]) else 0

    return advance


def past_closed_quotes(dialect: CsvDialect) -> Advance:
    """Passes over records with any number of fields, each properly quoted."""
    return partial(_end, records_run(dialect))


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


def _end(run: Run, text: bytes) -> int:
    found = run.match(text)
    return found.end() if found else 0


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
