"""A process of its own that carries out one job: started, listened to, stopped, and killed if it must be."""

from __future__ import annotations

import math
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

Take = Callable[[bytes], None]

_PIECE_BYTES = 65_536


class ChildProcess:
    """One child and the pipes to it; as a context, it does not outlive the block.

    The job goes in through stdin. Reports come through a pipe of their own, so that nothing that foreign code
    prints is taken for one; stdout and stderr come together as noise. Orders go through another pipe, whose
    end tells the child that its parent is gone.
    """

    def __init__(
        self,
        program: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        job: bytes,
        held: Sequence[int] = (),
    ) -> None:
        """Start a program in a folder and hand it the job; it keeps the descriptors in `held` open.

        The program gets two more arguments: the descriptors of its reports and of its orders.
        """
        self._lock = threading.RLock()
        self._kill_at = math.inf
        self._reports, reports_end = os.pipe()
        self._noise, noise_end = os.pipe()
        orders_end, self._orders = os.pipe()
        self._woken, self._wake = os.pipe()
        self._pipes = [self._reports, self._noise, self._orders, self._woken, self._wake]
        try:
            self._process = subprocess.Popen(
                [*program, str(reports_end), str(orders_end)],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=noise_end,
                stderr=noise_end,
                pass_fds=(reports_end, orders_end, *held),
                start_new_session=True,  # Ctrl-C at the terminal reaches the parent only
            )
        except OSError:
            self._close_pipes()
            raise
        finally:
            for end in (reports_end, noise_end, orders_end):
                os.close(end)
        self._watcher = threading.Thread(target=self._watch, args=(job,), name="child", daemon=True)
        self._watcher.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        self._watcher.join()
        self._close_pipes()

    def listen(self, take_reports: Take, take_noise: Take) -> int:
        """Hand over what the child says, in pieces, until it has ended; its return code."""
        takes = {self._reports: take_reports, self._noise: take_noise}
        with selectors.DefaultSelector() as selector:
            for descriptor in (*takes, self._woken):
                os.set_blocking(descriptor, False)
                selector.register(descriptor, selectors.EVENT_READ)
            while self._process.returncode is None:
                self._hear(selector, takes)
                if time.monotonic() >= self._kill_at:
                    self._kill()
        for descriptor, take in takes.items():
            while piece := _read(descriptor):
                take(piece)
        return self._process.returncode

    def order(self, line: bytes, seconds: float) -> None:
        """Send a line of orders; a child that has not ended so many seconds after the first one is killed.

        Safe to call from a signal handler, from any thread, and after the end.
        """
        with self._lock:
            self._kill_at = min(self._kill_at, time.monotonic() + seconds)
            for descriptor, data in ((self._orders, line), (self._wake, b"\n")):
                if descriptor in self._pipes:
                    with suppress(OSError):  # the child has ended
                        os.write(descriptor, data)

    def _watch(self, job: bytes) -> None:
        self._process.communicate(job)
        os.write(self._wake, b"\n")

    def _hear(self, selector: selectors.BaseSelector, takes: Mapping[int, Take]) -> None:
        """Wait for something to happen, and hand over one piece of each stream that has something."""
        for key, _ in selector.select(self._patience()):
            piece = _read(key.fd)
            if piece == b"":
                selector.unregister(key.fd)
            elif piece and key.fd in takes:
                takes[key.fd](piece)

    def _patience(self) -> float | None:
        return None if self._kill_at == math.inf else max(0.0, self._kill_at - time.monotonic())

    def _kill(self) -> None:
        """Kill the child with what it has started, unless it has ended."""
        self._kill_at = math.inf
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _close_pipes(self) -> None:
        with self._lock:
            pipes, self._pipes = self._pipes, []
            for descriptor in pipes:
                os.close(descriptor)


def _read(descriptor: int) -> bytes | None:
    """What there is to read: nothing at the end of the stream, None where more may come."""
    try:
        return os.read(descriptor, _PIECE_BYTES)
    except BlockingIOError:
        return None
