"""The first rows of some JSON Lines files: which keys they have, and which values."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors.filesystem.jsonl_lines import LINES, JsonlLines
from osiris.connectors.filesystem.jsonl_rows import VALUES, ExactRows, read_members
from osiris.connectors.filesystem.jsonl_sql import KEYS, NOT_BLANK, RowSql

SAMPLE_ROWS = 50_000
_SAMPLE_BYTES = 64 << 20
_NO_KEYS = f"SELECT line, number FROM sample WHERE {NOT_BLANK} AND {KEYS} IS NULL ORDER BY number"


@dataclass(frozen=True, slots=True)
class JsonlSample:
    """Keys in order of appearance, rows, the average length of a row, and whether these are all rows."""

    keys: tuple[str, ...]
    rows: int
    row_bytes: int
    is_whole: bool


def take_sample(con: duckdb.DuckDBPyConnection, lines: JsonlLines, rows: int) -> JsonlSample:
    """Read the first lines; they stay in `con` as `sample`. Raises `DataError`."""
    taken, is_whole = _first(lines, rows)
    con.register("sample", taken)
    shapes = con.execute(RowSql(()).shapes("sample")).fetchall()
    keys: dict[str, None] = {}
    for shape, _, _ in shapes:
        keys |= dict.fromkeys(shape if shape is not None else _keys_of_unclear(con, lines))
    count = sum(found for _, _, found in shapes)
    return JsonlSample(tuple(keys), count, max(1, taken.nbytes // max(1, count)), is_whole)


def sample_values(con: duckdb.DuckDBPyConnection, sql: RowSql, exact: ExactRows) -> str:
    """The name of a table in `con` whose list `v` has the values of the sample's rows. Raises `DataError`."""
    found: pa.Table = con.sql(sql.sample("sample")).to_arrow_table()
    unclear = found.filter(pc.is_valid(found["line"]))
    numbers = unclear["number"].to_pylist()
    mended = [
        exact.values(line, number) for line, number in zip(unclear["line"].to_pylist(), numbers, strict=True)
    ]
    clear = found.filter(pc.is_null(found["line"]))["v"].cast(VALUES)
    con.register(
        "sample_values", pa.table({"v": pa.chunked_array([*clear.chunks, pa.array(mended, VALUES)])})
    )
    return "sample_values"


def _first(lines: JsonlLines, rows: int) -> tuple[pa.Table, bool]:
    """At most so many lines, and whether these are all."""
    taken: list[pa.RecordBatch] = []
    count = size = 0
    with closing(lines.batches()) as batches:
        for batch in batches:
            taken.append(batch.slice(0, rows - count))
            count += batch.num_rows
            size += batch.nbytes
            if count >= rows or size >= _SAMPLE_BYTES:
                is_whole = count <= rows and next(batches, None) is None
                return pa.Table.from_batches(taken, LINES), is_whole
    return pa.Table.from_batches(taken, LINES), True


def _keys_of_unclear(con: duckdb.DuckDBPyConnection, lines: JsonlLines) -> list[str]:
    """The keys of lines that DuckDB does not take for objects; most are none, and are refused here."""
    found = con.execute(_NO_KEYS).fetchall()
    return [key for line, number in found for key in read_members(line, number, lines)]
