"""kill -9 at any moment: the old targets or the new ones, and the same command again finishes the job."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROWS = 20_000
NEW = [(n, n * n) for n in range(ROWS) if n % 3]
OLD = [(-1, 0)]
FILE, TABLE = "out/rows.csv", "rows"

FAILPOINTS = (
    "step.before_run",
    "commit.before_begin",
    "commit.after_fence",
    "commit.after_apply",
    "commit.before_commit",
    "commit.after_commit",
    "publish.before_rename",
    "publish.after_rename",
    "publish.between_renames",
)


@pytest.fixture
def world(lab: Any) -> Any:
    """A CSV file to read, and what an earlier pipeline left in the targets."""
    (lab.root / "data.csv").write_text("id,square\n" + "".join(f"{n},{n * n}\n" for n in range(ROWS)))
    old = lab.step(
        "q", "duckdb.processor", "a.df", query="SELECT -1::BIGINT AS id, 0::BIGINT AS square FROM df"
    )
    earlier = lab.run(lab.source("a"), old, *targets(lab), name="earlier")
    assert earlier.outcome.error is None
    query = "SELECT id, square FROM df WHERE id % 3 <> 0"
    lab.pipeline(
        lab.step("a", "filesystem.csv_extractor", path="data.csv"),
        lab.step("q", "duckdb.processor", "a.df", query=query),
        *targets(lab),
    )
    return lab


def targets(lab: Any) -> list[dict[str, Any]]:
    return [
        lab.step("f", "filesystem.csv_writer", "q.df", path=FILE),
        lab.step("t", "duckdb.writer", "q.df", connection="@duckdb.wh", table=TABLE, write_mode="replace"),
        lab.step("u", "duckdb.writer", "q.df", connection="@duckdb.wh", table="added", needs=["t"]),
    ]


def content(lab: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """The rows of the file, of the replaced table and of the one that is appended to."""
    lines = (lab.root / FILE).read_text().splitlines()[1:]
    file = [tuple(map(int, line.split(","))) for line in lines]
    with duckdb.connect(lab.file("wh.duckdb"), read_only=True) as con:
        tables = [con.execute(f"SELECT * FROM {name} ORDER BY id").fetchall() for name in (TABLE, "added")]
    return sorted(file), tables[0], tables[1]


def check(lab: Any, earlier: str) -> None:
    """Whole, old or new, after the kill; new and once after the same command again.

    `earlier` is the newest run before the kill, for one that came before the run had begun.
    """
    file, table, added = content(lab)
    assert file in (OLD, NEW)
    assert table in (OLD, NEW)
    assert added in (OLD, OLD + NEW)
    newest = lab.project.index.rows()[0]
    died = lab.project.index.true_state(newest) == "died"
    ended = newest.run_id != earlier and not died
    again = lab.osiris("run", "pipelines/p.yaml", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["resumes"] == (newest.run_id if died else None)
    assert content(lab) == (NEW, NEW, sorted(OLD + NEW * (2 if ended else 1)))
    assert lab.leftovers == []
    assert [p.name for p in (lab.root / "out").iterdir() if p.name.startswith(".")] == []


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_at_each_step_of_the_protocol(world: Any, failpoint: str) -> None:
    earlier = world.project.index.rows()[0].run_id
    done = world.osiris(
        "run", "pipelines/p.yaml", env=os.environ | {"OSIRIS_FAILPOINTS": f"{failpoint}=kill"}
    )
    assert done.returncode == -signal.SIGKILL
    listed = json.loads(world.osiris("runs", "list", "--json").stdout)["runs"]
    assert [row["died"] for row in listed] == [True, False]
    check(world, earlier)


def one_trial(lab: Any, chance: random.Random, seconds: float) -> bool:
    process = lab.start("run", "pipelines/p.yaml", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    timer = threading.Timer(chance.uniform(0.1, seconds), process.kill)
    timer.start()
    process.wait(timeout=60)
    timer.cancel()
    return process.returncode != 0


def random_trials(lab: Any, number: int) -> Counter[bool]:
    """Trials from the old state; the moment is anywhere in the time that an undisturbed run takes."""
    chance = random.Random(20_260_101)  # the same moments each time, as far as the machine allows
    began = time.monotonic()
    snapshot = {p: p.read_bytes() for p in (lab.root / "out", lab.root) for p in p.glob("*") if p.is_file()}
    lab.osiris("run", "pipelines/p.yaml")
    seconds = time.monotonic() - began
    killed: Counter[bool] = Counter()
    for _ in range(number):
        restore(lab, snapshot)
        earlier = lab.project.index.rows()[0].run_id
        was_killed = one_trial(lab, chance, seconds)
        check(lab, earlier)
        killed[was_killed] += 1
    return killed


def restore(lab: Any, snapshot: dict[Path, bytes]) -> None:
    for path in [*lab.root.glob("out/*"), *lab.root.glob("wh.duckdb*")]:
        path.unlink()
    for path, data in snapshot.items():
        path.write_bytes(data)


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_at_a_few_random_moments(world: Any) -> None:
    assert random_trials(world, 8)[True] >= 2


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_killed_at_many_random_moments(world: Any) -> None:
    assert random_trials(world, 100)[True] >= 30
