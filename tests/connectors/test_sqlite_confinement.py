"""SQL of an extractor reads tables of its file, and nothing else; names are names and texts are texts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from osiris.connectors.sqlite.confinement import Confinement
from osiris.connectors.sqlite.statements import query_select, table_select
from osiris.connectors.sqlite.tokens import mark_at, strict_names, tokens, unquoted, without_placeholders
from osiris.errors import PipelineError

# {other}: another database, {out}: a folder to write to.
STATEMENTS = """
ATTACH '{other}' AS other
ATTACH '{out}/new.db' AS other
DETACH main
PRAGMA journal_mode = OFF
PRAGMA temp_store_directory = '{out}'
PRAGMA writable_schema = ON
PRAGMA table_info(t)
CREATE TABLE x (a)
CREATE TEMP TABLE x (a)
CREATE VIEW x AS SELECT 1
CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END
CREATE VIRTUAL TABLE x USING fts5(a)
DROP TABLE t
ALTER TABLE t RENAME TO x
INSERT INTO t VALUES (1)
REPLACE INTO t VALUES (1)
UPDATE t SET a = 2
DELETE FROM t
WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x
WITH x AS (SELECT 1) UPDATE t SET a = 2
ANALYZE
BEGIN
COMMIT
SAVEPOINT x
""".strip().splitlines()

NOT_ASKED_ABOUT = """
VACUUM
VACUUM INTO '{out}/copy.db'
REINDEX
""".strip().splitlines()
"""Statements that SQLite does not ask the authorizer about: they are kept out because they are no SELECT."""

READS = """
SELECT load_extension('{other}')
SELECT * FROM pragma_table_info('t')
SELECT * FROM pragma_database_list
SELECT * FROM _osiris_commits
SELECT count(*) FROM _Osiris_commits
SELECT (SELECT max(run_key) FROM _osiris_commits)
""".strip().splitlines()

HARMLESS = """
SELECT * FROM t
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT * FROM n
SELECT value FROM json_each('[1]')
SELECT a, count(*) OVER (ORDER BY a) FROM t
SELECT name FROM sqlite_master
VALUES (1), (2)
SELECT lower('; -- "a"'), 'b' /* ; */ FROM t -- ;
SELECT * FROM (SELECT a FROM t ORDER BY a LIMIT 1);
""".strip().splitlines()


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "out").mkdir()
    for name in ("own.db", "other.db"):
        with closing(sqlite3.connect(tmp_path / name)) as con, con:
            con.execute("CREATE TABLE t (a)")
            con.execute("CREATE TABLE _osiris_commits (run_key)")
    return {"other": str(tmp_path / "other.db"), "out": str(tmp_path / "out")}


@pytest.fixture
def con(places: dict[str, str], tmp_path: Path) -> Iterator[sqlite3.Connection]:
    con = sqlite3.connect(tmp_path / "own.db", isolation_level=None)
    Confinement(con)
    yield con
    con.close()


@pytest.mark.parametrize("probe", STATEMENTS + READS)
def test_the_engine_refuses_what_reaches_outside(
    con: sqlite3.Connection, places: dict[str, str], tmp_path: Path, probe: str
) -> None:
    """Without the check of the statement, and with a connection that could write."""
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(sqlite3.DatabaseError, match=r"not authorized|prohibited"):
        con.execute(probe.format(**places)).fetchall()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("probe", STATEMENTS + NOT_ASKED_ABOUT)
def test_only_one_select_is_let_through(places: dict[str, str], probe: str) -> None:
    with pytest.raises(PipelineError) as caught:
        query_select(probe.format(**places), {})
    assert caught.value.code == "SQL002"


@pytest.mark.parametrize("probe", HARMLESS)
def test_what_is_harmless_works(con: sqlite3.Connection, probe: str) -> None:
    con.execute(query_select(probe, {}).sql).fetchall()


def test_what_was_confined_can_be_released(con: sqlite3.Connection) -> None:
    Confinement(con).lift()
    con.execute("CREATE TABLE x (a)")


STRICT = {
    'SELECT "a" FROM "t"': "SELECT `a` FROM `t`",
    'SELECT "a""b`c"': 'SELECT `a"b``c`',
    'SELECT \'"a"\', "b"': "SELECT '\"a\"', `b`",
    '-- "a"\n"b"': '-- "a"\n`b`',
    '/* "a" */ "b"': '/* "a" */ `b`',
    'SELECT [a"b"], `c"d"`': 'SELECT [a"b"], `c"d"`',
    "x'ff' \"a\"": "x'ff' `a`",
}


@pytest.mark.parametrize(("sql", "strict"), STRICT.items())
def test_names_in_double_quotes_are_made_names_that_cannot_be_texts(sql: str, strict: str) -> None:
    assert strict_names(sql) == strict


PLACEHOLDERS = {
    ":a": ["placeholder"],
    "x=:a": ["name", "sign", "placeholder"],
    "':a'": ["text"],
    '":a"': ["quoted"],
    "[:a]": ["name"],
    "-- :a": [],
    "/* :a": [],
    "?1, @a, $a, :1": ["other_placeholder", "sign"] * 3 + ["other_placeholder"],
    "a->>'$.b' || 1.5e3": ["name", "sign", "text", "sign", "number"],
    "'open": ["sign", "name"],
}


@pytest.mark.parametrize(("sql", "kinds"), PLACEHOLDERS.items())
def test_placeholders_are_told_from_what_only_looks_like_one(sql: str, kinds: list[str]) -> None:
    assert [token.kind for token in tokens(sql)] == kinds


def test_a_placeholder_gives_way_to_null() -> None:
    assert without_placeholders("a = :b AND c = ':d'") == "a = NULL AND c = ':d'"


@pytest.mark.parametrize(
    ("written", "name"), [('"a""b"', 'a"b'), ("`a``b`", "a`b"), ("[a b]", "a b"), ("a", "a")]
)
def test_a_name_is_read_in_whichever_quotes(written: str, name: str) -> None:
    assert unquoted(written) == name


@pytest.mark.parametrize(("offset", "place"), [(0, (1, 1)), (2, (1, 3)), (3, (2, 1)), (5, (2, 3))])
def test_a_place_is_told_in_lines_and_columns(offset: int, place: tuple[int, int]) -> None:
    mark = mark_at("ab\ncd", offset)
    assert (mark.line, mark.column) == place


def test_a_table_s_statement_quotes_every_name() -> None:
    select = table_select('a"b`c; --', ["x y"], "z > 1 -- c", 5, {})
    assert select.sql == 'SELECT `x y` FROM `a"b``c; --` WHERE (\nz > 1\n) LIMIT 5'
