"""What is in data files of each kind: their columns, found by reading only so much."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from osiris.connectors.duckdb.engine import open_engine
from osiris.connectors.filesystem.csv_dialect import CsvDialect
from osiris.connectors.filesystem.csv_header import read_head
from osiris.connectors.filesystem.csv_reader import CsvSource
from osiris.connectors.filesystem.jsonl_lines import JsonlForm, JsonlLines
from osiris.connectors.filesystem.jsonl_reader import JsonlSource
from osiris.connectors.filesystem.jsonl_rows import read_members
from osiris.connectors.filesystem.parquet_reader import ParquetSource
from osiris.core import Column

Shape = frozenset[str]
"""The names of a file's columns, with their types where the file has them."""

_JSONL_ROWS = 20_000
_JSONL_HEAD_ROWS = 200
_MEMORY = "256MB"
_NORMALISED = "Numbers with differing numbers of decimals: their values are kept, their text is not."


@dataclass(frozen=True, slots=True)
class Contents:
    """Columns; how many rows there are, None where that is not known; how many gave the types."""

    columns: tuple[Column, ...]
    rows: int | None
    rows_sampled: int | None = None


def contents(kind: str, files: Sequence[Path], shown: Callable[[Path], str]) -> Contents:
    """What files of one kind and shape hold together. Raises `OsirisError` for what cannot be read."""
    return _READERS[kind](files, shown)


def shape(kind: str, file: Path) -> Shape:
    """The columns of one file, from its head alone. Raises `OsirisError`."""
    return _SHAPES[kind](file)


def _csv(files: Sequence[Path], shown: Callable[[Path], str]) -> Contents:
    source = CsvSource(files, CsvDialect(), shown)
    with closing(open_engine(_MEMORY)) as con:
        sample = source.infer(con)
    normalised = {source.names[position] for position in sample.normalised}
    if sample.is_whole:
        source.look_through()
    rows = sample.rows_sampled if sample.is_whole else None
    return Contents(_columns(source.types, normalised), rows, sample.rows_sampled)


def _jsonl(files: Sequence[Path], shown: Callable[[Path], str]) -> Contents:
    source = JsonlSource(files, JsonlForm(), shown)
    with closing(open_engine(_MEMORY)) as con:
        source.look(con, rows=_JSONL_ROWS)
    rows = source.sample.rows if source.sample.is_whole else None
    return Contents(_columns(source.types, source.normalised), rows, source.sample.rows)


def _parquet(files: Sequence[Path], shown: Callable[[Path], str]) -> Contents:
    source = ParquetSource(files, shown)
    columns = [
        Column(field.name, str(field.type), str(field.type), field.nullable) for field in source.schema
    ]
    return Contents(tuple(columns), source.rows)


def _keys(file: Path) -> Shape:
    """The keys of the first rows."""
    lines = JsonlLines([file], JsonlForm(), lambda path: path.name)
    with closing(lines.batches()) as found:
        batch = next(found, None)
    texts = [] if batch is None else batch["line"][:_JSONL_HEAD_ROWS].to_pylist()
    rows = (read_members(text, number, lines) for number, text in enumerate(texts) if text.strip())
    return Shape(key for row in rows for key in row)


def _columns(types: Mapping[str, str], normalised: Collection[str]) -> tuple[Column, ...]:
    return tuple(
        Column(name, kind, _arrow_name(kind), comment=_NORMALISED if name in normalised else None)
        for name, kind in types.items()
    )


_READERS: dict[str, Callable[[Sequence[Path], Callable[[Path], str]], Contents]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
}

_SHAPES: dict[str, Callable[[Path], Shape]] = {
    "csv": lambda path: Shape(read_head(path, CsvDialect(), path.name).names),
    "jsonl": _keys,
    "parquet": lambda path: Shape(
        f"{field.name} {field.type}" for field in ParquetSource([path], lambda found: found.name).schema
    ),
}


def _arrow_name(type_name: str) -> str:
    if type_name.startswith("DECIMAL("):
        precision, scale = type_name[8:-1].split(",")
        return str(pa.decimal128(int(precision), int(scale)))
    return str(_ARROW[type_name])


_ARROW = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "DOUBLE": pa.float64(),
    "JSON": pa.json_(pa.string()),
    "TIMESTAMP": pa.timestamp("us"),
    "VARCHAR": pa.string(),
}
