"""SQLiteConnector: one cause told from another."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from osiris.connectors.sqlite import doctor
from osiris.connectors.sqlite.connection import SQLiteConnector
from osiris.core import Connector, DiscoveryRequest
from osiris.errors import ConnectionFailed, RunError

SETUP = """
CREATE TABLE t (id INTEGER PRIMARY KEY, amount DECIMAL(10,2) NOT NULL, note, twice AS (id * 2));
INSERT INTO t (id, amount) VALUES (1, 2), (2, 3);
CREATE TABLE keyed (b TEXT, a TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE strict_one (x ANY, y INT, PRIMARY KEY (y)) STRICT;
CREATE VIEW v AS SELECT sum(id) AS total, amount FROM t;
CREATE VIEW broken AS SELECT * FROM gone;
CREATE VIRTUAL TABLE texts USING fts5(body);
CREATE TABLE _osiris_commits (a INT);
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "w.sqlite"
    with closing(sqlite3.connect(path)) as con:
        con.executescript(SETUP)
    return path


def failures(path: Path) -> dict[str, str | None]:
    connector = SQLiteConnector({"path": str(path)})
    checks = connector.doctor()
    connector.close()
    assert all(check.message and (check.ok or check.hint) for check in checks)
    return {check.name: check.code for check in checks if not check.ok}


def test_it_is_a_connector(database: Path) -> None:
    assert isinstance(SQLiteConnector({"path": str(database)}), Connector)


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_good_file_has_no_failures_and_is_not_changed(database: Path, journal: str) -> None:
    with closing(sqlite3.connect(database)) as con:
        con.execute(f"PRAGMA journal_mode = {journal}")
    before = database.read_bytes()
    assert failures(database) == {}
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]


def test_a_file_to_be_made_has_no_failures_and_is_not_made(tmp_path: Path) -> None:
    assert failures(tmp_path / "new.sqlite") == {}
    assert not (tmp_path / "new.sqlite").exists()


def test_doctor_tells_the_causes_apart(tmp_path: Path, database: Path) -> None:
    whole = database.read_bytes()
    (tmp_path / "text.sqlite").write_text("no database" * 1000)
    (tmp_path / "cut.sqlite").write_bytes(whole[:9000])
    (tmp_path / "overwritten.sqlite").write_bytes(whole[:4096] + b"\xff" * 4096 + whole[8192:])
    os.mkfifo(tmp_path / "pipe.sqlite")
    assert failures(tmp_path / "no" / "such.sqlite") == {"folder": "CON020"}
    assert failures(tmp_path) == {"file": "CON023"}
    assert failures(tmp_path / "pipe.sqlite") == {"file": "CON023"}
    assert failures(tmp_path / "text.sqlite") == {"open": "CON023"}
    assert failures(tmp_path / "cut.sqlite") == {"open": "CON024"}
    assert failures(tmp_path / "overwritten.sqlite") == {"content": "CON024"}


