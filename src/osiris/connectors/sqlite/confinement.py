"""What the SQL of a reading step may do: read tables and call functions, and nothing else."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from osiris.connectors.sqlite.names import folded
from osiris.core.ledger import RESERVED_PREFIX

_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE})
_OWN_WAYS = frozenset(
    {
        (sqlite3.SQLITE_PRAGMA, "data_version"),  # full-text search looks for changes of its tables
        (sqlite3.SQLITE_UPDATE, "sqlite_master"),  # how SQLite declares a table function, in memory
        (sqlite3.SQLITE_UPDATE, "sqlite_temp_master"),
    }
)
_FORBIDDEN_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})


class Act(NamedTuple):
    """What a statement would do: SQLite's code for it and the names that go with it."""

    action: int
    first: str
    second: str


class Confinement:
    """As long as it holds, preparing a statement that does more than read raises SQLITE_AUTH.

    `denied` is what the last such statement would have done.
    """

    def __init__(self, con: sqlite3.Connection) -> None:
        self.denied: Act | None = None
        self._con = con
        con.set_authorizer(self._answer)

    def lift(self) -> None:
        """Let the connection do what it likes again, for statements of our own."""
        self._con.set_authorizer(None)

    def _answer(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        act = Act(action, first or "", second or "")
        if _is_allowed(act):
            return sqlite3.SQLITE_OK
        self.denied = act
        return sqlite3.SQLITE_DENY


def _is_allowed(act: Act) -> bool:
    if act.action == sqlite3.SQLITE_FUNCTION:
        return folded(act.second) not in _FORBIDDEN_FUNCTIONS
    if act.action == sqlite3.SQLITE_READ:
        return not folded(act.first).startswith(RESERVED_PREFIX)
    return act.action in _READING or (act.action, act.first) in _OWN_WAYS
