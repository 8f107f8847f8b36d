"""A DuckDB database file: opened, examined and closed for the family's drivers."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from osiris.connectors.duckdb.discovery import discover_relations
from osiris.connectors.duckdb.engine import engine_settings, first_row, interrupt, start_session
from osiris.connectors.duckdb.errors import map_engine_error
from osiris.core import Check, Discovery, DiscoveryRequest
from osiris.errors import ConnectionFailed, OsirisError, TargetBusy

MEMORY_LIMIT = "1GB"
"""One value for all: DuckDB opens a file a second time in one process only with equal settings."""

_OPENING = threading.Lock()
"""Between opening and locking, no other step may find the engine half made."""

_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")


class DuckDBConnector:
    """One connection to the file named by `path`; steps of one process may open the same file together.

    Opened with `read_only`, it changes nothing, not even by taking in what a killed process left in the log.
    """

    family = "duckdb"

    def __init__(self, connection: Mapping[str, Any], *, read_only: bool = False) -> None:
        path = str(connection["path"])
        if path == ":memory:" or path.startswith(":memory:"):
            raise ConnectionFailed(
                "CON003",
                "A DuckDB connection needs a file: a database in memory is gone when the step ends.",
                hint="Give path a file name, such as data/warehouse.duckdb.",
            )
        self.path = Path(os.path.realpath(path))
        self._only_reads = read_only
        self._con: duckdb.DuckDBPyConnection | None = None

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The open connection."""
        if self._con is None:
            self._con = self._opened()
        return self._con

    def connect(self) -> None:
        """Open the file, made if it does not exist; `ConnectionFailed` or `TargetBusy` if that cannot be."""
        if self._con is None:
            self._con = self._opened()

    def connect_existing(self) -> None:
        """Open the file for reading; CON020 if there is none."""
        if not self.path.exists():
            raise ConnectionFailed(
                "CON020",
                f"The database file {self.path.name} does not exist.",
                hint="Run a step that writes it first, or correct the path of the connection.",
            )
        self.connect()

    def refuse_unwritable(self) -> None:
        """`ConnectionFailed` where the file, or one that does not exist yet, could not be written."""
        for check in _place_checks(self.path):
            if not check.ok:
                raise ConnectionFailed(check.code or "CON021", check.message, hint=check.hint)

    def close(self) -> None:
        """Close the connection; the file is released when the process's last connection to it closes."""
        if self._con is not None:
            self._con.close()
            self._con = None

    def interrupt(self) -> None:
        """Stop the running query, from any thread."""
        con = self._con
        if con is not None:
            interrupt(con)

    def has_table(self, name: str) -> bool:
        """Whether the main schema has a table of this name."""
        sql = "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'main' AND table_name = ?"
        return first_row(self.con, sql, [name]) is not None

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction that is rolled back at any exception; the body commits."""
        con = self.con
        con.execute("BEGIN TRANSACTION READ ONLY" if read_only else "BEGIN TRANSACTION")
        try:
            yield con
        finally:
            with suppress(duckdb.Error):
                con.execute("ROLLBACK")

    def doctor(self) -> list[Check]:
        """Whether the file exists or can be made, is a DuckDB file, is readable, writable and free."""
        place = _place_checks(self.path)
        if not self.path.exists() or any(not check.ok and check.name != "writable" for check in place):
            return place
        try:
            self.connect()
        except OsirisError as error:
            return [*place, Check("open", False, error.code, error.message, error.hint)]
        return [*place, Check("open", ok=True, message="The file can be opened and read.")]

    def discover(self, request: DiscoveryRequest) -> Discovery:
        """Tables and views of all user schemas."""
        self.connect_existing()
        return discover_relations(self.con, request)

    def _opened(self) -> duckdb.DuckDBPyConnection:
        self._refuse_bad_place()
        try:
            with _OPENING:
                con = duckdb.connect(str(self.path), read_only=self._read_only(), config=_settings())
                _refuse_memory(con, self.path)
                _settle(con)
        except duckdb.Error as exc:
            raise _opening_error(exc, self.path) from exc
        return con

    def _read_only(self) -> bool:
        return self._only_reads or (self.path.exists() and not os.access(self.path, os.W_OK))

    def _refuse_bad_place(self) -> None:
        for check in _place_checks(self.path):
            if not check.ok and check.code and check.name != "writable":
                raise ConnectionFailed(check.code, check.message, hint=check.hint)


def _settings() -> dict[str, Any]:
    return engine_settings(MEMORY_LIMIT) | {"enable_external_access": False}


def _refuse_memory(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """DuckDB takes the file of a table for views in a database in memory: what is written there is lost."""
    row = first_row(con, "SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
    if row is None or row[0] is None:
        con.close()
        raise _not_a_database(path)


def _settle(con: duckdb.DuckDBPyConnection) -> None:
    """Set what is set once and lock it, unless another step's connection to the same engine has done so."""
    if first_row(con, "SELECT current_setting('lock_configuration')") != (True,):
        start_session(con)
        con.execute("SET lock_configuration = true")


