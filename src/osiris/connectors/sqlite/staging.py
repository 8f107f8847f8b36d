"""Rows kept aside until the whole input is there: in a file of their own in the run's work folder."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from osiris.connectors.sqlite.assignment import Assignment
from osiris.connectors.sqlite.column_types import Kind
from osiris.connectors.sqlite.names import folded, quote_identifier

_SCHEMA = "_osiris_stage"
_AFFINITIES = {
    Kind.INTEGER: "INTEGER",
    Kind.REAL: "REAL",
    Kind.TEXT: "TEXT",
    Kind.BLOB: "BLOB",
    Kind.ANY: "BLOB",
}
"""All others are numeric. With the target's affinity an index here serves a comparison with its column."""


class Stage:
    """A table of rows as the target will keep them; its columns are c0, c1, ... in the order of `pairs`.

    The transaction that writes the target only reads here: in one that writes two files, the second could
    fail when the first is committed.
    """

    def __init__(self, con: sqlite3.Connection, folder: Path, pairs: Sequence[Assignment]) -> None:
        self._con = con
        self.pairs = pairs
        self._path = folder / f"sqlite_stage_{uuid.uuid4().hex}.db"
        self.table = f"{_SCHEMA}.input"
        con.execute(f"ATTACH DATABASE ? AS {_SCHEMA}", (str(self._path),))
        con.execute(f"PRAGMA {_SCHEMA}.journal_mode = OFF")
        con.execute(f"PRAGMA {_SCHEMA}.synchronous = OFF")
        columns = ", ".join(f"c{i} {_affinity(pair)}" for i, pair in enumerate(pairs))
        con.execute(f"CREATE TABLE {self.table} ({columns})")

    def fill(self, pieces: Iterable[Iterable[Sequence[Any]]]) -> None:
        """Take all rows, in one transaction that touches no other file."""
        holes = ", ".join("?" * len(self.pairs))
        self._con.execute("BEGIN")
        for rows in pieces:
            self._con.executemany(f"INSERT INTO {self.table} VALUES ({holes})", rows)
        self._con.execute("COMMIT")

    def insert_into(self, target: str) -> int:
        """Copy the rows into the table in the order in which they came; how many there were."""
        return self.insert_where("true", target)

    def insert_where(self, condition: str, target: str) -> int:
        """Copy some of the rows; `s` is the stage in the condition."""
        into = ", ".join(quote_identifier(pair.target.name) for pair in self.pairs)
        taken = ", ".join(f"s.c{i}" for i in range(len(self.pairs)))
        return self._con.execute(
            f"INSERT OR ABORT INTO {quote_identifier(target)} ({into}) "
            f"SELECT {taken} FROM {self.table} AS s WHERE {condition}"
        ).rowcount

    def column(self, key: str) -> str:
        """The stage's name of the column that goes into a column of the target."""
        return next(f"c{i}" for i, pair in enumerate(self.pairs) if folded(pair.target.name) == folded(key))

    def index(self, columns: Sequence[str]) -> None:
        """Make look-ups by these columns fast, and let SQLite know how many rows there are."""
        self._con.execute(f"CREATE INDEX {_SCHEMA}.by_key ON input ({', '.join(columns)})")
        self._con.execute(f"ANALYZE {_SCHEMA}")

    def close(self) -> None:
        """Delete the file; on the systems that Osiris runs on, the connection can still use it."""
        self._path.unlink(missing_ok=True)


def _affinity(pair: Assignment) -> str:
    return _AFFINITIES.get(pair.target.type.kind, "NUMERIC")
