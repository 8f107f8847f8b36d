"""The command as a user calls it, in this process."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyte
import pytest

from osiris.cli import main


class Answer(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def call(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["osiris", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.command()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Answer(int(ended.value.code or 0), out, err)

    return call


PATIENCE_SECONDS = 60


class Screen:
    """A command that runs on a terminal of its own, and what a person sees there."""

    def __init__(
        self, command: list[str], folder: Path, columns: int = 100, lines: int = 30, **env: str
    ) -> None:
        self.raw = b""
        self._screen = pyte.HistoryScreen(columns, lines, history=1000)
        self._stream = pyte.ByteStream(self._screen)
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (lines, columns))
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"} | env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=partial(fcntl.ioctl, theirs, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one system call
        )
        os.close(theirs)

    @property
    def lines(self) -> list[str]:
        """What is on the screen, and what has scrolled off it, without the empty lines at the end."""
        gone = ["".join(line[x].data for x in sorted(line)) for line in self._screen.history.top]
        return [line.rstrip() for line in "\n".join([*gone, *self._screen.display]).rstrip().split("\n")]

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    @property
    def is_in_order(self) -> bool:
        """Whether the cursor is there, and long lines are wrapped."""
        return not self._screen.cursor.hidden and pyte.modes.DECAWM in self._screen.mode

    def see(self, *patterns: str) -> Screen:
        """Wait until all patterns are found on the screen at the same time."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not all(re.search(pattern, self.text, re.MULTILINE) for pattern in patterns):
            assert self._read(deadline), f"never seen together: {patterns}\n{self.text}"
        return self

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size; 0 by 0 makes it forget its own."""
        if lines:
            self._screen.resize(lines, columns)
        termios.tcsetwinsize(self._ours, (lines, columns))

    def end(self) -> int:
        """Wait for the end of the command; its exit code."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._read(deadline):
            pass
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        """End what still runs."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _read(self, deadline: float) -> bool:
        """Take in what comes next; False when nothing will."""
        ready, _, _ = select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))
        try:
            data = os.read(self._ours, 65536) if ready else b""
        except OSError:  # the other side is closed
            data = b""
        self.raw += data
        self._stream.feed(data)
        return bool(data)


@pytest.fixture
def screen() -> Iterator[Callable[..., Screen]]:
    """Starts commands on terminals."""
    with ExitStack() as opened:

        def start(*arguments: Any, **options: Any) -> Screen:
            started = Screen(*arguments, **options)
            opened.callback(started.close)
            return started

        yield start
