"""Rows by the exact reader: for the lines about which DuckDB's parser is not believed."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from osiris.connectors.filesystem.jsonl_failure import bad_line, misfit, unknown_key
from osiris.connectors.filesystem.jsonl_lines import JsonlLines
from osiris.connectors.filesystem.jsonl_sql import RowSql
from osiris.connectors.filesystem.jsonl_text import BadLine, members

VALUES = pa.list_(pa.string())
"""The JSON text of each key's value; NULL where the row lacks the key."""

Values = list[str | None]


class ExactRows:
    """Reads lines one by one; with `closed`, a key that is not among the known ones is refused."""

    def __init__(self, sql: RowSql, lines: JsonlLines, *, closed: bool) -> None:
        self._sql = sql
        self._lines = lines
        self._refused = closed
        self._known = frozenset(sql.keys)
        prepares = [(index, sql.position(column), column.prepare) for index, column in enumerate(sql.columns)]
        self._prepares = [(index, at, prepare) for index, at, prepare in prepares if prepare is not None]

    def values(self, line: str, number: int) -> Values:
        """The values of one line. Raises `DataError` DAT030, DAT031 or DAT032."""
        found = read_members(line, number, self._lines)
        if self._refused and not found.keys() <= self._known:
            key = next(key for key in found if key not in self._known)
            raise unknown_key(key, self._sql.keys, self._lines.place(number))
        return [found.get(key) for key in self._sql.keys]

    def columns(
        self, con: duckdb.DuckDBPyConnection, lines: Sequence[str], numbers: Sequence[int]
    ) -> list[pa.Array]:
        """The typed columns of some lines. Raises `DataError`, also DAT011 and DAT012."""
        values = [self.values(line, number) for line, number in zip(lines, numbers, strict=True)]
        prepared = [self._prepared(row, number) for row, number in zip(values, numbers, strict=True)]
        con.register("exact_rows", pa.table({"v": pa.array(prepared, VALUES)}))
        read = con.sql(self._sql.exact("exact_rows")).to_arrow_table()
        for row, fits in enumerate(read.column("fits").to_pylist()):
            if not all(fits):
                self._refuse(fits.index(False), values[row], numbers[row])
        return [column.combine_chunks() for column in read.columns[:-1]]

    def _prepared(self, values: Values, number: int) -> Values:
        prepared = list(values)
        for index, position, prepare in self._prepares:
            value = values[position]
            try:
                prepared[position] = value if value is None else prepare(value)
            except ValueError:
                self._refuse(index, values, number)
        return prepared

    def _refuse(self, index: int, values: Values, number: int) -> None:
        column = self._sql.columns[index]
        raise misfit(column, values[self._sql.position(column)] or "", self._lines.place(number))


def read_members(line: str, number: int, lines: JsonlLines) -> dict[str, str]:
    """The keys and values of one line. Raises `DataError` DAT030 or DAT031."""
    try:
        return members(line)
    except BadLine as problem:
        raise bad_line(problem, lines.place(number)) from problem
