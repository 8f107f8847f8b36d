"""The live display of a run: a board of its steps in the footer, and above it what must not be missed."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import IO, Any, Self

from osiris.adapters import ExecutionAdapter
from osiris.cli.board import SIGNS, Board
from osiris.cli.footer import footer
from osiris.cli.lines import KEPT, Lines
from osiris.cli.terminal import own_stream

_USUAL_SIZE = os.terminal_size((80, 24))
"""Of a terminal that does not know its own."""

_FRAME_SECONDS = 0.125
_REST = 20
"""A frame is followed by so many times its work of rest: with a thousand steps frames become rarer."""

_FIRST_FRAME_SECONDS = 0.3
"""What is over sooner is told by its summary alone."""


def can_be_live(stream: IO[str]) -> bool:
    """Whether somebody looks at the stream through a terminal that obeys, and that knows our signs."""
    terminal = own_stream(stream)
    if not terminal.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return False
    try:
        "".join(sign for sign, _ in SIGNS.values()).encode(getattr(terminal, "encoding", "ascii"))
    except UnicodeEncodeError:
        return False
    return True


def _size(terminal: IO[str]) -> os.terminal_size:
    size = os.get_terminal_size(terminal.fileno())
    return size if all(size) else _USUAL_SIZE


class LiveDisplay:
    """Draws the board anew, eight times a second at most, until the block ends."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = own_stream(stream)
        self._kept = Lines(KEPT)
        self._board = Board()
        self._adapter: ExecutionAdapter | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._draw_until_ended, name="display", daemon=True)

    def observe(self, event: dict[str, Any]) -> None:
        """An event has been written."""
        self._board.observe(event)
        self._kept.observe(event)

    def watch(self, adapter: ExecutionAdapter) -> None:
        """The run begins here; the adapter is asked for its progress from now on."""
        self._adapter = adapter

    def __enter__(self) -> Self:
        footer.open(self._stream)
        self._before = signal.signal(signal.SIGTSTP, self._suspend)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        footer.close()
        signal.signal(signal.SIGTSTP, self._before)

    def _draw_until_ended(self) -> None:
        pause = _FIRST_FRAME_SECONDS
        while not self._ended.wait(pause):
            began = time.thread_time()
            with suppress(Exception):  # a display that fails must not fail what it shows
                self._draw()
            pause = max(_FRAME_SECONDS, _REST * (time.thread_time() - began))

    def _draw(self) -> None:
        snapshot = self._adapter.progress() if self._adapter is not None else None
        if snapshot is not None:
            size = _size(self._stream)
            footer.show(self._board.lines(snapshot, size), size)

    def _suspend(self, number: int, _frame: FrameType | None) -> None:
        """Ctrl-Z: leave the terminal to the shell, and draw anew when it lets us go on."""
        footer.clear()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # stops here
        signal.signal(number, self._suspend)
