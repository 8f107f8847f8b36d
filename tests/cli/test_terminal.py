"""Text for people: measured in cells, numbers in three digits, and lines above the footer."""

from __future__ import annotations

import os
import sys
from typing import Any

import pyte
import pytest

from osiris.cli.cells import cut, width
from osiris.cli.footer import Footer
from osiris.cli.terminal import rate, size, table


@pytest.mark.parametrize(
    ("text", "cells"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("naïve …", 7), ("", 0), ("✓▸↻", 3)]
)
def test_width_is_that_on_the_screen(text: str, cells: int) -> None:
    screen = pyte.Screen(20, 2)
    pyte.Stream(screen).feed(text)
    assert width(text) == screen.cursor.x == cells


@pytest.mark.parametrize(
    ("text", "cells", "left"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 4, "abc…"),
        ("日本語", 4, "日…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("abc", -3, ""),
    ],
)
def test_a_text_is_cut_to_cells(text: str, cells: int, left: str) -> None:
    assert cut(text, cells) == left


def test_columns_of_wide_characters_are_aligned() -> None:
    lines = table([("日本", "1", ""), ("e\u0301t", "22", "")], indent=0, right=(1,))
    assert lines == ["日本   1", "e\u0301t    22"]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1640, "1.64 kB"),
        (999_499, "999 kB"),
        (999_600, "1 MB"),
        (5 * 10**13, "50 TB"),
    ],
)
def test_sizes_have_three_digits(number: int, shown: str) -> None:
    assert size(number) == shown


@pytest.mark.parametrize(
    ("rows", "milliseconds", "shown"),
    [(0, 500, "0/s"), (1, 3000, "0.333/s"), (999, 1000, "999/s"), (1_234_567, 1000, "1.23 M/s"), (5, 0, "")],
)
def test_rates_have_three_digits(rows: int, milliseconds: int, shown: str) -> None:
    assert rate(rows, milliseconds) == shown


class Terminal:
    """A screen behind a stream."""

    def __init__(self, columns: int = 40, lines: int = 10) -> None:
        self.size = os.terminal_size((columns, lines))
        self.written: list[str] = []
        self._screen = pyte.HistoryScreen(columns, lines)
        self._stream = pyte.Stream(self._screen)

    def write(self, text: str) -> None:
        self.written.append(text)
        self._stream.feed(text.replace("\n", "\r\n"))

    def flush(self) -> None:
        pass

    def fileno(self) -> int:
        raise OSError

    @property
    def lines(self) -> list[str]:
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip().split("\n")

    @property
    def row(self) -> int:
        return self._screen.cursor.y


@pytest.fixture
def terminal() -> Any:
    return Terminal()


def opened(terminal: Any) -> Footer:
    footer = Footer()
    footer.open(terminal)
    terminal.write("$ osiris\n")
    return footer


def test_the_footer_stands_below_what_is_written(terminal: Any) -> None:
    footer = opened(terminal)
    footer.show(["one", "two"], terminal.size)
    assert terminal.lines == ["$ osiris", "", "one", "two"]
    assert terminal.row == 1
    terminal.write(footer.under("a line\n"))
    assert terminal.lines == ["$ osiris", "a line", "", "one", "two"]
    footer.close()
    assert terminal.lines == ["$ osiris", "a line"]
    assert footer.under("as it is") == "as it is"


def test_a_frame_that_changes_nothing_is_not_drawn(terminal: Any) -> None:
    footer = opened(terminal)
    for _ in range(3):
        footer.show(["one"], terminal.size)
    assert len(terminal.written) == 2
    footer.show(["one"], os.terminal_size((41, 10)))
    assert len(terminal.written) == 3


def test_a_frame_with_fewer_lines_leaves_nothing_behind(terminal: Any) -> None:
    footer = opened(terminal)
    footer.show(["one long line", "two", "three"], terminal.size)
    footer.show(["1"], terminal.size)
    assert terminal.lines == ["$ osiris", "", "1"]
    footer.show([], terminal.size)
    assert terminal.lines == ["$ osiris"]


def test_a_frame_that_is_too_wide_is_cut_and_no_line_is_lost(terminal: Any) -> None:
    """The terminal has become narrower, and we have not heard of it."""
    footer = opened(terminal)
    for number in range(3):
        footer.show([f"{number} " + "x" * 100, "two"], terminal.size)
    assert [line[:3] for line in terminal.lines] == ["$ o", "", "2 x", "two"]
    assert terminal.row == 1


def test_at_the_end_of_the_screen_it_scrolls(terminal: Any) -> None:
    footer = opened(terminal)
    footer.show(["one", "two"], terminal.size)
    for number in range(20):
        terminal.write(footer.under(f"line {number}\n"))
    assert terminal.lines == [*(f"line {number}" for number in range(13, 20)), "", "one", "two"]


def test_a_line_break_that_somebody_types_costs_a_line_at_most(terminal: Any) -> None:
    footer = opened(terminal)
    footer.show(["one", "two"], terminal.size)
    terminal.write("\n")
    footer.show(["one", "three"], terminal.size)
    assert terminal.lines == ["$ osiris", "", "", "one", "three"]


@pytest.mark.parametrize("error", [OSError, ValueError, RuntimeError])
def test_a_terminal_that_is_gone_ends_the_footer_alone(
    terminal: Any, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise error

    footer = opened(terminal)
    monkeypatch.setattr(terminal, "write", fail)
    footer.show(["one"], terminal.size)
    footer.close()
    assert footer.under("x") == "x"
    assert sys.exc_info() == (None, None, None)
