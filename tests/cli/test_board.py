"""The board of a run's steps: it fits into every terminal, and says what is true of the last two seconds."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.cli.board import Board, clock
from osiris.cli.cells import width
from osiris.cli.pace import Pace
from osiris.session import EdgeProgress, RunSnapshot, RunState, StepProgress, StepState


def step(step_id: str, state: StepState = StepState.RUNNING, **more: Any) -> StepProgress:
    component = more.pop("component", "filesystem.csv_extractor")
    return StepProgress(id=step_id, component=component, state=state, attempt=more.pop("attempt", 1), **more)


def edge(
    source: str, target: str, producer: int = 0, consumer: int = 0, *, fused: bool = False
) -> EdgeProgress:
    return EdgeProgress(
        from_step=source,
        output="df",
        to_step=target,
        input="df",
        spooled=False,
        fused=fused,
        producer_wait_ms=producer,
        consumer_wait_ms=consumer,
    )


def snapshot(elapsed_ms: int, *steps: StepProgress, edges: Any = ()) -> RunSnapshot:
    return RunSnapshot(
        run_id="r",
        pipeline="shop",
        state=RunState.RUNNING,
        elapsed_ms=elapsed_ms,
        steps=list(steps),
        edges=list(edges),
    )


def drawn(*snapshots: RunSnapshot, columns: int = 100, lines: int = 24) -> list[str]:
    board = Board()
    shown = [board.lines(now, os.terminal_size((columns, lines))) for now in snapshots]
    return shown[-1]


BEFORE = snapshot(
    10_000,
    step("orders", rows_out=1_000_000, bytes_out=80_000_000, elapsed_ms=9_900),
    step("big", component="duckdb.processor", rows_in=900_000, bytes_in=72_000_000, elapsed_ms=9_900),
    step("save", component="filesystem.parquet_writer", elapsed_ms=9_900),
    edges=[edge("orders", "big", 5_000), edge("big", "save", 0, 9_000)],
)
NOW = snapshot(
    12_000,
    step("orders", rows_out=3_400_000, bytes_out=272_000_000, elapsed_ms=11_900),
    step("big", component="duckdb.processor", rows_in=3_300_000, bytes_in=264_000_000, elapsed_ms=11_900),
    step("save", component="filesystem.parquet_writer", elapsed_ms=11_900),
    edges=[edge("orders", "big", 6_500), edge("big", "save", 0, 11_000)],
)


def test_it_reads_like_this() -> None:
    assert drawn(BEFORE, NOW) == [
        "shop  12 s  0 of 3 steps done",
        "",
        "  ▸ orders    csv_extractor     3,400,000 out   1.2 M/s   272 MB   11 s  held up by big",
        "  ▸ big       duckdb.processor  3,300,000 in    1.2 M/s   264 MB   11 s",
        "  ▸ save      parquet_writer                                       11 s  waiting for big",
    ]


def test_steps_that_do_not_run_say_why() -> None:
    steps = [
        step("a", StepState.COMPLETE, rows_out=5, elapsed_ms=1234),
        step("b", StepState.ALREADY_COMMITTED, elapsed_ms=50),
        step("c", StepState.FAILED, elapsed_ms=10),
        step("d", StepState.CANCELLED, rows_in=7, elapsed_ms=10),
        step("e", StepState.WAITING),
    ]
    shown = drawn(snapshot(2000, *steps, edges=[edge("c", "e"), edge("a", "e")]))
    assert [line.split("  ")[-1] for line in shown[2:]] == [
        " 1.23 s",
        "committed before",
        "failed",
        "cancelled",
        "after c",
    ]
    assert [line[2] for line in shown[2:]] == ["✓", "=", "✗", "-", " "]


CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def test_a_step_whose_work_another_one_does_says_so() -> None:
    """Also where it seems to wait."""
    later = [step("a"), step("b")]
    shown = drawn(
        snapshot(0, *later, edges=[edge("a", "b", fused=True)]),
        snapshot(1000, *later, edges=[edge("a", "b", 1000, fused=True)]),
    )
    assert shown[2].endswith("  in one statement with b")
    assert shown[3].endswith("  0 s")


STEP_IDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=70)
COUNTS = st.integers(0, 10**13)
STEPS = st.builds(
    StepProgress,
    id=STEP_IDS,
    component=st.sampled_from(["duckdb.writer", "filesystem.parquet_extractor", "日本.語_語"]),
    state=st.sampled_from(StepState),
    attempt=st.integers(0, 3),
    elapsed_ms=st.integers(0, 10**9),
    rows_in=COUNTS,
    rows_out=COUNTS,
    bytes_in=COUNTS,
    bytes_out=COUNTS,
)


@given(data=st.data(), columns=st.integers(2, 200), lines=st.integers(1, 15))
def test_it_fits_into_every_terminal(data: st.DataObject, columns: int, lines: int) -> None:
    """One cell is free at the end of each line, and one line above for the cursor."""
    board = Board()
    for elapsed in (0, 1000, 2000):
        steps = data.draw(st.lists(STEPS, min_size=1, max_size=9, unique_by=lambda step: step.id))
        ids = st.sampled_from([step.id for step in steps])
        waits = st.integers(0, 2000)
        edges = data.draw(st.lists(st.builds(edge, ids, ids, waits, waits), max_size=9))
        shown = board.lines(snapshot(elapsed, *steps, edges=edges), os.terminal_size((columns, lines)))
        assert len(shown) < lines or not shown
        assert [line for line in shown if width(line) >= columns or CONTROL.search(line)] == []


def test_what_runs_comes_first_where_there_is_no_room_for_all() -> None:
    states = [StepState.COMPLETE, StepState.WAITING, StepState.RUNNING] * 10
    steps = [step(f"s{number}", state) for number, state in enumerate(states)]
    shown = drawn(snapshot(0, *steps), lines=16)
    assert [line[4:].split()[0] for line in shown[2:-1]] == [f"s{n}" for n in range(2, 30, 3)] + ["s1"]
    assert shown[-1] == "  … and 19 more: 10 done, 9 to come"


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_new_attempt_has_no_speed_of_the_old_one(attempt: int) -> None:
    pace = Pace()
    pace.remember(snapshot(0, step("a", rows_out=900)))
    now = step("a", rows_out=1000, attempt=attempt)
    pace.remember(snapshot(1000, now))
    assert pace.rows(now) == ((100, 1000) if attempt == 1 else None)


def test_the_first_rows_that_a_step_gives_have_a_speed_of_their_own() -> None:
    pace = Pace()
    pace.remember(snapshot(0, step("a", rows_in=5000)))
    now = step("a", rows_in=6000, rows_out=10)
    pace.remember(snapshot(1000, now))
    assert pace.rows(now) == (10, 1000)


@pytest.mark.parametrize(("waited", "said"), [(400, {}), (600, {"b": "waiting for a"})])
def test_a_step_waits_that_did_little_else(waited: int, said: dict[str, str]) -> None:
    pace = Pace()
    pace.remember(snapshot(0, step("a"), step("b"), edges=[edge("a", "b", 0, 5000)]))
    pace.remember(snapshot(1000, step("a"), step("b"), edges=[edge("a", "b", 0, 5000 + waited)]))
    assert pace.waits() == said


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (0, "0 s"),
        (59_999, "59 s"),
        (65_000, "1 min 05 s"),
        (3_600_000, "1 h 00 min"),
        (90_061_000, "25 h 01 min"),
    ],
)
def test_time_is_told_in_whole_units(milliseconds: int, shown: str) -> None:
    assert clock(milliseconds) == shown
