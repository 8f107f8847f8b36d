"""CSV to Parquet and CSV to CSV through a pipeline, beside the same statement in DuckDB alone.

Both sides get the same column types, memory limit and thread count. DuckDB alone is a fresh Python process
too. It reads with its own lenient casts; the pipeline refuses values that a cast would change, and that is
part of what is measured.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.measure import Figure, alternate

MEMORY_LIMIT = "1GB"

COLUMNS = {
    "id": "BIGINT",
    "customer": "VARCHAR",
    "region": "VARCHAR",
    "day": "DATE",
    "ts": "TIMESTAMP",
    "amount": "DECIMAL(12,2)",
    "ratio": "DOUBLE",
    "note": "VARCHAR",
}

AGGREGATE = (
    "SELECT region, day, count(*) AS n, sum(amount) AS total, max(ts) AS latest FROM {source} "
    "WHERE amount > 100 AND note IS NOT NULL GROUP BY region, day ORDER BY region, day"
)

_GENERATE = """
COPY (SELECT i AS id, 'C' || lpad((hash(i) % 100000)::VARCHAR, 8, '0') AS customer,
    ['north', 'south', 'east', 'west', 'center'][1 + (hash(i * 7) % 5)::INT] AS region,
    (DATE '2020-01-01' + (hash(i * 3) % 1800)::INT) AS day,
    TIMESTAMP '2020-01-01' + to_seconds((hash(i * 11) % 150000000)::BIGINT) AS ts,
    ((hash(i * 13) % 1000000) / 100.0)::DECIMAL(12, 2) AS amount,
    (hash(i * 17) % 100000) / 777.0::DOUBLE AS ratio,
    CASE WHEN hash(i * 19) % 10 = 0 THEN NULL
        ELSE 'note "' || (hash(i * 23) % 1000000) || '", text of some length here ' || (hash(i) % 1000)
    END AS note
    FROM range({rows}) t(i)) TO '{file}' (HEADER)
"""

_PIPELINE = """\
oml_version: "0.1.0"
name: {name}
steps:
  - id: source
    component: filesystem.csv_extractor
    config: {{path: "{source}", schema: {schema}}}
{steps}
"""

_AGGREGATE_STEPS = """\
  - id: by_day
    component: duckdb.processor
    inputs: {{df: "${{source.df}}"}}
    config: {{query: "{query}", memory_limit: {memory_limit}}}
  - id: save
    component: filesystem.parquet_writer
    inputs: {{df: "${{by_day.df}}"}}
    config: {{path: out/by_day.parquet}}
"""

_COPY_STEPS = """\
  - id: save
    component: filesystem.csv_writer
    inputs: {df: "${source.df}"}
    config: {path: out/copy.csv}
"""

_ALONE = """\
import duckdb
con = duckdb.connect()
con.execute("SET memory_limit = '{memory_limit}'; SET threads = {threads}; SET temp_directory = 'tmp'")
options = "header = true, auto_detect = false, allow_quoted_nulls = false, columns = {columns}"
source = f"read_csv('{source}', {{options}})"
con.execute("COPY ({query}) TO 'out/alone' ({options})".replace("SOURCE", source))
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One case: what was moved, both figures, and the ratio of wall times."""

    case: str
    rows: int
    ours: Figure
    alone: Figure
    ratio: float


def compare(folder: Path, rows: int, rounds: int) -> list[Comparison]:
    """Make the data once, then measure both cases."""
    source = _prepare(folder, rows)
    cases = [
        (
            "csv -> aggregate -> parquet",
            "aggregate",
            AGGREGATE.format(source="SOURCE"),
            "FORMAT parquet, COMPRESSION zstd",
        ),
        ("csv -> csv", "copy", "FROM SOURCE", "FORMAT csv, HEADER"),
    ]
    results = []
    for case, name, query, options in cases:
        alone = [sys.executable, "-c", _alone(source, query, options)]
        for way, option in (("fused", []), ("streamed", ["--no-fuse"])):
            ours = [sys.executable, "-m", "osiris", "run", "--new", *option, f"pipelines/{name}_{rows}.yaml"]
            results.append(Comparison(f"{case}, {way}", rows, *alternate(ours, alone, folder, rounds)))
    return results


def _prepare(folder: Path, rows: int) -> str:
    for name in ("pipelines", "data", "out"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "osiris.yaml").touch()
    source = f"data/source_{rows}.csv"
    if not (folder / source).exists():
        duckdb.connect().execute(_GENERATE.format(rows=rows, file=folder / source))
    aggregate = _AGGREGATE_STEPS.format(query=AGGREGATE.format(source="df"), memory_limit=MEMORY_LIMIT)
    for name, steps in (("aggregate", aggregate), ("copy", _COPY_STEPS)):
        text = _PIPELINE.format(name=f"bench_{name}", source=source, schema=COLUMNS, steps=steps)
        (folder / "pipelines" / f"{name}_{rows}.yaml").write_text(text)
    return source


def _alone(source: str, query: str, options: str) -> str:
    return _ALONE.format(
        memory_limit=MEMORY_LIMIT,
        threads=os.cpu_count(),
        source=source,
        columns=COLUMNS,
        query=query,
        options=options,
    )
