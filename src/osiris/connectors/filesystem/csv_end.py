"""Whether a CSV file ends inside quotes, found while its bytes pass.

DuckDB's single-threaded reader takes the end of the file for the end of such a record and drops it, with all
the lines that the open quote has swallowed.
"""

from __future__ import annotations

from osiris.connectors.filesystem.csv_dialect import CsvDialect
from osiris.connectors.filesystem.csv_grammar import opening, records_run

_SEARCHED_BYTES = 1 << 14
"""So much of a piece is searched for a quote that surely opens a field; many files have one in each line."""

_MOST_BYTES = 4 << 20


class EndOfQuotes:
    """Takes the pieces of a file in order; `is_missing` says whether its last quotes are never closed."""

    def __init__(self, dialect: CsvDialect) -> None:
        self._quote = dialect.quote.encode()
        self._opening = opening(dialect)
        self._records = records_run(dialect)
        self._text = bytearray()

    def add(self, piece: bytes) -> None:
        """Follow the text; only what comes after the last quote of known meaning is kept."""
        if not self._quote:
            return
        surely = self._opening.search(piece, 0, _SEARCHED_BYTES)
        if surely:
            self._text[:] = piece[surely.start(1) :]
            return
        self._text += _first_and_last_line(piece) if self._is_neutral(piece) else piece
        if len(self._text) > _MOST_BYTES:
            del self._text[: self._end_of_records(self._text)]

    @property
    def is_missing(self) -> bool:
        """Whether what is kept does not end with a complete record."""
        text = self._text + b"\n"
        return self._end_of_records(text) < len(text)

    def _is_neutral(self, piece: bytes) -> bool:
        """Whether the quotes are open, or closed, after a piece as they were before it."""
        inner = b"" if self._quote in (piece[:1], piece[-1:]) else self._quote * 2
        return self._quote not in (piece.replace(inner, b"") if inner else piece)

    def _end_of_records(self, text: bytearray) -> int:
        run = self._records.match(text)
        return run.end() if run else 0


def _first_and_last_line(piece: bytes) -> bytes:
    """The piece without its whole lines."""
    ends = [place for mark in (b"\n", b"\r") for place in (piece.find(mark), piece.rfind(mark)) if place >= 0]
    return piece[: min(ends) + 1] + piece[max(ends) + 1 :] if ends else piece
