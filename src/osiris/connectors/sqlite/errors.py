"""What SQLite says went wrong, as errors of the one tree.

Each failure has a result code (https://sqlite.org/rescode.html); errors of SQL share one, and differ in their
sentence only.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from osiris.errors import (
    Cancelled,
    ConnectionFailed,
    DataError,
    InternalError,
    OsirisError,
    PipelineError,
    RunError,
    TargetBusy,
)


class _Rule(NamedTuple):
    error: type[OsirisError]
    code: str
    says: str
    hint: str | None = None


_BUSY = _Rule(
    TargetBusy,
    "CON022",
    "The database file is locked by another connection: {text}.",
    "Wait until the other program has ended its transaction, then run the same command again.",
)
_DENIED = _Rule(
    ConnectionFailed,
    "CON021",
    "SQLite may not write the database file or the files beside it: {text}.",
    "Grant write access to file and folder; a file in WAL mode needs it for reading too.",
)

_RULES: dict[int, _Rule] = {
    sqlite3.SQLITE_ERROR: _Rule(PipelineError, "SQL006", "The SQL does not fit its tables: {text}."),
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_PROTOCOL: _BUSY,
    sqlite3.SQLITE_PERM: _DENIED,
    sqlite3.SQLITE_READONLY: _DENIED,
    sqlite3.SQLITE_INTERRUPT: _Rule(Cancelled, "RUN003", "The query was stopped."),
    sqlite3.SQLITE_IOERR: _Rule(
        RunError,
        "RES003",
        "The database file could not be read or written: {text}.",
        "Check the disk and the permissions of the file and its folder.",
    ),
    sqlite3.SQLITE_CORRUPT: _Rule(
        ConnectionFailed, "CON024", "The database file is damaged: {text}.", "Restore it from a copy."
    ),
    sqlite3.SQLITE_NOTADB: _Rule(
        ConnectionFailed, "CON023", "The file is not an SQLite database.", "Point path at an SQLite file."
    ),
    sqlite3.SQLITE_FULL: _Rule(
        RunError, "RES001", "The disk is full: {text}.", "Free some space and run the command again."
    ),
    sqlite3.SQLITE_CANTOPEN: _Rule(
        ConnectionFailed,
        "CON021",
        "The database file cannot be opened: {text}.",
        "Check the permissions of the file and its folder; SQLite keeps -wal and -shm files beside it.",
    ),
    sqlite3.SQLITE_TOOBIG: _Rule(
        DataError,
        "TGT012",
        "A value is longer than SQLite can hold: {text}.",
        "Shorten it in the step before.",
    ),
    sqlite3.SQLITE_CONSTRAINT: _Rule(
        DataError,
        "TGT011",
        "A row breaks a constraint of the table: {text}.",
        "Mend the rows; nothing was written.",
    ),
    sqlite3.SQLITE_MISMATCH: _Rule(
        DataError, "SQL008", "A value cannot be used: {text}.", "Correct the value, or cast it in the SQL."
    ),
    sqlite3.SQLITE_AUTH: _Rule(
        PipelineError,
        "SQL007",
        "The SQL may not do this: {text}.",
        "A step that reads can only select from the tables and views of its database.",
    ),
}

_UNKNOWN = _Rule(InternalError, "SQL012", "SQLite failed: {text}.", "Report it with the run's folder.")


def primary_code(exc: sqlite3.Error) -> int:
    """The kind of the failure without its details; 0 for what Python's own layer raises."""
    return int(getattr(exc, "sqlite_errorcode", 0)) & 0xFF


def is_busy(exc: sqlite3.Error) -> bool:
    """Whether somebody else's lock is the reason, so that a later try may succeed."""
    return _RULES.get(primary_code(exc), _UNKNOWN) is _BUSY


def map_engine_error(exc: sqlite3.Error, *, cancelled: bool = False) -> OsirisError:
    """The error of the tree for what SQLite raised; the caller raises it `from exc`.

    `cancelled` says that the step was told to stop, so whatever SQLite says then is the consequence.
    """
    if cancelled:
        return Cancelled("RUN003", "The query was stopped.")
    rule = _RULES.get(primary_code(exc), _UNKNOWN)
    text = str(exc).rstrip(".")
    details = {"engine_message": str(exc), "sqlite": getattr(exc, "sqlite_errorname", type(exc).__name__)}
    return rule.error(rule.code, rule.says.format(text=text), hint=rule.hint, details=details)
