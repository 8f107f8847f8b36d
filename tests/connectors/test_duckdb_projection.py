"""Which columns a query can take; what it does not name may be left out without changing its result."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from osiris.connectors.duckdb.checking import parse
from osiris.connectors.duckdb.projection import named_columns

DF = pa.table({"a": [1, 2, 3, None], "b": ["x", "y", "x", "z"], "k": [1, 2, 2, 3], "s": [{"f": 1}] * 4})
E = pa.table({"k": [1, 2, 4], "c": [10, 20, 30], "b": ["x", "q", "z"]})

NAMING = [
    "SELECT a FROM df",
    "SELECT count(*) FROM df",
    "SELECT df.a, e.c FROM df JOIN e USING (k)",
    "SELECT A AS total FROM df ORDER BY total, K",
    "SELECT b, sum(a) AS total FROM df GROUP BY ALL HAVING total > 1",
    "SELECT s.f, df.s.f FROM df",
    "SELECT a FROM df WHERE b IN (SELECT b FROM e WHERE e.k = df.k)",
    "SELECT a FROM df QUALIFY row_number() OVER (PARTITION BY b ORDER BY k DESC) = 1",
    "SELECT DISTINCT ON (b) a FROM df ORDER BY b, k",
    "WITH c AS MATERIALIZED (SELECT a, k FROM df) SELECT x.a, y.k FROM c x, c y WHERE x.k = y.k",
    "SELECT list_transform([a, k], lambda v: v + a) FROM df",
    "SELECT a FROM df UNION BY NAME SELECT c FROM e",
    "SELECT a, c FROM df POSITIONAL JOIN e",
    "SELECT CASE WHEN a IS NULL THEN 0 ELSE TRY_CAST(b AS INTEGER) END, NOT a BETWEEN 1 AND 2 FROM df",
]

TAKING = [
    "FROM df",
    "SELECT * EXCLUDE (a) FROM df",
    "SELECT e.* FROM df, e",
    "SELECT COLUMNS('a.*') FROM df",
    "SELECT df FROM df",
    "SELECT main.df FROM main.df",
    "SELECT t FROM df t",
    "SELECT count(DF) FROM df",
    "SELECT p FROM df t(p)",
    "SELECT a FROM df NATURAL JOIN e",
    "SELECT a FROM df ORDER BY ALL",
    "PIVOT df ON b IN ('x') USING sum(a)",
    "SELECT r.v FROM df, range(2) r(v)",
    "SELECT a FROM df WHERE EXISTS (FROM e)",
]


@pytest.mark.parametrize("sql", NAMING)
def test_columns_that_are_not_named_can_be_left_out(sql: str) -> None:
    names = named_columns(parse("query", sql, {}))
    assert names is not None
    assert _result(sql, DF, E) == _result(sql, *(_narrowed(table, names) for table in (DF, E)))


def test_names_are_folded_and_those_of_using_and_struct_fields_count() -> None:
    select = parse("query", "SELECT A, s.f FROM df JOIN e USING (K)", {})
    assert named_columns(select) == {"a", "s", "f", "k"}


@pytest.mark.parametrize("sql", TAKING)
def test_a_query_that_may_take_columns_without_naming_them_gets_all(sql: str) -> None:
    assert named_columns(parse("query", sql, {})) is None


def _narrowed(table: pa.Table, names: frozenset[str]) -> pa.Table:
    return table.select([name for name in table.column_names if name in names] or table.column_names[:1])


def _result(sql: str, df: pa.Table, e: pa.Table) -> list[tuple[object, ...]]:
    con = duckdb.connect()
    con.register("df", df)
    con.register("e", e)
    return sorted(con.execute(sql).fetchall(), key=repr)