def test_a_check_that_takes_too_long_is_given_up(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PATIENCE_SECONDS", -1)
    monkeypatch.setattr(doctor, "_STEPS_BETWEEN_LOOKS", 1)
    connector = SQLiteConnector({"path": str(database)})
    content = next(check for check in connector.doctor() if check.name == "content")
    connector.close()
    assert content.ok
    assert "in the time" in content.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_doctor_tells_missing_permissions(database: Path) -> None:
    database.chmod(0o444)
    assert failures(database) == {"writable": "CON021"}
    database.chmod(0o000)
    assert failures(database)["file"] == "CON021"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_in_wal_mode_is_not_read_from_a_folder_that_may_not_be_written(database: Path) -> None:
    """SQLite needs a file beside it, to keep readers and writers apart."""
    with closing(sqlite3.connect(database)) as con:
        con.execute("PRAGMA journal_mode = WAL")
    database.parent.chmod(0o555)
    try:
        with pytest.raises(ConnectionFailed) as caught:
            SQLiteConnector({"path": str(database)}).connect_reading()
    finally:
        database.parent.chmod(0o755)
    assert caught.value.code == "CON021"
    assert "WAL" in str(caught.value.hint)


HOLDER = """
import sqlite3, sys
con = sqlite3.connect(sys.argv[1], isolation_level=None)
con.execute(f"BEGIN {sys.argv[2]}")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("lock", "check"), [("IMMEDIATE", "free"), ("EXCLUSIVE", "open")])
def test_doctor_tells_a_lock_of_another_process(database: Path, lock: str, check: str) -> None:
    command = [sys.executable, "-c", HOLDER, str(database), lock]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert failures(database) == {check: "CON022"}
        process.communicate("")
    assert failures(database) == {}


@pytest.mark.parametrize("path", [":memory:", ":memory:x"])
def test_memory_is_no_connection(path: str) -> None:
    with pytest.raises(ConnectionFailed) as caught:
        SQLiteConnector({"path": path})
    assert caught.value.code == "CON003"


@pytest.mark.parametrize("name", ["a b%20c?mode=memory#d.sqlite", "file:x.sqlite", "ů.sqlite"])
def test_a_path_is_a_path_whatever_is_in_it(tmp_path: Path, name: str) -> None:
    connector = SQLiteConnector({"path": str(tmp_path / name)})
    connector.con.execute("CREATE TABLE t (a)")
    connector.close()
    connector.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    reader = SQLiteConnector({"path": str(tmp_path / name)})
    assert [found.name for found in reader.discover(DiscoveryRequest()).relations] == ["t"]
    reader.close()


def test_an_old_library_is_refused(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(RunError) as caught:
        SQLiteConnector({"path": str(database)}).connect()
    assert caught.value.code == "CMP006"
    assert "3.37" in str(caught.value.hint)


def test_a_connection_that_only_reads_changes_nothing(database: Path) -> None:
    connector = SQLiteConnector({"path": str(database)}, read_only=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connector.con.execute("CREATE TABLE x (a)")
    connector.close()


def test_discover_describes_tables_and_views(database: Path) -> None:
    connector = SQLiteConnector({"path": str(database)})
    found = {relation.name: relation for relation in connector.discover(DiscoveryRequest()).relations}
    connector.close()
    assert list(found) == ["broken", "keyed", "strict_one", "t", "texts", "v"]
    table, view = found["t"], found["v"]
    assert (table.kind, table.primary_key, table.rows, table.rows_exact) == ("table", ("id",), 2, True)
    assert [(c.name, c.source_type, c.arrow_type, c.nullable) for c in table.columns] == [
        ("id", "INTEGER", "int64", False),
        ("amount", "DECIMAL(10,2)", "decimal128(10, 2)", False),
        ("note", "", "inferred", True),
        ("twice", "", "inferred", True),
    ]
    assert (view.kind, view.rows, view.columns[1].arrow_type) == ("view", None, "decimal128(10, 2)")
    assert found["broken"].columns == ()
    assert found["keyed"].primary_key == ("a", "b")
    assert not any(column.nullable for column in found["keyed"].columns)
    assert [column.nullable for column in found["strict_one"].columns] == [True, False]


def test_rows_of_a_large_file_are_those_that_analyze_found(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from osiris.connectors.sqlite import discovery

    monkeypatch.setattr(discovery, "_COUNTED_BYTES", 0)

    def told() -> tuple[int | None, bool]:
        connector = SQLiteConnector({"path": str(database)})
        (relation,) = connector.discover(DiscoveryRequest(names=("t",))).relations
        connector.close()
        return relation.rows, relation.rows_exact

    assert told() == (None, False)
    with closing(sqlite3.connect(database)) as con:
        con.execute("ANALYZE")
    assert told() == (2, False)


@pytest.mark.parametrize(
    ("request_", "names", "truncated"),
    [
        (DiscoveryRequest(names=("T",)), ["t"], False),
        (DiscoveryRequest(names=("v", "nothing")), ["v"], False),
        (DiscoveryRequest(limit=2), ["broken", "keyed"], True),
    ],
)
def test_discover_keeps_to_the_request(
    database: Path, request_: DiscoveryRequest, names: list[str], truncated: bool
) -> None:
    connector = SQLiteConnector({"path": str(database)})
    found = connector.discover(request_)
    connector.close()
    assert ([relation.name for relation in found.relations], found.truncated) == (names, truncated)


@pytest.mark.parametrize("name", ["no/such.sqlite", "", "text.sqlite"])
def test_messages_do_not_tell_where_the_project_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.sqlite").write_text("no database" * 1000)
    with pytest.raises(ConnectionFailed) as caught:
        SQLiteConnector({"path": str(tmp_path / name)}).connect_reading()
    assert str(tmp_path.parent) not in f"{caught.value.message} {caught.value.hint} {caught.value.details}"
