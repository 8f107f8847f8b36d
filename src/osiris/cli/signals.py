"""Ctrl-C and SIGTERM: an orderly stop first, the process's end at the second request."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from osiris.adapters import ExecutionAdapter
from osiris.adapters.stopping import stop_reason
from osiris.cli.footer import footer
from osiris.cli.problems import stop_at_once
from osiris.cli.terminal import say
from osiris.errors import ExitCode


class StopRequests:
    """Turns signals into `cancel` of the adapter that is at work."""

    def __init__(self) -> None:
        self._adapter: ExecutionAdapter | None = None
        self._asked = False

    def watch(self, adapter: ExecutionAdapter) -> None:
        """Cancel this adapter when a signal comes; one that comes before ends the command."""
        self._adapter = adapter

    @contextmanager
    def installed(self) -> Iterator[StopRequests]:
        """Handle SIGINT and SIGTERM while the block runs."""
        before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            footer.close_at_once()
            os._exit(int(ExitCode.TERMINATED if number == signal.SIGTERM else ExitCode.INTERRUPTED))
        self._asked = True
        if self._adapter is None:
            stop_at_once(number, frame)
        self._adapter.cancel(stop_reason(number))
        with suppress(OSError, RuntimeError):  # a terminal that is gone, or a line that was being written
            say("  stopping … (once more to leave at once)")
