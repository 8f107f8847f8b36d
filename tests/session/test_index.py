"""The run index while several processes make it and write to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from osiris.session import RunIndex, RunState, Status


def status(logs: Path, number: int, **more: object) -> Status:
    """A run's status, with its session's folder."""
    run_id = f"run_{number}"
    (logs / run_id).mkdir(parents=True, exist_ok=True)
    fields = {"run_key": run_id, "pipeline": "p", "fingerprint": "f", "state": RunState.FAILED} | more
    return Status(run_id=run_id, osiris_version="0", started_at=f"2026-01-01T00:00:0{number}Z", **fields)


@pytest.fixture
def index(tmp_path: Path) -> RunIndex:
    return RunIndex(tmp_path / "state", tmp_path / "logs")


def test_a_line_that_came_while_the_index_was_made_stays(
    index: RunIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has found no file either, and is the first to publish one."""
    found = RunIndex._found

    def slowly(self: RunIndex) -> object:
        rows = list(found(self))
        monkeypatch.setattr(RunIndex, "_found", found)
        index.record(status(tmp_path / "logs", 1))
        return rows

    monkeypatch.setattr(RunIndex, "_found", slowly)
    RunIndex(tmp_path / "state", tmp_path / "logs").record(status(tmp_path / "logs", 2))
    assert [row.run_id for row in index.rows()] == ["run_2", "run_1"]
    assert [file.name for file in (tmp_path / "state").iterdir()] == ["runs.jsonl"]


def test_the_index_is_made_without_hard_links_too(
    index: RunIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    index.record(status(tmp_path / "logs", 1))
    assert [row.run_id for row in index.rows()] == ["run_1"]


def test_runs_under_a_named_key_are_passed_over(index: RunIndex, tmp_path: Path) -> None:
    index.record(status(tmp_path / "logs", 1))
    index.record(status(tmp_path / "logs", 2, run_key="K", named_key=True, state=RunState.SUCCEEDED))
    row = index.unfinished("p", "f")
    assert row is not None
    assert row.run_id == "run_1"
    index.record(status(tmp_path / "logs", 3, state=RunState.SUCCEEDED))
    assert index.unfinished("p", "f") is None
