"""Run the benchmarks and print their tables."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks import embedded, sqlite, startup

GOALS = """\
Goals: fused at most 1.15 x DuckDB alone, streamed at most 1.50; peak memory at most that of DuckDB alone
plus 150 MB, and the same at 10 M and 30 M rows; --help and components list under 0.3 s; 200 steps under
0.5 s; one row through three steps under 0.5 s beyond the imports, and isolated under 1 s beyond that."""


def main() -> None:
    """`python -m benchmarks [--rows N …] [--rounds N] [--folder DIR]`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--rows", type=int, nargs="*", default=[1_000_000], help="rows of the CSV; 10 M are 1.2 GB"
    )
    parser.add_argument("--rounds", type=int, default=3, help="counted runs of each command")
    parser.add_argument("--folder", type=Path, help="where to keep the data between runs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        versions = f"DuckDB {duckdb.__version__}, Arrow {pa.__version__}"
        print(f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores")
        print(GOALS)
        _print_startup(folder, given.rounds)
        for rows in given.rows:
            _print_comparisons(folder, rows, given.rounds)


def _print_startup(folder: Path, rounds: int) -> None:
    print(f"\n{'whole process, median':34} {'wall s':>7} {'cpu s':>7} {'peak MB':>8}")
    for name, figure in startup.measure(folder, rounds).items():
        print(f"{name:34} {figure.wall_s:7.2f} {figure.cpu_s:7.2f} {figure.peak_mb:8.0f}")


def _print_comparisons(folder: Path, rows: int, rounds: int) -> None:
    units = f"{'cpu s':>6} {'MB':>5}"
    print(f"\n{f'{rows:,} rows':34} {'ratio':>6}   {'ours s':>7} {units}   {'alone s':>7} {units}")
    for result in (*embedded.compare(folder, rows, rounds), *sqlite.compare(folder, rows, rounds)):
        ours, alone = result.ours, result.alone
        left = f"{ours.wall_s:7.2f} {ours.cpu_s:6.2f} {ours.peak_mb:5.0f}"
        right = f"{alone.wall_s:7.2f} {alone.cpu_s:6.2f} {alone.peak_mb:5.0f}"
        print(f"{result.case:34} {result.ratio:6.2f}   {left}   {right}")


if __name__ == "__main__":
    main()
