"""The SQL that reads JSON lines: fast, and believed only where it cannot be wrong.

DuckDB's parser keeps numbers as doubles, takes the first of two equal keys, and accepts NaN and a comma too
many. So what it found is put together again: the texts of the values, with the keys around them, must give
the line, spaces aside. A line that passes has no other member, none twice, and no number that is spelled
otherwise than DuckDB spells it. All other lines are left to `jsonl_text`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from osiris.connectors.duckdb.engine import quote_literal
from osiris.connectors.filesystem.jsonl_types import JsonColumn

NOT_BLANK = r"regexp_matches(line, '[^ \t\r]')"
"""A condition that leaves out blank lines."""

KEYS = "TRY(CASE WHEN json_type(line) = 'OBJECT' THEN json_keys(line) END)"
"""The keys of a line as DuckDB reads it; NULL for what it does not take for an object."""

_NO_JSON = "contains(line, 'NaN') OR contains(line, 'Infinity')"
_LINE = "replace(line, ' ', '')"


@dataclass(frozen=True, slots=True)
class RowSql:
    """Rows of the columns, from lines whose members are `keys`; every column is one of the keys."""

    keys: Sequence[str]
    columns: Sequence[JsonColumn] = ()

    def shapes(self, lines: str) -> str:
        """A SELECT of each list of keys, its first line and how many lines have it; NULL: no object."""
        keys = f"SELECT number, {KEYS} AS keys FROM {lines} WHERE {NOT_BLANK}"
        return f"SELECT keys, min(number) AS first, count(*) FROM ({keys}) GROUP BY keys ORDER BY first"

    def values(self, lines: str) -> str:
        """A SELECT of `line`, `number`, `v` (values by key, as JSON text) and `same` (whether they are right)."""
        pointers = ", ".join(quote_literal(_pointer(key)) for key in self.keys)
        found = f"TRY(CAST(json_extract(line, [{pointers}]) AS VARCHAR[]))"
        rows = f"SELECT line, number, {found} AS v FROM {lines} WHERE {NOT_BLANK}"
        return f"SELECT *, {self._same()} AS same FROM ({rows})"

    def fast(self, lines: str) -> str:
        """A SELECT of the columns `c0`, `c1`, ..., of `line` (NULL where they are right) and `number`."""
        certain = " AND ".join(
            ["same", *self._fits(), *(column.is_sure(f"t{i}") for i, column in enumerate(self.columns))]
        )
        line = f"CASE WHEN {certain} THEN NULL ELSE line END AS line"
        return f"SELECT {self._names()}, {line}, number FROM ({self._typed(self.values(lines))})"

    def exact(self, rows: str) -> str:
        """The same from rows with `v` as `jsonl_text` found it; `fits` says which columns can take theirs."""
        return f"SELECT {self._names()}, [{', '.join(self._fits())}] AS fits FROM ({self._typed(rows)})"

    def position(self, column: JsonColumn) -> int:
        """Where in `v` the column's values are, counted from 0."""
        return self.keys.index(column.name)

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

    def _same(self) -> str:
        """Whether the line is what its values give; decimals may be spelled with all their places."""
        values = {key: f"v[{i}]" for i, key in enumerate(self.keys, 1)}
        padded = {
            column.name: f"coalesce(CAST(TRY_CAST({v} AS {column.type}) AS VARCHAR), {v})"
            for column in self.columns
            if column.is_decimal
            for v in [values[column.name]]
        }
        or_padded = f"WHEN {_LINE} = {_rebuilt(values | padded)} THEN true" if padded else ""
        same = f"WHEN {_LINE} = {_rebuilt(values)} THEN true {or_padded}"
        return f"CASE WHEN {_NO_JSON} THEN false {same} ELSE false END"


def _pointer(key: str) -> str:
    """RFC 6901."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _rebuilt(values: dict[str, str]) -> str:
    """SQL for the line without spaces; `concat` leaves out a member whose value is NULL, that is, missing."""
    members = ", ".join(
        f"{quote_literal(',' + json.dumps(key, ensure_ascii=False) + ':')} || {value}"
        for key, value in values.items()
    )
    return f"replace('{{' || ltrim(concat({members}), ',') || '}}', ' ', '')"
