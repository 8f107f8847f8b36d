"""The SQL that reads JSON lines: fast, and believed only where it cannot be wrong.

DuckDB's parser keeps numbers as doubles, takes the first of two equal keys, and accepts NaN and a comma too
many. So its reading is checked against the line: written again by DuckDB, the line must be the same, spaces
aside, and have as many keys as values were found. Then no member is unknown, none is there twice, and each
number is spelled as DuckDB spells it. Lines that differ only in escapes or in zeros at the end of decimals
have the same values still. All others are left to `jsonl_text`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from osiris.connectors.duckdb.engine import quote_literal
from osiris.connectors.filesystem.jsonl_types import JsonColumn

NOT_BLANK = r"regexp_matches(line, '[^ \t\r]')"
"""A condition that leaves out blank lines."""

KEYS = "TRY(CASE WHEN json_type(line) = 'OBJECT' THEN json_keys(line) END)"
"""The keys of a line as DuckDB reads it; NULL for what it does not take for an object."""

_READ = "replace(line, ' ', '')"
_WRITTEN = "replace(CAST(json(line) AS VARCHAR), ' ', '')"
_DOUBTFUL = (
    f"v IS NULL OR NOT starts_with({_READ}, '{{') OR list_count(v) <> len(json_keys(line))"
    r" OR regexp_matches(line, '[:,\[][ \t\r]*-?(?i:nan|inf)')"
)
"""No object, another number of keys, or what may be a number that JSON does not have."""

_HAS_ESCAPED_BACKSLASH = rf"contains({_READ}, '\\') OR contains({_WRITTEN}, '\\')"
"""Where there is none, each backslash begins an escape, so that escapes can be told by their look."""


def _same(spelled: Callable[[str], str]) -> str:
    """SQL for whether a line is as DuckDB would write it, apart from what `spelled` makes equal."""
    return f"NOT ({_HAS_ESCAPED_BACKSLASH}) AND {spelled(_READ)} = {spelled(_WRITTEN)}"


def _without_escapes(text: str) -> str:
    r"""SQL for a line without the characters that have an escape such as \u00e9 or \/, escaped or not."""
    rest = rf"regexp_replace({text}, '(?:\\u[0-9a-fA-F]{{4}}|[^\x00-\x7F])+', '', 'g')"
    return rf"replace({rest}, '\/', '/')"


def _without_zeros(text: str) -> str:
    """SQL for a line, without escapes, whose numbers have no zeros that say nothing: 1.50, 1e-07."""
    rest = rf"regexp_replace({_without_escapes(text)}, '(\.[0-9]+?)0+([^0-9.eE])', '\1\2', 'g')"
    return f"replace({rest}, 'e-0', 'e-')"


@dataclass(frozen=True, slots=True)
class RowSql:
    """Rows of the columns, from lines whose members are `keys`; every column is one of the keys."""

    keys: Sequence[str]
    columns: Sequence[JsonColumn] = ()

    def shapes(self, lines: str) -> str:
        """A SELECT of each list of keys, its first line and how many lines have it; NULL: no object."""
        keys = f"SELECT number, {KEYS} AS keys FROM {lines} WHERE {NOT_BLANK}"
        return f"SELECT keys, min(number) AS first, count(*) FROM ({keys}) GROUP BY keys ORDER BY first"

    def sample(self, lines: str) -> str:
        """A SELECT of `number`, and of `v` (a JSON text per key) or, where DuckDB cannot give it, `line`.

        Numbers are spelled in `v` as in the line; strings may not be.
        """
        either = "CASE WHEN same THEN v END AS v, CASE WHEN NOT same THEN line END AS line"
        return f"SELECT number, {either} FROM ({self._values(lines, _same(_without_escapes))})"

    def fast(self, lines: str) -> str:
        """A SELECT of the columns `c0`, `c1`, ..., of `line` (NULL where they are right) and `number`."""
        columns = list(enumerate(self.columns))
        kept = [column.keeps_text(self._value(column)) for column in self.columns]
        rows = self._values(lines, " AND ".join([_same(_without_zeros), *kept]))
        sure = ["same", *self._fits(), *(column.is_sure(f"t{i}") for i, column in columns)]
        line = f"CASE WHEN {' AND '.join(sure)} THEN NULL ELSE line END AS line"
        return f"SELECT {self._names()}, {line}, number FROM ({self._typed(rows)})"

    def exact(self, rows: str) -> str:
        """The same from rows with `v` as `jsonl_text` found it; `fits` says which columns can take theirs."""
        return f"SELECT {self._names()}, [{', '.join(self._fits())}] AS fits FROM ({self._typed(rows)})"

    def position(self, column: JsonColumn) -> int:
        """Where in `v` the column's values are, counted from 0."""
        return self.keys.index(column.name)

    def _values(self, lines: str, or_else: str) -> str:
        """A SELECT of `line`, `number`, `v` and `same`; `or_else` decides where DuckDB spells otherwise."""
        pointers = ", ".join(quote_literal(_pointer(key)) for key in self.keys)
        found = f"TRY(CAST(json_extract(line, [{pointers}]) AS VARCHAR[]))"
        rows = f"SELECT line, number, {found} AS v FROM {lines} WHERE {NOT_BLANK}"
        same = f"CASE WHEN {_DOUBTFUL} THEN false WHEN {_READ} = {_WRITTEN} THEN true ELSE {or_else} END"
        return f"SELECT *, {same} AS same FROM ({rows})"

    def _typed(self, rows: str) -> str:
        columns = list(enumerate(self.columns))
        texts = "".join(f", {column.text(self._value(column))} AS t{i}" for i, column in columns)
        tries = "".join(
            f", TRY_CAST(t{i} AS {column.type}) AS x{i}" for i, column in columns if not column.form.is_text
        )
        read = "".join(f", {column.value(f't{i}', f'x{i}')} AS c{i}" for i, column in columns)
        return f"SELECT *{read} FROM (SELECT *{tries} FROM (SELECT *{texts} FROM ({rows})))"

    def _fits(self) -> list[str]:
        return [column.fits(self._value(column), f"t{i}", f"c{i}") for i, column in enumerate(self.columns)]

    def _names(self) -> str:
        return ", ".join(f"c{i}" for i in range(len(self.columns)))

    def _value(self, column: JsonColumn) -> str:
        return f"v[{self.position(column) + 1}]"


def _pointer(key: str) -> str:
    """RFC 6901."""
    return "/" + key.replace("~", "~0").replace("/", "~1")
