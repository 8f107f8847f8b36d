"""Scratch space: what a killed run left is cleared away, what is somebody else's is not."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

import pytest

from osiris.runner.work import WorkFolder, clear_work_of_the_dead

ID = "run_20260101T000000Z_0a1b2c"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def left_behind(folder: Path, name: str = ID) -> Path:
    """The folder of a run that was killed."""
    (folder / name).mkdir(parents=True)
    (folder / name / ".lock").touch()
    (folder / name / "spool.arrow").touch()
    return folder / name


def test_what_the_dead_left_is_removed(work: Path) -> None:
    left_behind(work)
    (work / ID.replace("0a", "0b")).mkdir()  # killed before it was locked
    clear_work_of_the_dead(work)
    assert list(work.iterdir()) == []


def test_a_living_run_keeps_its_folder(work: Path) -> None:
    """Whichever project it belongs to: two of them may share their state folder."""
    alive = WorkFolder(work / ID)
    alive.make()
    clear_work_of_the_dead(work)
    assert alive.path.is_dir()
    alive.remove()
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("name", ["precious", "run_1", ID + "x", "compile_20260101T000000Z_0a1b2c"])
def test_only_names_of_ours_are_touched(lab: Any, name: str) -> None:
    (lab.root / "osiris.yaml").write_text("state_dir: .\n")
    kept = left_behind(lab.root / "work", name)
    assert lab.run(lab.source("a"), lab.sink("s", "a.df")).outcome.error is None
    assert (kept / "spool.arrow").is_file()


def test_a_folder_without_a_lock_stays_when_there_is_something_in_it(work: Path) -> None:
    (left_behind(work) / ".lock").unlink()
    clear_work_of_the_dead(work)
    assert (work / ID / "spool.arrow").is_file()


def test_links_are_not_followed(work: Path, tmp_path: Path) -> None:
    elsewhere = left_behind(tmp_path / "elsewhere")
    (tmp_path / "linked").symlink_to(elsewhere.parent)
    clear_work_of_the_dead(tmp_path / "linked")
    (work / ID).symlink_to(elsewhere)
    clear_work_of_the_dead(work)
    assert (elsewhere / "spool.arrow").is_file()


def test_what_cannot_be_known_counts_as_alive(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("no locks here")

    left = left_behind(work)
    monkeypatch.setattr(fcntl, "flock", refuse)
    clear_work_of_the_dead(work)
    assert left.is_dir()
