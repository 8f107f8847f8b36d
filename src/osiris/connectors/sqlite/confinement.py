"""What the SQL of a reading step may do: read tables and call functions, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from osiris.connectors.sqlite.names import folded
from osiris.core.ledger import RESERVED_PREFIX

_READING = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_OWN_WAYS = frozenset(
    {
        (sqlite3.SQLITE_PRAGMA, "data_version"),  # full-text search looks for changes of its tables
        (sqlite3.SQLITE_UPDATE, "sqlite_master"),  # how SQLite declares a table function, in memory
        (sqlite3.SQLITE_UPDATE, "sqlite_temp_master"),
    }
)
_FORBIDDEN_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})

Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]


def confine(con: sqlite3.Connection) -> None:
    """From now on, preparing a statement that does more than read raises SQLITE_AUTH."""
    con.set_authorizer(_authorize)


def release(con: sqlite3.Connection) -> None:
    """Lift what `confine` did, for statements of our own."""
    con.set_authorizer(None)


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """SQLite asks for each act of a statement while it is prepared; the names depend on the act."""
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = folded(second or "") not in _FORBIDDEN_FUNCTIONS
    elif action == sqlite3.SQLITE_READ:
        allowed = not folded(first or "").startswith(RESERVED_PREFIX)
    else:
        allowed = action in _READING or (action, first) in _OWN_WAYS
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY
