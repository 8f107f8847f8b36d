"""Frames on their way: each is applied once and in order, whatever way it comes, or the run is refused."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osiris.adapters import Job
from osiris.adapters.artifacts import bring_home, check_arrived
from osiris.adapters.environment import clean_environment
from osiris.adapters.frames import Frame, FrameWriter, LineBuffer
from osiris.adapters.message import JobMessage
from osiris.adapters.replica import Replica
from osiris.errors import RunError
from osiris.manifest import load_manifest
from osiris.runner import RunRequest
from osiris.session import Session


@pytest.fixture
def told(lab: Any) -> tuple[list[Frame], Path]:
    """All that a run of this process told its mirror, and the folder of its session."""
    frames: list[Frame] = []

    def look_into_the_mirror(adapter: Any) -> None:
        adapter._job.session.mirror(lambda *told: frames.append(Frame(*told)))

    keep = {"run": {"keep": {"note.txt": "a note"}, "measure": 1}}
    result = lab.run(lab.source("a", at=keep), lab.sink("s", "a.df"), on_start=look_into_the_mirror)
    return frames, result.folder


@pytest.fixture
def job(lab: Any, told: tuple[list[Frame], Path], tmp_path: Path) -> Iterator[Job]:
    """The job of that run, with a session that knows nothing of it yet."""
    project = lab.project
    session = Session.create(tmp_path / "here", told[1].name)
    manifest = load_manifest(told[1] / "manifest.yaml")
    yield Job(manifest, session, project.registry, project.resolver, project.index, tmp_path, RunRequest("k"))
    session.close()


@pytest.fixture
def replica(job: Job) -> Replica:
    return Replica(job)


def same_files(one: Path, other: Path) -> bool:
    names = ("events.jsonl", "metrics.jsonl", "status.json")
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_the_copy_is_the_original_byte_by_byte(
    told: tuple[list[Frame], Path], job: Job, replica: Replica
) -> None:
    frames, original = told
    for frame in frames:
        replica.apply(Frame.from_line(frame.to_line()))
    assert same_files(job.session.folder, original)
    assert replica.has_ended
    assert replica.conclude(None).status.model_dump(mode="json") == json.loads(
        (original / "status.json").read_text()
    )


@pytest.mark.parametrize("known", [0, 1, 7])
def test_what_did_not_come_live_is_taken_from_the_files(
    told: tuple[list[Frame], Path], job: Job, replica: Replica, known: int
) -> None:
    """Whatever came twice is dropped, and a line that a killed process left half written too."""
    frames, original = told
    for frame in frames[:known] * 2:
        replica.apply(frame)
    far = original.parent / "far"
    original.rename(far)
    with (far / "events.jsonl").open("a") as file:
        file.write('{"seq": 99, "ev')
    replica.catch_up(far)
    assert replica.has_ended
    assert (job.session.folder / "events.jsonl").read_text() + '{"seq": 99, "ev' == (
        far / "events.jsonl"
    ).read_text()


def gap(frames: list[Frame]) -> Frame:
    return frames[1]


def without_a_body(frames: list[Frame]) -> Frame:
    return Frame(frames[0].kind, 1, {})


def a_status_that_is_none(frames: list[Frame]) -> Frame:
    return Frame("status", 1, {"state": "confused"})


@pytest.mark.parametrize("wrong", [gap, without_a_body, a_status_that_is_none])
def test_a_gap_and_a_report_that_lacks_something_are_refused(
    told: tuple[list[Frame], Path], replica: Replica, wrong: Any
) -> None:
    events = [frame for frame in told[0] if frame.kind == "event"]
    with pytest.raises(RunError) as caught:
        replica.apply(wrong(events))
    assert (caught.value.code, caught.value.exit_code) == ("RUN012", 1)


NO_FRAMES = (
    *(b"", b"loud", b"[]", b"{}", b"\xff"),
    b'{"kind": "gossip", "number": 1, "body": {}}',
    b'{"kind": "event", "number": "1", "body": {}}',
    b'{"kind": "event", "number": 1}',
    b'{"kind": "event", "number": 1, "body": []}',
    b'{"kind": "event", "number": 1, "body": {}, "more": 1}',
)


@pytest.mark.parametrize("line", NO_FRAMES, ids=str)
def test_a_line_that_is_no_frame_is_refused(line: bytes) -> None:
    with pytest.raises(RunError, match="no report"):
        Frame.from_line(line)


@pytest.mark.parametrize(
    "value", ["č\udc80\x00\u2028", 2**80, float("inf"), None, ["x" * 200_000]], ids=lambda v: str(v)[:9]
)
def test_any_value_passes_a_pipe_as_it_is(value: Any) -> None:
    reading, writing = os.pipe()
    lines = LineBuffer()
    got: list[Frame] = []
    sender = threading.Thread(target=FrameWriter(writing).send, args=("event", 1, {"value": value}))
    sender.start()
    while not got:
        got += [Frame.from_line(line) for line in lines.lines(os.read(reading, 1000))]
    sender.join()
    os.close(writing)
    os.close(reading)
    assert got == [Frame("event", 1, {"value": value})]
    assert lines.rest() == b""


def test_an_artifact_that_arrived_damaged_is_named(told: tuple[list[Frame], Path], tmp_path: Path) -> None:
    frames, original = told
    announced = {f.body["path"]: f.body for f in frames if f.body.get("event") == "artifact_created"}
    assert list(announced) == ["artifacts/a/note.txt"]
    bring_home(original, tmp_path)
    check_arrived(tmp_path, announced)
    for damaged in ("a n0te", "a note and more", None):
        (tmp_path / "artifacts/a/note.txt").unlink()
        if damaged is not None:
            (tmp_path / "artifacts/a/note.txt").write_text(damaged)
        with pytest.raises(RunError, match="note") as caught:
            check_arrived(tmp_path, announced)
        assert (caught.value.code, caught.value.target.value) == ("RUN013", "committed")
        (tmp_path / "artifacts/a/note.txt").touch()


def test_nothing_of_the_shell_reaches_a_child() -> None:
    machine = {
        "PATH": "/bin",
        "HOME": "/h",
        "TZ": "UTC",
        "LANG": "C",
        "LC_TIME": "C",
        "OSIRIS_FAILPOINTS": "x=kill",
    }
    shell = {
        "PASSWORD": "p",
        "PYTHONPATH": "/x",
        "PYTHONSTARTUP": "/x",
        "OSIRIS_X": "1",
        "AWS_PROFILE": "x",
        "path": "x",
    }
    assert clean_environment(machine | shell) == machine


def test_a_message_shows_no_secret_and_passes_any_text() -> None:
    secrets = {"environment": {"TOKEN": "hunter2\udcff"}}
    request = RunRequest("key", "isolated", "run_w", max_parallel_regions=7, named_key=True, fuses=False)
    message = JobMessage("run_x", request, "/p", secrets)
    assert "hunter2" not in f"{message} {message!r}"
    assert JobMessage.from_bytes(message.to_bytes()) == message
