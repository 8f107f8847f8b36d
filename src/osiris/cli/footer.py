"""Lines that stay at the end of the terminal while others go by above them.

The cursor rests on an empty line above the footer, so each frame is drawn downwards from where the cursor is.
Nothing depends on where the terminal has put the lines below: a change of its size, a line break that
somebody typed or a stray line of a library's cost one line at most. A frame is one write. Only inside it the
cursor is hidden and lines are cut instead of wrapped (a terminal may have become narrower before we hear of
it), so the terminal is in order again whatever ends the process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import IO

_ERASE = "\r\x1b[J"
_LINE_END = "\x1b[K"
_BEGIN, _END = "\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h"

_PATIENCE_SECONDS = 0.2
"""How long a process that ends at once waits for a write that goes on."""


class Footer:
    """The footer of the terminal behind one stream; without a stream it is not there."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._stream: IO[str] | None = None
        self._lines: tuple[str, ...] = ()
        self._size: os.terminal_size | None = None

    def open(self, stream: IO[str]) -> None:
        """Take place below what is written from now on."""
        with self.lock:
            self._stream = stream

    def show(self, lines: Sequence[str], size: os.terminal_size) -> None:
        """Draw the lines, unless they stand there already; each must be narrower than the terminal."""
        with self.lock:
            if self._stream is None:
                return
            if not _is_in_foreground(self._stream):
                self._lines = ()  # the terminal is somebody else's now, who has written over them
            elif not lines:
                self.clear()
            elif (tuple(lines), size) != (self._lines, self._size):
                self._lines, self._size = tuple(lines), size
                self._draw(self._stream, self._frame())

    def under(self, text: str) -> str:
        """What to write to the terminal, so that the text goes by above."""
        return f"{_ERASE}{text}{self._frame()}" if self._lines else text

    def clear(self) -> None:
        """Remove the lines until they are shown again."""
        with self.lock:
            if self._lines and self._stream is not None:
                self._lines = ()
                self._draw(self._stream, _ERASE)

    def close(self) -> None:
        """Remove the lines for good; a second call does nothing."""
        with self.lock:
            self.clear()
            self._stream = None

    def close_at_once(self) -> None:
        """As `close`, but for a process that must end, whoever still writes."""
        if self.lock.acquire(timeout=_PATIENCE_SECONDS):
            self.close()

    def _frame(self) -> str:
        below = "".join(f"\r\n{line}{_LINE_END}" for line in self._lines)
        back = f"\x1b[{len(self._lines)}A\r"
        return f"{_BEGIN}\r{_LINE_END}{below}\x1b[J{back}{_END}"

    def _draw(self, stream: IO[str], text: str) -> None:
        try:
            stream.write(text)
            stream.flush()
        except (OSError, ValueError, RuntimeError):  # full, gone, closed, or a signal came into a write
            self._lines, self._stream = (), None


footer = Footer()
"""The process's footer: all output goes through `terminal`, which leaves room for it."""


def _is_in_foreground(stream: IO[str]) -> bool:
    """Whether the terminal is this process's to draw on, and not the shell's that has put it aside."""
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except OSError:  # not the terminal that controls the process, so no shell will take it away
        return True
