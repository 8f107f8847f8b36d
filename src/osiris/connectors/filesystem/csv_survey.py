"""One look through a whole CSV file before any of its rows is delivered.

DuckDB takes the end of a cut-off zstd frame for the end of the file and does not compare gzip's checksum, so
rows would be lost without a word. Its parallel reader guesses where the lines of a thread begin; line breaks
inside quotes can mislead it, and it delivers wrong rows before it notices, if its consumer reads on so far.
Its single-threaded reader drops a last record whose quotes are never closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from osiris.connectors.filesystem.csv_dialect import CsvDialect, codec_of
from osiris.connectors.filesystem.csv_end import EndOfQuotes
from osiris.connectors.filesystem.csv_search import look_from, past_closed_quotes
from osiris.connectors.filesystem.csv_text import bad_quotes, pieces
from osiris.errors import Cancelled

_HEAD_BYTES = 16 << 20


def seems_shareable(path: Path, dialect: CsvDialect) -> bool:
    """Whether the first part of a plain file has no line break inside quotes.

    It is enough for a statement that reads to the end of the file before anything of it counts: there the
    parallel reader notices that it was misled.
    """
    if codec_of(path, dialect.compression) != "none":
        return False
    with path.open("rb") as file:
        return not _breaks_inside_quotes([file.read(_HEAD_BYTES)], dialect.quote)


def may_be_shared(path: Path, dialect: CsvDialect, name: str, stopped: Callable[[], bool]) -> bool:
    """Whether several threads may read the file: it is plain, and no line break stands inside quotes.

    Raises `DataError` DAT009 for a compressed file that is damaged or cut off and DAT002 for a file that one
    thread must read and that ends inside quotes, `Cancelled` when `stopped`.
    """
    look = partial(_pieces, path, dialect, name, stopped)
    if codec_of(path, dialect.compression) == "none" and not _breaks_inside_quotes(look(), dialect.quote):
        return True
    end = EndOfQuotes(dialect)
    for piece in look():
        end.add(piece)
    if end.is_missing:
        open_record = look_from(look(), past_closed_quotes(dialect), dialect.buffer_bytes)
        raise bad_quotes(name, open_record.line)
    return False


def _breaks_inside_quotes(parts: Iterable[bytes], character: str) -> bool:
    """Whether a line end follows an odd number of quotes; a quote amid a field without quotes counts too.

    Of each piece only quotes and line ends are kept. Then a run of quotes is what one line has, and a run of
    odd length, unless it is the last one, is a field that goes on in the next line.
    """
    if not character:
        return False
    quote = character.encode()
    others = bytes(byte for byte in range(256) if byte not in b"\r\n" + quote)
    opened = b""
    for piece in parts:
        if not opened and quote not in piece:
            continue
        kept = opened + piece.translate(None, others)
        odd_runs = kept.count(quote) - 2 * kept.count(quote + quote)
        last_run = len(kept) - len(kept.rstrip(quote))
        opened = quote * (last_run % 2)
        if odd_runs > len(opened):
            return True
    return False


def _pieces(path: Path, dialect: CsvDialect, name: str, stopped: Callable[[], bool]) -> Iterator[bytes]:
    for piece in pieces(path, dialect, name):
        if stopped():
            raise Cancelled("RUN003", f"Looking through {name} was stopped.")
        yield piece
