"""The far side alone, as any adapter may start it: a staged folder, one command, reports on stdout."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from osiris.adapters import Job
from osiris.adapters.environment import clean_environment
from osiris.adapters.frames import Frame
from osiris.adapters.message import JobMessage
from osiris.adapters.staging import stage
from osiris.manifest import load_manifest
from osiris.runner import RunRequest
from osiris.session import Session

WORKER = (sys.executable, "-P", "-m", "osiris.adapters.worker", "1")


def staged(lab: Any, folder: Path, *steps: dict[str, Any]) -> JobMessage:
    """A folder ready to be sent somewhere."""
    project = lab.project
    assert lab.osiris("compile", lab.pipeline(*steps)).returncode == 0
    manifest = load_manifest(next(lab.root.glob("build/p/*/manifest.yaml")))
    session = Session.create(folder.parent, "run_20260101T000000Z_000000")
    session.close()
    request = RunRequest("the key", "elsewhere")
    return stage(
        Job(manifest, session, project.registry, project.resolver, project.index, folder, request), folder
    )


def start(folder: Path) -> subprocess.Popen[bytes]:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(WORKER, cwd=folder, env=clean_environment(os.environ), **pipes)


def frames(out: bytes) -> list[Frame]:
    return [Frame.from_line(line) for line in out.splitlines()]


def status(told: list[Frame]) -> dict[str, Any]:
    return next(frame.body for frame in reversed(told) if frame.kind == "status")


def test_stdout_holds_reports_and_nothing_else(lab: Any, tmp_path: Path) -> None:
    """Paths of the project lead to a staged copy of it where the message says so."""
    (lab.root / "rows.csv").write_text("id\n1\n2\n")
    message = staged(
        lab,
        tmp_path / "place",
        lab.source("a", at={"run": {"print": "loud\n"}}),
        lab.step("f", "filesystem.csv_writer", "a.df", path="out/f.csv"),
        lab.step("c", "filesystem.csv_extractor", path="rows.csv"),
        lab.table("t", "c.df"),
    )
    copy = tmp_path / "copy"
    lab.root.rename(copy)
    process = start(tmp_path / "place")
    out, err = process.communicate(replace(message, project_root=str(copy)).to_bytes())
    told = frames(out)
    assert process.returncode == 0, err
    assert err.count(b"loud") == 2
    ended = status(told)
    assert (ended["adapter"], ended["run_key"], ended["run_id"]) == ("elsewhere", "the key", message.run_id)
    assert {step["id"]: step["rows_written"] for step in ended["steps"]} == {"a": 0, "f": 1, "c": 0, "t": 2}
    assert (copy / "wh.duckdb").exists()
    assert (copy / "out/f.csv").read_text() == "id\n0\n"
    for kind in ("event", "metric", "status"):
        numbers = [frame.number for frame in told if frame.kind == kind]
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)]
)
def test_a_signal_stops_it_in_order(lab: Any, tmp_path: Path, number: signal.Signals, code: int) -> None:
    at = {"batch": {"report": {"n": 1}, "touch": lab.file("here"), "wait_for": lab.file("never")}}
    message = staged(lab, tmp_path / "place", lab.source("a", at=at), lab.table("t", "a.df"))
    process = start(tmp_path / "place")
    assert process.stdin is not None
    process.stdin.write(message.to_bytes())
    process.stdin.close()
    process.stdin = None
    lab.wait_for("here")
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    ended = status(frames(out))
    assert (process.returncode, ended["state"], ended["exit_code"]) == (0, "interrupted", code)


@pytest.mark.parametrize(
    ("message", "code"), [(b"", "INT001"), (b"{}", "INT001"), (b'{"run_id": "x"', "INT001")], ids=str
)
def test_what_it_cannot_carry_out_it_reports_as_a_failure(
    lab: Any, tmp_path: Path, message: bytes, code: str
) -> None:
    process = start(tmp_path)
    out, err = process.communicate(message)
    (failure,) = frames(out)
    assert (process.returncode, failure.kind, failure.body["code"]) == (1, "failure", code)
    assert err == b""


@pytest.mark.slow
def test_a_manifest_that_was_changed_on_the_way_is_refused(lab: Any, tmp_path: Path) -> None:
    message = staged(lab, tmp_path / "place", lab.source("a"), lab.sink("s", "a.df"))
    manifest = tmp_path / "place" / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("probe.sink", "probe.relay"))
    process = start(tmp_path / "place")
    out, _ = process.communicate(message.to_bytes())
    (failure,) = frames(out)
    assert (failure.body["code"], failure.body["exit_code"]) == ("MAN002", 3)
    assert not (lab.root / "s.json").exists()
