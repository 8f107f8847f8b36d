"""The one way out to the terminal: redacted, without control characters, coloured only where that helps."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import IO, Any

from osiris.redaction import redactor

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_PAINT = re.compile(r"(\x1b\[(?:0|1|2|3[1-4])m)")
"""The sequences that `paint` makes; they may pass, every other one is made visible."""
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "bold": "1", "dim": "2"}


def out(text: str = "") -> None:
    """One line of the answer, to stdout."""
    _write(sys.stdout, text)


def say(text: str = "") -> None:
    """One line about what is going on, to stderr."""
    _write(sys.stderr, text)


def out_json(document: Any) -> None:
    """The one JSON document that `--json` promises on stdout."""
    text = json.dumps(redactor.data(document), ensure_ascii=False, indent=2)
    _put(sys.stdout, _visible(text))  # JSON's own escapes, as all these characters stand inside texts


def paint(text: str, colour: str, stream: IO[str] | None = None) -> str:
    """The text in a colour, where the stream is a terminal and NO_COLOR is not set."""
    return f"\x1b[{_COLOURS[colour]}m{clean(text)}\x1b[0m" if has_colour(stream or sys.stdout) else text


def has_colour(stream: IO[str]) -> bool:
    """Whether colours are wanted and understood (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def clean(text: str) -> str:
    """The text with secrets masked and control characters made visible: data must not drive a terminal."""
    return _visible(redactor.text(text))


def in_one_line(text: str) -> str:
    """The text without line ends, so that data cannot pass itself off as a line of ours."""
    return " ".join(text.split("\n"))


def _visible(text: str) -> str:
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def table(rows: Iterable[Sequence[str]], indent: int = 2, right: Iterable[int] = ()) -> list[str]:
    """Lines with aligned columns; `right` names the columns that align to the right."""
    cells = [[clean(in_one_line(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)] if cells else []
    aligned = set(right)
    lines = []
    for row in cells:
        parts = [
            c.rjust(w) if i in aligned else c.ljust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * indent + "  ".join(parts)).rstrip())
    return lines


def count(number: int, noun: str) -> str:
    """`1 row`, `1,234 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def size(number: int) -> str:
    """Bytes in the unit that reads best."""
    for factor, unit in _UNITS:
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number} B"


def duration(milliseconds: int) -> str:
    """Milliseconds as seconds, or as minutes and seconds."""
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes} min {rest // 1000} s" if minutes else f"{rest / 1000:.2f} s"


class CleanStream(io.TextIOBase):
    """A stream for code that prints by itself, such as a driver: whole lines, cleaned, to stderr."""

    def __init__(self) -> None:
        self._to = sys.stderr
        self._line = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            _write(self._to, line)
        return len(text)

    def close(self) -> None:
        """Write what has no line end; the stream behind stays open."""
        if self._line:
            self.write("\n")
        super().close()


def _write(stream: IO[str], text: str) -> None:
    pieces = _PAINT.split(text) if has_colour(stream) else [text]
    _put(stream, "".join(piece if _PAINT.fullmatch(piece) else clean(piece) for piece in pieces))


def _put(stream: IO[str], text: str) -> None:
    """Write a line. Nobody reading any more is no reason to stop: the exit code still says how it went."""
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
