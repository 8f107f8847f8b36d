"""kill -9 at any moment of a run that writes SQLite tables: old or new, and the same command ends the job."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

ROWS = 20_000
NEW = [(n, n * n) for n in range(ROWS) if n % 3]
OLD = [(-1, 0)]
MERGED = sorted([(-1, 0), *NEW])
FAILPOINTS = ("before_begin", "after_fence", "after_apply", "before_commit", "after_commit")


@pytest.fixture
def world(lab: Any) -> Any:
    """A CSV file to read, and what an earlier pipeline left in the tables."""
    (lab.root / "data.csv").write_text("id,square\n" + "".join(f"{n},{n * n}\n" for n in range(ROWS)))
    query = "SELECT -1::BIGINT AS id, 0::BIGINT AS square FROM df"
    old = lab.step("q", "duckdb.processor", "a.df", query=query)
    earlier = lab.run(lab.source("a"), old, *targets(lab), name="earlier")
    assert earlier.outcome.error is None
    lab.pipeline(
        lab.step("a", "filesystem.csv_extractor", path="data.csv"),
        lab.step("q", "duckdb.processor", "a.df", query="SELECT id, square FROM df WHERE id % 3 <> 0"),
        *targets(lab),
    )
    return lab


def targets(lab: Any) -> list[dict[str, Any]]:
    """Three writers of one file; nothing orders them."""
    modes = {"replaced": {}, "added": {"write_mode": "append"}, "merged": {"primary_key": ["id"]}}
    default = {"replaced": "replace", "merged": "merge"}
    return [
        lab.step(
            name,
            "sqlite.writer",
            "q.df",
            connection="@sqlite.db",
            table=name,
            **{"write_mode": default.get(name, "append"), **more},
        )
        for name, more in modes.items()
    ]


def content(lab: Any) -> list[Any]:
    with closing(sqlite3.connect(lab.file("db.sqlite"))) as con:
        tables = ("replaced", "added", "merged")
        return [con.execute(f"SELECT * FROM {name} ORDER BY id").fetchall() for name in tables]


def check(lab: Any, earlier: str) -> None:
    """Whole, old or new, after the kill; new and once after the same command again."""
    replaced, added, merged = content(lab)
    assert replaced in (OLD, NEW)
    assert added in (OLD, OLD + NEW)
    assert merged in (OLD, MERGED)
    newest = lab.project.index.rows()[0]
    died = lab.project.index.true_state(newest) == "died"
    ended = newest.run_id != earlier and not died
    again = lab.osiris("run", "pipelines/p.yaml", "--json")
    assert again.returncode == 0, again.stderr
    assert content(lab) == [NEW, sorted(OLD + NEW * (2 if ended else 1)), MERGED]
    assert lab.leftovers == []
    with closing(sqlite3.connect(lab.file("db.sqlite"))) as con:
        assert con.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_at_each_step_of_the_protocol(world: Any, failpoint: str) -> None:
    earlier = world.project.index.rows()[0].run_id
    failpoints = {"OSIRIS_FAILPOINTS": f"commit.{failpoint}=kill"}
    done = world.osiris("run", "pipelines/p.yaml", env=os.environ | failpoints)
    assert done.returncode == -signal.SIGKILL
    check(world, earlier)


def random_trials(lab: Any, number: int) -> int:
    """Trials from the old state; how many hit. The moment is anywhere in the time of an undisturbed run."""
    chance = random.Random(20_260_101)  # the same moments each time, as far as the machine allows
    snapshot = (lab.root / "db.sqlite").read_bytes()
    began = time.monotonic()
    lab.osiris("run", "pipelines/p.yaml")
    seconds = time.monotonic() - began
    hits = 0
    for _ in range(number):
        restore(lab, snapshot)
        earlier = lab.project.index.rows()[0].run_id
        process = lab.start("run", "pipelines/p.yaml", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        timer = threading.Timer(chance.uniform(0.1, seconds), process.kill)
        timer.start()
        process.wait(timeout=60)
        timer.cancel()
        check(lab, earlier)
        hits += process.returncode != 0
    return hits


def restore(lab: Any, snapshot: bytes) -> None:
    for path in lab.root.glob("db.sqlite*"):
        path.unlink()
    Path(lab.file("db.sqlite")).write_bytes(snapshot)


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_at_a_few_random_moments(world: Any) -> None:
    assert random_trials(world, 6) >= 2


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_killed_at_many_random_moments(world: Any) -> None:
    assert random_trials(world, 100) >= 30


def test_a_signal_stops_a_query_at_work(lab: Any) -> None:
    """A query of hours; the file that SQLite makes beside a file in WAL mode shows that it has begun."""
    with closing(sqlite3.connect(lab.file("db.sqlite"))) as con:
        con.execute("PRAGMA journal_mode = WAL")
        con.execute("CREATE TABLE t (a)")
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n, t"
    steps = (
        lab.step("a", "sqlite.extractor", connection="@sqlite.db", query=query),
        lab.step("w", "sqlite.writer", "a.df", connection="@sqlite.db", table="w"),
    )
    process = lab.start("run", lab.pipeline(*steps))
    lab.wait_for("db.sqlite-shm")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, out + err
    status = json.loads(next((lab.root / "logs").glob("run_*/status.json")).read_text())
    assert [step["state"] for step in status["steps"]] == ["cancelled", "cancelled"]


def test_one_run_reads_transforms_and_writes_one_file(lab: Any) -> None:
    """The file is not in WAL mode at first; two writers of it run side by side with its reader."""
    with closing(sqlite3.connect(lab.file("db.sqlite"))) as con, con:
        con.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, amount DECIMAL(12,2), placed DATETIME)")
        con.executemany(
            "INSERT INTO orders VALUES (?, ?, '2024-01-01 10:00:00')", ((n, n / 4) for n in range(50_000))
        )
    query = "SELECT id, amount, placed, amount > 5 AS large FROM df"
    result = lab.run(
        lab.step("a", "sqlite.extractor", connection="@sqlite.db", table="orders"),
        lab.step("q", "duckdb.processor", "a.df", query=query),
        lab.step("w", "sqlite.writer", "q.df", connection="@sqlite.db", table="copies"),
        lab.step("b", "sqlite.extractor", connection="@sqlite.db", query="SELECT count(*) AS n FROM orders"),
        lab.step("v", "sqlite.writer", "b.df", connection="@sqlite.db", table="counts"),
    )
    assert result.outcome.error is None
    with closing(sqlite3.connect(lab.file("db.sqlite"))) as con:
        assert con.execute("SELECT n FROM counts").fetchall() == [(50_000,)]
        last = con.execute("SELECT * FROM copies ORDER BY id DESC LIMIT 1").fetchall()
        assert last == [(49_999, "12499.75", "2024-01-01 10:00:00", 1)]
        assert con.execute("SELECT count(*) FROM copies").fetchall() == [(50_000,)]
