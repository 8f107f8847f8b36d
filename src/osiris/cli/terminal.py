"""The one way out to the terminal: redacted, without control characters, coloured only where that helps."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, cast

from osiris.cli import cells
from osiris.cli.footer import footer
from osiris.linestream import LineStream
from osiris.redaction import redactor

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_PAINT = re.compile(r"(\x1b\[(?:0|1|2|3[1-4])m)")
"""The sequences that `paint` makes; they may pass, every other one is made visible."""
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "bold": "1", "dim": "2"}


def out(text: str = "") -> None:
    """One line of the answer, to stdout."""
    _write(own_stream(sys.stdout), text)


def say(text: str = "") -> None:
    """One line about what is going on, to stderr; one that cannot be written is dropped."""
    stream = own_stream(sys.stderr)
    try:
        _write(stream, text)
    except (OSError, ValueError):  # full, gone or closed: no message is worth the run
        _give_up(stream)


def answer(ok: bool, document: Mapping[str, Any]) -> None:
    """The one JSON document that `--json` promises on stdout; `ok` goes with exit code 0."""
    out_json({"ok": ok, **document})


def out_json(document: Any) -> None:
    """A JSON document, to stdout."""
    text = json.dumps(redactor.record(document), ensure_ascii=False, indent=2)
    _put(
        own_stream(sys.stdout), _visible(text)
    )  # JSON's own escapes, as all these characters stand inside texts


def paint(text: str, colour: str, stream: IO[str] | None = None) -> str:
    """The text in a colour, where the stream is a terminal and NO_COLOR is not set."""
    return (
        f"\x1b[{_COLOURS[colour]}m{clean(text)}\x1b[0m"
        if has_colour(own_stream(stream or sys.stdout))
        else text
    )


def has_colour(stream: IO[str]) -> bool:
    """Whether colours are wanted and understood (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_columns() -> int:
    """How wide the terminal is that stdout goes to; without bound where it goes elsewhere or nobody knows."""
    try:
        return os.get_terminal_size(own_stream(sys.stdout).fileno()).columns or sys.maxsize
    except (OSError, ValueError):
        return sys.maxsize


def clean(text: str) -> str:
    """The text with secrets masked and control characters made visible: data must not drive a terminal."""
    return _visible(redactor.text(text))


def in_one_line(text: str) -> str:
    """The text without line ends and tabs, so that data cannot pass itself off as a line of ours."""
    return text.replace("\n", " ").replace("\t", " ")


def _visible(text: str) -> str:
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def table(
    rows: Iterable[Sequence[str]], indent: int = 2, right: Container[int] = (), *, wrap: bool = False
) -> list[str]:
    """Lines with aligned columns, without the empty ones; `right` names those that align to the right.

    With `wrap` the last column is broken where a terminal is too narrow for it.
    """
    texts = [[clean(in_one_line(cell)) for cell in row] for row in rows]
    widths = [max(map(cells.width, column)) for column in zip(*texts, strict=True)] if texts else []
    if wrap:
        texts = _wrapped(texts, indent + sum(width + 2 for width in widths[:-1] if width))
    pads = [cells.right if number in right else cells.left for number in range(len(widths))]
    columns = list(zip(pads, widths, strict=True))
    lines = ("  ".join(pad(t, w) for t, (pad, w) in zip(row, columns, strict=True) if w) for row in texts)
    return [(" " * indent + line).rstrip() for line in lines]


_NARROWEST = 24
"""Fewer characters in a column make no text."""


def _wrapped(rows: list[list[str]], before: int) -> list[list[str]]:
    """The rows with the last cell in as many lines as it needs beside what stands before it."""
    room = shutil.get_terminal_size().columns - before
    if not own_stream(sys.stdout).isatty() or room < _NARROWEST:
        return rows
    wrapped = []
    for *others, text in rows:
        first, *more = textwrap.wrap(text, room) or [""]
        wrapped += [[*others, first], *([*[""] * len(others), line] for line in more)]
    return wrapped


def count(number: int, noun: str) -> str:
    """`1 row`, `1,234 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_PREFIXES = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def size(number: int) -> str:
    """Bytes in the unit that reads best."""
    return f"{_in_three_digits(number)}B"


def rate(rows: int, milliseconds: int) -> str:
    """Rows per second, such as `1.2 M/s`; nothing where no time has passed."""
    return f"{_in_three_digits(rows * 1000 / milliseconds).rstrip()}/s" if milliseconds else ""


def _in_three_digits(number: float) -> str:
    """`345 `, `1.64 k`, `12 M`: what is left to add is the unit."""
    for factor, prefix in _PREFIXES:
        if number >= factor * 0.9995:  # what would round to 1000 of the prefix below
            return f"{number / factor:.3g} {prefix}"
    return f"{number:.3g} "


def duration(milliseconds: int) -> str:
    """Milliseconds as seconds, or as minutes and seconds."""
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes} min {rest // 1000} s" if minutes else f"{rest / 1000:.2f} s"


@contextmanager
def foreign_output() -> Iterator[None]:
    """While this lasts, what foreign code prints goes to stderr, cleaned, and never into our answer."""
    if isinstance(sys.stdout, LineStream):
        yield
        return
    before = sys.stdout, sys.stderr
    with _own_stdout(sys.stdout) as own:
        streams = sys.stdout, sys.stderr = cast(Any, (_said(own), _said(sys.stderr)))
        try:
            yield
        finally:
            for stream in streams:
                stream.close()
            sys.stdout, sys.stderr = before


def _said(own: IO[str]) -> LineStream:
    """Stands in for `own`, which our own lines go on to use: what is written to it is said instead."""
    return LineStream(own, say, lambda: own_stream(sys.stderr).fileno())


@contextmanager
def _own_stdout(stdout: IO[str]) -> Iterator[IO[str]]:
    """A way to stdout that foreign code does not know: the descriptor 1 itself leads to stderr meanwhile."""
    if not isinstance(stdout, io.TextIOWrapper) or not _has_descriptor(stdout, 1):
        yield stdout
        return
    stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with open(kept, "w", encoding=stdout.encoding, errors=stdout.errors, closefd=False) as own:
            yield own
    finally:
        with suppress(OSError):  # what foreign code wrote to sys.__stdout__
            stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _has_descriptor(stream: IO[str], number: int) -> bool:
    try:
        return stream.fileno() == number
    except (OSError, ValueError):
        return False


def open_standard_streams() -> None:
    """Let the three standard streams exist: one that the caller closed swallows what is written to it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    # Python leaves None where a stream was closed.
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def own_stream(stream: IO[str]) -> IO[str]:
    return stream.own if isinstance(stream, LineStream) else stream


def _write(stream: IO[str], text: str) -> None:
    pieces = _PAINT.split(text) if has_colour(stream) else [text]
    _put(stream, "".join(piece if _PAINT.fullmatch(piece) else clean(piece) for piece in pieces))


def _put(stream: IO[str], text: str) -> None:
    """Write a line. Nobody reading any more is no reason to stop: the exit code still says how it went."""
    line = text + "\n"
    try:
        with footer.lock:
            stream.write(footer.under(line) if stream.isatty() else line)
            stream.flush()
    except BrokenPipeError:
        _give_up(stream)
    except OSError:
        _give_up(stream)
        raise


def _give_up(stream: IO[str]) -> None:
    """Let what the stream still holds, and all that follows, go nowhere."""
    with suppress(OSError, ValueError):
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
