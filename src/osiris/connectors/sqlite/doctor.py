"""What keeps a database file from working, one cause told from another."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from osiris.connectors.sqlite.errors import map_engine_error, primary_code
from osiris.core import Check

_PATIENCE_SECONDS = 5.0
_STEPS_BETWEEN_LOOKS = 100_000


def place_checks(path: Path) -> list[Check]:
    """Folder, file and rights, up to the first that fails: the others follow from it.

    The file itself is not opened: closing it again would drop the locks that another connection of this
    process has on it (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    checks: list[Check] = []
    for check in (_folder_check(path.parent), _file_check(path), _writable_check(path)):
        checks.append(check)
        if not check.ok:
            break
    return checks


def content_checks(con: sqlite3.Connection, *, writable: bool) -> list[Check]:
    """Whether the file is SQLite's and whole, and whether nobody else is writing to it."""
    checks = [_check("open", "SELECT count(*) FROM sqlite_master", con, "The file can be opened and read.")]
    if checks[-1].ok:
        checks.append(_content_check(con))
    if writable and all(check.ok for check in checks):
        checks.append(_check("free", "BEGIN IMMEDIATE", con, "Nobody else is writing to the file."))
        con.rollback()
    return checks


def _check(name: str, statement: str, con: sqlite3.Connection, message: str) -> Check:
    try:
        con.execute(statement).fetchall()
    except sqlite3.Error as exc:
        error = map_engine_error(exc)
        return Check(name, False, error.code, error.message, error.hint)
    return Check(name, ok=True, message=message)


def _content_check(con: sqlite3.Connection) -> Check:
    """SQLite's own check of its pages, given up after a few seconds: a large file would take minutes."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    con.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
    try:
        ((answer,),) = con.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as exc:
        if primary_code(exc) == sqlite3.SQLITE_INTERRUPT:
            return Check("content", ok=True, message="No damage was found in the time that the check has.")
        answer = str(exc)
    finally:
        con.set_progress_handler(None, 0)
    if answer == "ok":
        return Check("content", ok=True, message="The file is whole.")
    first_line = answer.strip().replace("\n", " ")
    return Check("content", False, "CON024", f"The file is damaged: {first_line}", "Restore it from a copy.")


def _folder_check(folder: Path) -> Check:
    if folder.is_dir():
        return Check("folder", ok=True, message="The folder exists.")
    return Check(
        "folder",
        False,
        "CON020",
        f"The folder {folder.name} of the database file does not exist.",
        "Create it, or correct the path of the connection.",
    )


def _file_check(path: Path) -> Check:
    if path.is_dir():
        return Check("file", False, "CON023", f"{path.name} is a folder.", "Point path at an SQLite file.")
    if not path.exists():
        return _can_be_made(path.parent)
    if not path.is_file():
        return Check("file", False, "CON023", f"{path.name} is no file.", "Point path at an SQLite file.")
    if not os.access(path, os.R_OK):
        return Check(
            "file", False, "CON021", f"{path.name} may not be read.", "Grant read access to the file."
        )
    return Check("file", ok=True, message="The file exists.")


def _can_be_made(folder: Path) -> Check:
    if os.access(folder, os.W_OK):
        return Check("file", ok=True, message="The file does not exist yet; the first writer makes it.")
    return Check(
        "file",
        False,
        "CON021",
        f"The folder {folder.name} is not writable.",
        "Grant access to the folder.",
    )


def _writable_check(path: Path) -> Check:
    """Both, as SQLite keeps its journal beside the file."""
    denied = next((p for p in (path, path.parent) if p.exists() and not os.access(p, os.W_OK)), None)
    if denied is None:
        return Check("writable", ok=True, message="The file can be written.")
    return Check(
        "writable",
        False,
        "CON021",
        f"{denied.name} may not be written.",
        "Grant write access to file and folder, or only read.",
    )
