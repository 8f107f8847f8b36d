"""DuckDBConnector: one cause told from another."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from osiris.connectors.duckdb.connection import DuckDBConnector
from osiris.core import Connector, DiscoveryRequest
from osiris.errors import ConnectionFailed

HOLDER = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "w.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, amount DECIMAL(10,2) NOT NULL)")
        con.execute("COMMENT ON COLUMN t.amount IS 'in euro'")
        con.execute("INSERT INTO t VALUES (1, 2), (2, 3)")
        con.execute("CREATE SCHEMA s; CREATE VIEW s.v AS SELECT sum(id) AS total FROM t")
        con.execute("CREATE TABLE _osiris_commits (a INT)")
    return path


def failures(path: Path) -> dict[str, str | None]:
    connector = DuckDBConnector({"path": str(path)})
    checks = connector.doctor()
    connector.close()
    assert all(check.ok or (check.message and check.hint) for check in checks)
    return {check.name: check.code for check in checks if not check.ok}


def test_it_is_a_connector(database: Path) -> None:
    assert isinstance(DuckDBConnector({"path": str(database)}), Connector)


def test_a_good_file_has_no_failures(database: Path) -> None:
    assert failures(database) == {}


def test_a_file_to_be_made_has_no_failures_and_is_not_made(tmp_path: Path) -> None:
    assert failures(tmp_path / "new.duckdb") == {}
    assert not (tmp_path / "new.duckdb").exists()


def test_doctor_tells_the_causes_apart(tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("no database" * 1000)
    assert failures(tmp_path / "no" / "such.duckdb") == {"folder": "CON020"}
    assert failures(tmp_path)["file"] == "CON023"
    assert failures(tmp_path / "text.duckdb") == {"open": "CON023"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_doctor_tells_missing_permissions(database: Path) -> None:
    database.chmod(0o444)
    assert failures(database) == {"writable": "CON021"}
    database.chmod(0o000)
    assert failures(database)["file"] == "CON021"


@pytest.fixture
def holder(database: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.communicate("")


def test_doctor_names_the_process_that_holds_the_file(database: Path, holder: subprocess.Popen[str]) -> None:
    connector = DuckDBConnector({"path": str(database)})
    (check,) = [check for check in connector.doctor() if not check.ok]
    assert (check.name, check.code) == ("open", "CON022")
    assert str(holder.pid) in check.message


@pytest.mark.parametrize("name", ["t.csv", "t.json", "t.parquet", "t.csv.gz", "t.db", "t"])
def test_a_file_of_data_is_no_database(tmp_path: Path, name: str) -> None:
    """DuckDB opens some of them as a database in memory, in which everything written is lost."""
    file = tmp_path / name
    kinds = {
        ".json": "(FORMAT json)",
        ".parquet": "(FORMAT parquet)",
        ".gz": "(FORMAT csv, COMPRESSION gzip)",
    }
    duckdb.sql(f"COPY (SELECT 1 AS a) TO '{file}' {kinds.get(file.suffix, '(FORMAT csv)')}")
    before = file.read_bytes()
    with pytest.raises(ConnectionFailed) as caught:
        DuckDBConnector({"path": str(file)}).connect()
    assert caught.value.code == "CON023"
    assert failures(file) == {"open": "CON023"}
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_database_may_have_any_name(tmp_path: Path, name: str) -> None:
    for statement in ("CREATE TABLE t AS SELECT 1 AS a", "INSERT INTO t VALUES (2)"):
        connector = DuckDBConnector({"path": str(tmp_path / name)})
        connector.con.execute(statement)
        connector.close()
    with duckdb.connect(str(tmp_path / name), read_only=True) as con:
        assert con.execute("FROM t").fetchall() == [(1,), (2,)]


def test_memory_is_no_connection() -> None:
    with pytest.raises(ConnectionFailed) as caught:
        DuckDBConnector({"path": ":memory:"})
    assert caught.value.code == "CON003"


def test_a_link_and_its_file_are_one_database(database: Path) -> None:
    link = database.with_name("link.duckdb")
    link.symlink_to(database)
    first, second = DuckDBConnector({"path": str(database)}), DuckDBConnector({"path": str(link)})
    first.con.execute("INSERT INTO t VALUES (3, 4)")
    assert second.con.execute("SELECT count(*) FROM t").fetchall() == [(3,)]
    first.close()
    second.close()
    second.close()


def test_discover_describes_tables_and_views(database: Path) -> None:
    connector = DuckDBConnector({"path": str(database)})
    found = connector.discover(DiscoveryRequest())
    connector.close()
    view, table = found.relations
    assert (view.name, view.kind, view.columns[0].arrow_type) == ("s.v", "view", "decimal128(38, 0)")
    assert (table.name, table.kind, table.primary_key, table.rows) == ("t", "table", ("id",), 2)
    amount = table.columns[1]
    assert (amount.source_type, amount.arrow_type) == ("DECIMAL(10,2)", "decimal128(10, 2)")
    assert (amount.nullable, amount.comment) == (False, "in euro")


@pytest.mark.parametrize(
    ("request_", "names", "truncated"),
    [
        (DiscoveryRequest(names=("T",)), ["t"], False),
        (DiscoveryRequest(names=("s.v", "nothing")), ["s.v"], False),
        (DiscoveryRequest(limit=1), ["s.v"], True),
    ],
)
def test_discover_keeps_to_the_request(
    database: Path, request_: DiscoveryRequest, names: list[str], truncated: bool
) -> None:
    connector = DuckDBConnector({"path": str(database)})
    found = connector.discover(request_)
    connector.close()
    assert ([relation.name for relation in found.relations], found.truncated) == (names, truncated)


@pytest.mark.parametrize("name", ["no/such.duckdb", "", "text.duckdb"])
def test_messages_do_not_tell_where_the_project_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.duckdb").write_text("no database" * 1000)
    with pytest.raises(ConnectionFailed) as caught:
        DuckDBConnector({"path": str(tmp_path / name)}).connect_existing()
    assert str(tmp_path.parent) not in f"{caught.value.message} {caught.value.hint} {caught.value.details}"


def test_a_cut_database_is_damaged(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:5000])
    with pytest.raises(ConnectionFailed) as caught:
        DuckDBConnector({"path": str(database)}).connect()
    assert caught.value.code == "CON024"
    assert str(database.parent) not in f"{caught.value.message} {caught.value.details}"


def test_settings_are_locked_for_every_connection_and_in_utc(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Prague")
    first, second = DuckDBConnector({"path": str(database)}), DuckDBConnector({"path": str(database)})
    for connector in (first, second):
        row = connector.con.execute(
            "SELECT current_setting('TimeZone'), current_setting('errors_as_json')"
        ).fetchone()
        assert row == ("UTC", True)
        with pytest.raises(duckdb.Error, match="locked"):
            connector.con.execute("SELECT * FROM enable_logging('QueryLog', storage='memory')")
    first.close()
    second.close()
