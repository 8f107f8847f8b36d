"""What a folder holds: its data files with their columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa

from osiris.connectors.duckdb.engine import open_engine
from osiris.connectors.filesystem import paths
from osiris.connectors.filesystem.csv_dialect import CsvDialect
from osiris.connectors.filesystem.csv_reader import CsvSource
from osiris.connectors.filesystem.parquet_reader import ParquetSource
from osiris.core import Column, Discovery, DiscoveryRequest, Relation
from osiris.errors import OsirisError

_MAX_ENTRIES = 100_000
_SUFFIXES = {
    "csv": (".csv", ".csv.gz", ".csv.zst", ".csv.zstd"),
    "parquet": (".parquet", ".pq"),
}


def data_files(base: Path, request: DiscoveryRequest) -> Discovery:
    """CSV and Parquet files below `base`, in name order; one that cannot be read says why in its comment."""
    found = sorted(islice(_names(base), _MAX_ENTRIES))
    wanted = [name for name in found if not request.names or name in request.names]
    relations = tuple(_relation(base, name) for name in wanted[: request.limit])
    return Discovery(relations, truncated=len(wanted) > request.limit or len(found) == _MAX_ENTRIES)


def _names(base: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(base):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in files:
            if _kind(file) and not file.startswith("."):
                yield (Path(folder) / file).relative_to(base).as_posix()


def _kind(name: str) -> str | None:
    return next((kind for kind, suffixes in _SUFFIXES.items() if name.lower().endswith(suffixes)), None)


def _relation(base: Path, name: str) -> Relation:
    kind = _kind(name) or "file"
    try:
        return _READERS[kind](base, paths.regular_file(base, base / name), name)
    except OsirisError as exc:
        return Relation(name, kind, (), comment=f"{exc.code}: {exc.message}")


def _csv(base: Path, path: Path, name: str) -> Relation:
    source = CsvSource([path], CsvDialect(), lambda found: paths.shown(base, found))
    con = open_engine("256MB")
    try:
        sample = source.infer(con)
    finally:
        con.close()
    columns = tuple(
        Column(column, type_name, _arrow_name(type_name)) for column, type_name in source.types.items()
    )
    return Relation(name, "csv", columns, rows=sample.rows_sampled, rows_exact=sample.is_whole)


def _parquet(base: Path, path: Path, name: str) -> Relation:
    source = ParquetSource([path], lambda found: paths.shown(base, found))
    columns = tuple(
        Column(field.name, str(field.type), str(field.type), field.nullable) for field in source.schema
    )
    return Relation(name, "parquet", columns, rows=source.rows, rows_exact=True)


_READERS: dict[str, Callable[[Path, Path, str], Relation]] = {"csv": _csv, "parquet": _parquet}


def _arrow_name(type_name: str) -> str:
    if type_name.startswith("DECIMAL("):
        precision, scale = type_name[8:-1].split(",")
        return str(pa.decimal128(int(precision), int(scale)))
    return str(_ARROW[type_name])


_ARROW = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "VARCHAR": pa.string(),
}
