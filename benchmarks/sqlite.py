"""Parquet to an SQLite table and back through a pipeline, beside Python's sqlite3 module alone.

The module alone does the least that a script would: values go in and out as they are, no type is checked, and
dates, timestamps and decimals stay text when they are read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from benchmarks.embedded import Comparison
from benchmarks.measure import alternate

_GENERATE = """
COPY (SELECT i AS id, 'C' || lpad((hash(i) % 100000)::VARCHAR, 8, '0') AS customer,
    ['north', 'south', 'east', 'west', 'center'][1 + (hash(i * 7) % 5)::INT] AS region,
    (DATE '2020-01-01' + (hash(i * 3) % 1800)::INT) AS day,
    TIMESTAMP '2020-01-01' + to_seconds((hash(i * 11) % 150000000)::BIGINT) AS ts,
    ((hash(i * 13) % 1000000) / 100.0)::DECIMAL(12, 2) AS amount,
    (hash(i * 17) % 100000) / 777.0::DOUBLE AS ratio,
    CASE WHEN hash(i * 19) % 10 = 0 THEN NULL ELSE 'note of some length here ' || (hash(i) % 1000) END AS note
    FROM range({rows}) t(i)) TO '{file}' (FORMAT parquet)
"""

_SCHEMA = '{day: DATE, ts: TIMESTAMP, amount: "DECIMAL(12,2)"}'

_PIPELINE = """\
oml_version: "0.1.0"
name: bench_sqlite_{name}
steps:
  - id: source
    component: {source}
    config: {{{source_config}}}
  - id: save
    component: {target}
    inputs: {{df: "${{source.df}}"}}
    config: {{{target_config}}}
"""

_WRITE = """\
import sqlite3
import pyarrow as pa, pyarrow.parquet as pq
con = sqlite3.connect("alone.sqlite")
con.execute("PRAGMA journal_mode = WAL")
con.execute("DROP TABLE IF EXISTS t")
columns = "id INTEGER, customer TEXT, region TEXT, day TEXT, ts TEXT, amount TEXT, ratio REAL, note TEXT"
con.execute(f"CREATE TABLE t ({{columns}})")
for batch in pq.ParquetFile("{file}").iter_batches(16384):
    columns = [c.cast(pa.string()) if i in (3, 4, 5) else c for i, c in enumerate(batch.columns)]
    con.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)", zip(*(c.to_pylist() for c in columns)))
con.commit()
"""

_READ = """\
import sqlite3
import pyarrow as pa, pyarrow.parquet as pq
names = ["id", "customer", "region", "day", "ts", "amount", "ratio", "note"]
cursor = sqlite3.connect("alone.sqlite").execute("SELECT * FROM t")
writer = None
while rows := cursor.fetchmany(16384):
    batch = pa.record_batch([pa.array(column) for column in zip(*rows)], names)
    writer = writer or pq.ParquetWriter("out/alone.parquet", batch.schema, compression="zstd")
    writer.write_batch(batch)
writer.close()
"""


def compare(folder: Path, rows: int, rounds: int) -> list[Comparison]:
    """Make the data once, then measure both ways; the table that is read is the one that was written."""
    file = _prepare(folder, rows)
    cases = [("parquet -> sqlite", "write", _WRITE.format(file=file)), ("sqlite -> parquet", "read", _READ)]
    results = []
    for case, name, script in cases:
        ours = [sys.executable, "-m", "osiris", "run", "--new", f"pipelines/sqlite_{name}.yaml"]
        alone = [sys.executable, "-c", script]
        results.append(Comparison(case, rows, *alternate(ours, alone, folder, rounds)))
    return results


def _prepare(folder: Path, rows: int) -> str:
    for name in ("pipelines", "data", "out"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "osiris_connections.yaml").write_text(
        "version: 1\nconnections:\n  sqlite:\n    bench: {path: bench.sqlite}\n"
    )
    file = f"data/sqlite_{rows}.parquet"
    if not (folder / file).exists():
        duckdb.connect().execute(_GENERATE.format(rows=rows, file=folder / file))
    write = _PIPELINE.format(
        name="write",
        source="filesystem.parquet_extractor",
        source_config=f"path: {file}",
        target="sqlite.writer",
        target_config='connection: "@sqlite.bench", table: t, write_mode: replace',
    )
    read = _PIPELINE.format(
        name="read",
        source="sqlite.extractor",
        source_config=f'connection: "@sqlite.bench", table: t, schema: {_SCHEMA}',
        target="filesystem.parquet_writer",
        target_config="path: out/sqlite.parquet",
    )
    (folder / "pipelines/sqlite_write.yaml").write_text(write)
    (folder / "pipelines/sqlite_read.yaml").write_text(read)
    return file
