"""An SQLite database file: opened, examined and closed for the family's drivers."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from osiris.connectors.sqlite.doctor import content_checks, place_checks
from osiris.connectors.sqlite.errors import is_busy, map_engine_error
from osiris.core import Check, Discovery, DiscoveryRequest
from osiris.errors import Cancelled, ConnectionFailed, OsirisError, RunError

LOCK_SECONDS = 10.0
"""How long to wait for another process's transaction before the step fails with TargetBusy."""

_SLICE_SECONDS = 0.25
"""How long SQLite waits by itself; in between, a step that must stop can."""

_PAUSE_SECONDS = 0.01
"""Before the next try, for locks that SQLite does not wait for."""

_STEPS_BETWEEN_LOOKS = 10_000
"""Instructions of SQLite's machine, well below a millisecond."""

_OLDEST = (3, 37)
"""STRICT tables and `pragma_table_list` came with it."""

_LOOK = "SELECT count(*) FROM sqlite_master"

Result = TypeVar("Result")


class SQLiteConnector:
    """One connection to the file named by `path`, used in one thread; `interrupt` may come from any other.

    Opened with `read_only`, it changes nothing, not even by undoing what a killed process left half done.
    """

    family = "sqlite"

    def __init__(self, connection: Mapping[str, Any], *, read_only: bool = False) -> None:
        path = str(connection["path"])
        if path.startswith(":memory:"):
            raise ConnectionFailed(
                "CON003",
                "An SQLite connection needs a file: a database in memory is gone when the step ends.",
                hint="Give path a file name, such as data/shop.sqlite.",
            )
        self.path = Path(os.path.realpath(path))
        self._only_reads = read_only
        self._con: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None
        self._stopped = threading.Event()

    @property
    def con(self) -> sqlite3.Connection:
        """The open connection."""
        if self._con is None:
            self._con = self._opened("ro") if self._only_reads else self._opened_for_writing()
        return self._con

    def connect(self) -> None:
        """Open the file for reading and writing, made if it does not exist. Raises `ConnectionFailed`."""
        if self._con is None:
            self._con = self._opened_for_writing()

    def connect_reading(self) -> None:
        """Open the file so that it cannot be written; CON020 if there is none."""
        if not self.path.exists():
            raise ConnectionFailed(
                "CON020",
                f"The database file {self.path.name} does not exist.",
                hint="Run a step that writes it first, or correct the path of the connection.",
            )
        if self._con is None:
            self._con = self._opened("ro")
            if not self._only_reads:
                self._undo_broken_write(self._con)

    def refuse_unwritable(self) -> None:
        """`ConnectionFailed` where the file, or one that does not exist yet, could not be written."""
        for check in place_checks(self.path):
            if not check.ok:
                raise ConnectionFailed(check.code or "CON021", check.message, hint=check.hint)

    def stream(self, sql: str, params: Mapping[str, Any]) -> sqlite3.Cursor:
        """The rows of a statement, computed as they are fetched; one at a time per connection."""
        self._cursor = self.con.execute(sql, dict(params))
        return self._cursor

    def close(self) -> None:
        """Close the connection; what was not committed is rolled back."""
        if self._cursor is not None:  # a statement that has not ended would keep its locks
            self._cursor.close()
            self._cursor = None
        if self._con is not None:
            self._con.close()
            self._con = None

    def interrupt(self) -> None:
        """Stop what the connection is doing and what it would do next, from any thread."""
        self._stopped.set()
        with _WRITERS:
            _WRITERS.notify_all()

    def has_table(self, name: str) -> bool:
        """Whether the file has a table of this name."""
        found = self.con.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
        return found.fetchone() is not None

    def patiently(self, act: Callable[[], Result]) -> Result:
        """What `act` gives, tried again for a while as long as another connection's lock is in its way."""
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                return act()
            except sqlite3.OperationalError as exc:
                if not is_busy(exc) or time.monotonic() > deadline or self._stopped.wait(_PAUSE_SECONDS):
                    raise

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other step of this process writes to the file, however long it takes.

        SQLite has one writer at a time and makes others try again; in one process they can wait their turn.
        """
        with _WRITERS:
            _WRITERS.wait_for(lambda: self._stopped.is_set() or self.path not in _WRITING)
            if self._stopped.is_set():
                raise Cancelled("RUN003", "The step was stopped while it waited for another writer.")
            _WRITING.add(self.path)
        try:
            yield
        finally:
            with _WRITERS:
                _WRITING.remove(self.path)
                _WRITERS.notify_all()

    def use_write_ahead_log(self) -> None:
        """Put the file into WAL mode, where a writer and its readers do not wait for each other.

        A file system that cannot do it leaves the file as it is, which is as safe. Raises a busy error where
        another connection uses a file in another mode.
        """
        self.con.execute("PRAGMA main.journal_mode = WAL").fetchone()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction that nobody else can write beside; rolled back unless the body commits."""
        con = self.con
        self.patiently(lambda: con.execute("BEGIN IMMEDIATE"))
        try:
            yield con
        finally:
            if con.in_transaction:
                with suppress(sqlite3.Error):
                    con.execute("ROLLBACK")

    def doctor(self) -> list[Check]:
        """Whether the file exists or can be made, is SQLite's, is whole, readable, writable and free."""
        place = place_checks(self.path)
        if not self.path.exists() or any(not check.ok and check.name != "writable" for check in place):
            return place
        writable = all(check.ok for check in place)
        try:
            self._con = self._con or self._opened("rw" if writable else "ro")
        except OsirisError as error:
            return [*place, Check("open", False, error.code, error.message, error.hint)]
        return [*place, *content_checks(self._con, writable=writable)]

    def discover(self, request: DiscoveryRequest) -> Discovery:
        """Tables and views of the file."""
        from osiris.connectors.sqlite.discovery import discover_relations  # needs Arrow, which loads slowly

        self.connect_reading()
        try:
            return discover_relations(self.con, request)
        except sqlite3.Error as exc:
            raise map_engine_error(exc) from exc

    def _opened_for_writing(self) -> sqlite3.Connection:
        """Foreign keys are enforced, and a COMMIT is on the disk when it returns."""
        con = self._opened("rwc")
        self.patiently(lambda: con.execute("PRAGMA main.synchronous = FULL"))
        con.execute("PRAGMA foreign_keys = ON")
        return con

    def _undo_broken_write(self, con: sqlite3.Connection) -> None:
        """Let SQLite undo what a program left that died while it wrote; only one that may write can."""
        try:
            self.patiently(lambda: con.execute(_LOOK).fetchone())
        except sqlite3.Error as exc:
            if getattr(exc, "sqlite_errorcode", 0) != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise map_engine_error(exc) from exc
            with closing(self._opened("rw")) as writer:
                self.patiently(lambda: writer.execute(_LOOK).fetchone())

    def _opened(self, mode: str) -> sqlite3.Connection:
        _refuse_old_library()
        for check in place_checks(self.path):
            if not check.ok and check.code and (check.name != "writable" or mode == "rwc"):
                raise ConnectionFailed(check.code, check.message, hint=check.hint)
        try:
            con = sqlite3.connect(
                f"{self.path.as_uri()}?mode={mode}", uri=True, timeout=_SLICE_SECONDS, isolation_level=None
            )
            con.execute("PRAGMA trusted_schema = OFF")
        except sqlite3.Error as exc:
            raise map_engine_error(exc) from exc
        con.set_progress_handler(self._stopped.is_set, _STEPS_BETWEEN_LOOKS)
        return con


_WRITERS = threading.Condition()
_WRITING: set[Path] = set()
"""The files that a step of this process writes to; `_WRITERS` guards it."""


def _refuse_old_library() -> None:
    if sqlite3.sqlite_version_info < _OLDEST:
        raise RunError(
            "CMP006",
            f"This Python has SQLite {sqlite3.sqlite_version}, which is too old.",
            hint=f"Use a Python with SQLite {'.'.join(map(str, _OLDEST))} or newer.",
        )
