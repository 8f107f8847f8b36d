"""What a pipeline writes as a whole: never one target twice in ways that undo each other."""

from __future__ import annotations

from typing import Any

import pytest

READ = "  - {id: a, component: filesystem.csv_extractor, config: {path: a.csv}}\n"


def writers(component: str, *configs: str) -> str:
    steps = [
        f'  - {{id: w{n}, component: {component}, inputs: {{df: "${{a.df}}"}}, config: {{{config}}}}}\n'
        for n, config in enumerate(configs)
    ]
    return READ + "".join(steps)


ONE = 'connection: "@duckdb.warehouse", table: t'
TWO = 'connection: "@duckdb.other", table: t'
KEY = "primary_key: [id]"
TABLES = [
    ((ONE, ONE), []),
    ((ONE, f"{ONE}, write_mode: replace"), ["OML030"]),
    ((f"{ONE}, write_mode: replace", f"{ONE}, write_mode: overwrite"), ["OML030"]),
    ((f"{ONE}, write_mode: merge, {KEY}", f"{ONE}, write_mode: upsert, {KEY}"), []),
    ((ONE, f"{ONE}, write_mode: merge, {KEY}"), ["OML030"]),
    ((ONE, ONE, f"{ONE}, write_mode: replace"), ["OML030"]),
    ((ONE, f"{TWO}, write_mode: replace"), []),
]


@pytest.mark.parametrize(("configs", "codes"), TABLES)
def test_two_writers_of_one_table(bench: Any, configs: tuple[str, ...], codes: list[str]) -> None:
    assert [error.code for error in bench.compile(writers("duckdb.writer", *configs)).errors] == codes


FILES = [
    (("path: data/o.csv", 'path: ./o.csv, connection: "@filesystem.files"'), ["OML030"]),
    (("path: o.csv", "path: p.csv"), []),
    (("path: o.csv", "path: o.csv"), ["OML030"]),
    (("path: out/o.csv", "path: ./out//o.csv"), ["OML030"]),
    (("path: o.csv", 'path: o.csv, connection: "@filesystem.files"'), []),
]


@pytest.mark.parametrize(("configs", "codes"), FILES)
def test_two_writers_of_one_file(bench: Any, configs: tuple[str, ...], codes: list[str]) -> None:
    compiled = bench.compile(writers("filesystem.csv_writer", *configs))
    assert [error.code for error in compiled.errors] == codes
    assert all("'w0'" in error.message for error in compiled.errors)


def test_writers_whose_target_is_not_known_are_left_alone(bench: Any) -> None:
    bench.declare("acme.writer", modes=["write"], inputs=["df"])
    assert bench.compile(writers("acme.writer", "", "")).errors == []


def test_a_pipeline_that_writes_nothing_is_a_warning(bench: Any) -> None:
    compiled = bench.compile(READ)
    assert compiled.manifest is not None
    assert "OML032" in [finding.code for finding in compiled.findings]