def _place_checks(path: Path) -> list[Check]:
    """Up to the first that fails: the others follow from it."""
    checks: list[Check] = []
    for check in (_folder_check(path.parent), _file_check(path), _writable_check(path)):
        checks.append(check)
        if not check.ok:
            break
    return checks


def _folder_check(folder: Path) -> Check:
    if not folder.is_dir():
        return Check(
            "folder",
            False,
            "CON020",
            f"The folder {folder.name} of the database file does not exist.",
            "Create it, or correct the path of the connection.",
        )
    return Check("folder", ok=True, message="The folder exists.")


def _file_check(path: Path) -> Check:
    if path.is_dir():
        return Check("file", False, "CON023", f"{path.name} is a folder.", "Point path at a DuckDB file.")
    if not path.exists():
        if path.parent.is_dir() and not os.access(path.parent, os.W_OK):
            return Check(
                "file",
                False,
                "CON021",
                f"The folder {path.parent.name} is not writable.",
                "Grant access to the folder.",
            )
        return Check("file", ok=True, message="The file does not exist yet; the first writer makes it.")
    if not os.access(path, os.R_OK):
        return Check(
            "file", False, "CON021", f"{path.name} may not be read.", "Grant read access to the file."
        )
    return Check("file", ok=True, message="The file exists.")


def _writable_check(path: Path) -> Check:
    place = path if path.exists() else path.parent
    if os.access(place, os.W_OK):
        return Check("writable", ok=True, message="The file can be written.")
    return Check(
        "writable",
        False,
        "CON021",
        f"{place.name} may not be written.",
        "Grant write access, or only read it.",
    )


def _opening_error(exc: duckdb.Error, path: Path) -> OsirisError:
    text = str(exc)
    if holder := _HOLDER.search(text):
        pid, program = holder["pid"], Path(holder["program"]).name
        return TargetBusy(
            "CON022",
            f"The database file {path.name} is held by another process: {program} with PID {pid}.",
            hint=f"Wait until process {pid} has ended, or end it, then run the same command again.",
            details={"pid": int(pid), "program": program},
        )
    if "not a valid DuckDB database" in text:
        return _not_a_database(path)
    if "Permission denied" in text:
        return ConnectionFailed(
            "CON021", f"{path.name} cannot be opened: permission denied.", hint="Grant access to it."
        )
    if "different configuration" in text:
        return TargetBusy(
            "CON022",
            f"The database file {path.name} is open in this process with other settings.",
            hint="Close the other connection, then run the same command again.",
        )
    return map_engine_error(exc)


def _not_a_database(path: Path) -> ConnectionFailed:
    return ConnectionFailed(
        "CON023", f"{path.name} is not a DuckDB database.", hint="Point path at a DuckDB file."
    )
