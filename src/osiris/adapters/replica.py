"""The record here of a run that goes on elsewhere: each frame is applied to the session once and in order."""

from __future__ import annotations

import json
import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from osiris.adapters.base import Job
from osiris.adapters.frames import Frame, broken
from osiris.errors import OsirisError, recorded_error
from osiris.manifest import dump_manifest
from osiris.runner import RunOutcome
from osiris.runner.context import RunIdentity
from osiris.runner.record import RunRecord
from osiris.session import RunSnapshot, RunState, Status


class Replica:
    """Begins, keeps and ends the record of one job.

    `artifacts` holds the events that announced them, by path; `snapshot` is how the run stood last; `failure`
    is what kept the other side from carrying it out.
    """

    def __init__(self, job: Job) -> None:
        self.failure: OsirisError | None = None
        self.snapshot: RunSnapshot | None = None
        self.artifacts: dict[str, dict[str, Any]] = {}
        self._job = job
        self._numbers: Counter[str] = Counter()
        manifest, request = job.manifest, job.request
        self._record = RunRecord(
            job.session,
            manifest,
            RunIdentity(job.session.id, request.run_key, manifest.name, manifest.fingerprints.data),
            adapter=request.adapter,
            resumes=request.resumes,
            named_key=request.named_key,
            passes_over=request.passes_over,
        )

    def begin(self) -> None:
        """Let others see that the run goes on."""
        self._job.session.write_manifest(dump_manifest(self._job.manifest))
        self._job.session.write_status(self._record.status)
        self._job.index.record(self._record.status)

    @property
    def has_ended(self) -> bool:
        """Whether the run has told its end."""
        return self._record.status.state is not RunState.RUNNING

    def apply(self, frame: Frame) -> None:
        """Write what the frame tells, unless its number was there before.

        Raises `RunError` RUN012 for a gap, and for a frame that lacks something.
        """
        expected = self._numbers[frame.kind] + 1
        if frame.number < expected:
            return
        if frame.number > expected:
            raise broken(f"Of its {frame.kind} reports, number {expected} is missing.")
        try:
            self._write(frame)
        except (KeyError, ValidationError) as error:
            raise broken(f"Its {frame.kind} report {expected} lacks what it should have.") from error
        self._numbers[frame.kind] = expected

    def catch_up(self, folder: Path) -> None:
        """Take from the session that the run wrote itself what did not come on the way."""
        for kind, name in (("event", "events.jsonl"), ("metric", "metrics.jsonl")):
            for number, line in enumerate(_objects(_text(folder / name).split("\n")), 1):
                self.apply(Frame(kind, number, line))
        for status in _objects([_text(folder / "status.json")]):
            self.apply(Frame("status", self._numbers["status"] + 1, status))

    def conclude(self, error: OsirisError | None) -> RunOutcome:
        """The outcome; `error` is why the run did not tell its own end, None where it did."""
        if error is not None:
            self._end(error)
        status = self._record.status
        self._job.index.record(status)
        if error is None and status.error is not None:
            error = recorded_error(status.error)
        return RunOutcome(status, error, must_exit=False)

    def _write(self, frame: Frame) -> None:
        if frame.kind == "event":
            self._event(frame.number, frame.body)
        elif frame.kind == "metric":
            self._job.session.replay_metric(frame.body)
        elif frame.kind == "status":
            self._record.status = Status.model_validate(frame.body)
            self._job.session.write_status(self._record.status)
        elif frame.kind == "progress":
            self.snapshot = RunSnapshot.model_validate(frame.body)
        else:
            self.failure = recorded_error(frame.body)

    def _event(self, number: int, line: dict[str, Any]) -> None:
        if line["event"] == "artifact_created":
            self.artifacts[line["path"]] = line
        self._job.session.replay(line | {"seq": number})

    def _end(self, error: OsirisError) -> None:
        """Record an end that the run did not tell; writers that were at work have unknown targets."""
        if not self._numbers["event"]:
            self._record.run_started()
        self._record.run_ended(error, resource.RUSAGE_CHILDREN)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _objects(texts: list[str]) -> Iterator[dict[str, Any]]:
    """The JSON objects among the texts; what a killed process left half written is dropped."""
    for text in texts:
        with suppress(ValueError):
            content = json.loads(text)
            if isinstance(content, dict):
                yield content
