"""The scratch space of runs: one folder each, locked by its run and removed with it."""

from __future__ import annotations

import fcntl
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO

_NAME = re.compile(r"run_\d{8}T\d{6}Z_[0-9a-f]{6}")
"""Names of ours: the work folder of a project may hold somebody else's things."""

_LOCK = ".lock"


class WorkFolder:
    """One run's folder; whoever holds its lock is alive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[bytes] | None = None

    def make(self) -> None:
        """Make the folder and lock it."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = (self.path / _LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @property
    def descriptor(self) -> int:
        """The descriptor that holds the lock; a process that inherits it keeps the folder."""
        if self._lock is None:
            raise ValueError("The folder is not made yet.")
        return self._lock.fileno()

    def remove(self) -> None:
        """Remove the folder and give up the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()


def clear_work_of_the_dead(folder: Path) -> None:
    """Remove the folders of runs that were killed; in doubt a folder stays.

    Call it where no other run begins: a folder of which the lock is still to be made looks dead.
    """
    if folder.is_symlink() or not folder.is_dir():
        return
    for left in folder.iterdir():
        if _NAME.fullmatch(left.name) and left.is_dir() and not left.is_symlink():
            _clear(left)


def _clear(left: Path) -> None:
    with suppress(OSError):
        if not (left / _LOCK).exists():
            left.rmdir()  # killed before it was locked, so there is nothing in it; else this fails
            return
        with (left / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
