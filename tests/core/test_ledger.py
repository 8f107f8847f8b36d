"""The ledger's SQL in every engine at hand: one row per write, and the key of another version refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from osiris.core.ledger import COMMITS, Commit, Execute, Ledger
from osiris.errors import PipelineError
from osiris.testing import RecordingContext

ENGINES = {"duckdb": duckdb.connect, "sqlite": sqlite3.connect}


@pytest.fixture(params=ENGINES)
def execute(request: pytest.FixtureRequest) -> Iterator[Execute]:
    con = ENGINES[request.param](":memory:")

    def run(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        return con.execute(sql, tuple(params)).fetchall()

    yield run
    con.close()


def test_a_write_is_found_once_it_is_complete(execute: Execute, tmp_path: Path) -> None:
    ledger = Ledger(execute, RecordingContext(tmp_path))
    ledger.create()
    ledger.create()
    assert ledger.committed() is None
    ledger.fence("people", "append")
    assert ledger.committed() is None
    ledger.complete(rows_in=2, rows_applied=2, rows_deleted=0)
    assert ledger.committed() == Commit("people", 2)
    assert execute(f"SELECT run_key, state, rows_in FROM {COMMITS}", ()) == [("key-1", "committed", 2)]


def test_one_key_has_one_row(execute: Execute, tmp_path: Path) -> None:
    ledger = Ledger(execute, RecordingContext(tmp_path))
    ledger.create()
    ledger.fence("people", "append")
    with pytest.raises((duckdb.ConstraintException, sqlite3.IntegrityError)):
        ledger.fence("people", "append")


def test_the_key_of_another_version_is_refused(execute: Execute, tmp_path: Path) -> None:
    first, changed = RecordingContext(tmp_path), RecordingContext(tmp_path, step_id="renamed")
    changed.fingerprint = "sha256:" + "1" * 64
    Ledger(execute, first).create()
    Ledger(execute, first).fence("people", "append")
    with pytest.raises(PipelineError) as caught:
        Ledger(execute, changed).committed()
    assert caught.value.code == "RUN009"
