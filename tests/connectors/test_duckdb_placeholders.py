"""`:name` becomes `$name` where it is a placeholder, and nowhere else."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.connectors.duckdb.placeholders import dollar_names

SAME = [
    "SELECT ':x'",
    "SELECT 'it''s :x'",
    "SELECT e'a\\':x'",
    'SELECT ":x"',
    "SELECT $$ :x $$",
    "SELECT $tag$ :x $$ :y $tag$",
    "SELECT 1 -- :x",
    "SELECT 1 /* :x */",
    "SELECT a::int",
    "SELECT list[lo:hi]",
    "SELECT list[1:hi]",
    "SELECT list[:hi]",
    "SELECT {'key':value}",
    "SELECT f(x):y",
    "SELECT total:sum(x)",
    "SELECT $x",
]
CHANGED = {
    "SELECT :x": "SELECT $x",
    "WHERE a=:x AND b IN (:y,:z)": "WHERE a=$x AND b IN ($y,$z)",
    "SELECT :x::date": "SELECT $x::date",
    "SELECT [:x, :y]": "SELECT [$x, $y]",
    "SELECT ':a', :x -- :b\n, :y": "SELECT ':a', $x -- :b\n, $y",
    "SELECT e'\\'' || :x": "SELECT e'\\'' || $x",
    "SELECT some'text' , :x": "SELECT some'text' , $x",
}


@pytest.mark.parametrize("sql", SAME)
def test_other_colons_stay(sql: str) -> None:
    assert dollar_names(sql) == sql


@pytest.mark.parametrize(("sql", "expected"), CHANGED.items())
def test_placeholders_change(sql: str, expected: str) -> None:
    assert dollar_names(sql, {"x", "y", "z"}) == expected


PLACEHOLDERS = st.sampled_from(["a", "b1", "_c"]).map(lambda name: (f":{name}", name))
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NO_STAR = TEXT.filter(lambda text: not {"*/", "/*"} & {f"*{text}*"[i : i + 2] for i in range(len(text) + 1)})
PIECES = st.one_of(
    PLACEHOLDERS,
    TEXT.map(lambda text: ("'" + text.replace("'", "''") + "'", None)),
    TEXT.filter(lambda text: "$" not in text).map(lambda text: (f"$${text}$$", None)),
    NO_STAR.map(lambda text: (f"/*{text}*/ 1", None)),
    NO_STAR.map(lambda text: (f"/* /*{text}*/ ' :no */ 1", None)),
    TEXT.map(lambda text: ("1 --" + text.replace("\n", " ").replace("\r", " ") + "\n", None)),
    st.sampled_from([("1::int", None), ("[1,2,3][1:2]", None), ("{'k':1}", None), ('":q"', None)]),
)


@given(st.lists(PIECES, min_size=1, max_size=8))
def test_exactly_the_placeholders_become_parameters(pieces: list[tuple[str, str | None]]) -> None:
    """DuckDB's own parser says which parameters the rewritten SQL has."""
    sql = dollar_names("SELECT " + ", ".join(text for text, _ in pieces))
    (statement,) = duckdb.extract_statements(sql)
    assert statement.named_parameters == {name for _, name in pieces if name}
