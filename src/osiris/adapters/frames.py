"""How a run elsewhere tells what happens: a JSON line for each event, metric and status of its session.

| Key | What it holds |
|---|---|
| `kind` | `event`, `metric`, `status`; `progress`, how the run stands; `failure`, why there is none |
| `number` | counts from 1 within its kind, without gaps |
| `body` | the line of the session's file, the snapshot, or the error |
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Self

from osiris.errors import RunError

KINDS = ("event", "metric", "status", "progress", "failure")


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing that the run has told."""

    kind: str
    number: int
    body: dict[str, Any]

    def to_line(self) -> bytes:
        """The frame as a line of ASCII."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """The frame of a line. Raises `RunError` RUN012 where it is none."""
        with suppress(ValueError, TypeError, LookupError):
            told = json.loads(line)
            if told["kind"] in KINDS and isinstance(told["number"], int) and isinstance(told["body"], dict):
                return cls(**told)
        raise broken("It sent a line that is no report.")


class FrameWriter:
    """Writes frames to a descriptor, each in one piece; safe to use from many threads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, kind: str, number: int, body: dict[str, Any]) -> None:
        """Write one frame; waits while the other side does not read. Raises `OSError` where nobody does."""
        line = memoryview(Frame(kind, number, body).to_line())
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]


class LineBuffer:
    """Cuts pieces of a stream into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def lines(self, piece: bytes) -> Iterator[bytes]:
        """The lines that this piece completes, without their ends."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        yield from lines

    def rest(self) -> bytes:
        """What has come without a line's end; it is given once."""
        rest, self._rest = self._rest, b""
        return rest


def broken(problem: str) -> RunError:
    """The error of a run whose reports cannot be relied on."""
    message = f"The process that carried out the run broke its protocol. {problem}"
    return RunError("RUN012", message, hint="Run the same command again; if it stays, report a bug.")
