"""A text stream for foreign code to print to, which hands over whole lines."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import IO, Any


class LineStream(io.TextIOBase):
    """Stands in for stdout or stderr while foreign code runs; `own` is the stream behind it.

    Each thread has a line of its own, so that threads cannot tear a secret apart. `descriptor` gives the one
    that a child process inherits in the stream's place.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, own: IO[str], take: Callable[[str], None], descriptor: Callable[[], int]) -> None:
        self.own = own
        self.buffer = _LineBytes(self)
        self._take = take
        self._descriptor = descriptor
        self._lock = threading.RLock()
        self._lines: dict[int, str] = {}

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """What a child process is to inherit."""
        return self._descriptor()

    def write(self, text: str) -> int:
        with self._lock:
            thread = threading.get_ident()
            *lines, self._lines[thread] = (self._lines.get(thread, "") + text).split("\n")
            for line in lines:
                self._take(line)
        return len(text)

    def close(self) -> None:
        """Hand over what has no line end; a logging handler may go on to use the stream."""
        with self._lock:
            rest, self._lines = [line for line in self._lines.values() if line], {}
            for line in rest:
                self._take(line)


class _LineBytes(io.RawIOBase):
    """What foreign code finds as `sys.stdout.buffer`."""

    def __init__(self, stream: LineStream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        raw = bytes(data)
        self._stream.write(raw.decode("utf-8", "backslashreplace"))
        return len(raw)
