"""SQL of a processor reaches its inputs and declared files, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from osiris.connectors.duckdb.engine import open_engine
from osiris.connectors.duckdb.sql_rows import confine
from osiris.connectors.duckdb.statements import parse_select
from osiris.errors import PipelineError

# {allowed}: a declared file; {dir}: its folder; {secret}: another file; {out}: a folder to write to.
READS = """
SELECT * FROM read_csv('{secret}')
SELECT * FROM '/etc/passwd'
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM read_csv('{dir}/../secret/s.csv')
SELECT * FROM read_csv('{dir}/link/s.csv')
SELECT * FROM read_csv('{dir}/slink.csv')
SELECT * FROM glob('/etc/*')
SELECT * FROM glob('{dir}/*')
SELECT * FROM glob('{dir}/../secret/*')
SELECT * FROM read_csv('http://127.0.0.1:1/x')
SELECT getenv('HOME')
SELECT * FROM hidden
SELECT * FROM sniff_csv('/etc/passwd')
SELECT * FROM parquet_metadata('/etc/passwd')
SELECT json_execute_serialized_sql(json_serialize_sql('COPY (SELECT 1) TO ''{out}/x.csv'''))
SELECT * FROM read_blob('/proc/self/environ')
SELECT * FROM query('COPY (SELECT 1) TO ''{out}/x.csv''')
SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')
SELECT * FROM query_table('/etc/passwd')
WITH x AS (COPY src TO '{out}/x.csv') SELECT * FROM x
SELECT * FROM duckdb_secrets()
""".strip().splitlines()

STATEMENTS = """
ATTACH '{out}/x.db' AS x
COPY src TO '{out}/out.csv'
COPY src TO '{dir}/out.csv'
COPY src TO '{allowed}'
COPY src TO '{dir}/link/evil.csv'
COPY src TO '{dir}/../evil.csv'
COPY (SELECT 1) TO '/dev/stdout'
EXPORT DATABASE '{out}/exp'
IMPORT DATABASE '{out}'
INSTALL httpfs
LOAD httpfs
SET enable_external_access = true
SET lock_configuration = false
RESET enable_external_access
SET python_enable_replacements = true
SET allowed_paths = ['/etc/passwd']
SET allowed_directories = ['/etc']
SET memory_limit = '100GB'
SET threads = 64
SET file_search_path = '/etc'
SET profiling_output = '{out}/prof.json'
SET log_query_path = '{out}/q.log'
SET temp_directory = '{out}/tmp'
SET autoinstall_known_extensions = true
PRAGMA enable_profiling = 'json'
CALL enable_logging(storage = 'file', storage_path = '{out}/logs')
CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')
CREATE MACRO m() AS TABLE SELECT * FROM read_text('/etc/passwd')
""".strip().splitlines()

HARMLESS_OTHERS = """
ATTACH ':memory:' AS m2
PRAGMA enable_external_access
SET VARIABLE x = 1
PRAGMA database_list
PRAGMA enable_logging
CREATE OR REPLACE TABLE big AS SELECT * FROM range(10) t(i)
CALL pragma_version()
CHECKPOINT
SELECT 1; DROP TABLE src
BEGIN
EXPLAIN ANALYZE SELECT 1
PREPARE x AS SELECT 1
DETACH memory
USE temp
WITH x AS (INSERT INTO src VALUES (1)) SELECT * FROM x
WITH x AS (COPY src TO '{out}/x.csv') SELECT * FROM x
VACUUM
""".strip().splitlines()

HARMLESS_READS = """
SELECT * FROM src
SELECT * FROM read_csv('{allowed}')
SELECT current_database(), version()
SELECT sum(a.i * b.i) FROM range(100) a(i), range(100) b(i)
""".strip().splitlines()


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    folder, secret, out = tmp_path / "allowed", tmp_path / "secret", tmp_path / "out"
    for path in (folder, secret, out):
        path.mkdir()
    (folder / "ok.csv").write_text("a\n1\n", encoding="utf-8")
    (secret / "s.csv").write_text("a\n1\n", encoding="utf-8")
    (folder / "link").symlink_to(secret)
    (folder / "slink.csv").symlink_to(secret / "s.csv")
    return {
        "allowed": str(folder / "ok.csv"),
        "dir": str(folder),
        "secret": str(secret / "s.csv"),
        "out": str(out),
    }


@pytest.fixture
def con(places: dict[str, str], tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    hidden = pa.table({"secret": [1]})
    con = open_engine(temp_dir=tmp_path / "spill")
    con.execute("CREATE TABLE src AS SELECT 1 AS a")
    confine(con, (places["allowed"],))
    yield con
    con.close()
    assert hidden.num_rows == 1


def files_of(places: dict[str, str]) -> dict[str, bytes]:
    root = Path(places["dir"]).parent
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("probe", READS + STATEMENTS)
def test_the_engine_refuses_what_reaches_outside(
    con: duckdb.DuckDBPyConnection, places: dict[str, str], probe: str
) -> None:
    """Without the check of the statement: what the sandbox itself holds."""
    before = files_of(places)
    try:
        con.execute(probe.format(**places))
        content = con.fetchall()
    except duckdb.Error:
        content = []
    assert files_of(places) == before
    assert "root:" not in str(content)
    assert "enable_external_access" in probe or con.execute(
        "SELECT current_setting('enable_external_access'), current_setting('lock_configuration')"
    ).fetchall() == [(False, True)]


@pytest.mark.parametrize(
    "probe", [probe for probe in READS + STATEMENTS if not probe.startswith("CREATE MACRO")]
)
def test_the_engine_raises_for_what_reaches_outside(
    con: duckdb.DuckDBPyConnection, places: dict[str, str], probe: str
) -> None:
    with pytest.raises(duckdb.Error):
        con.execute(probe.format(**places)).fetchall()


@pytest.mark.parametrize("probe", STATEMENTS + HARMLESS_OTHERS)
def test_only_one_select_is_let_through(
    con: duckdb.DuckDBPyConnection, places: dict[str, str], probe: str
) -> None:
    with pytest.raises(PipelineError) as caught:
        parse_select(con, probe.format(**places))
    assert caught.value.code in ("SQL001", "SQL002")


@pytest.mark.parametrize("probe", HARMLESS_READS)
def test_what_is_harmless_works(con: duckdb.DuckDBPyConnection, places: dict[str, str], probe: str) -> None:
    sql = probe.format(**places)
    assert parse_select(con, sql)
    con.execute(sql).fetchall()
