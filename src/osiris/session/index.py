"""The run index: which runs there were, kept in one file that can be rebuilt from the sessions."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from osiris.errors import TargetState
from osiris.session.session import is_alive
from osiris.session.status import RunState, Status, StepStatus

DIED = "died"
"""The true state of a run that is recorded as running and that no process carries out any more."""


class RunRow(BaseModel):
    """One line of the index; `folder` is the session's folder name under the logs folder."""

    model_config = ConfigDict(extra="ignore")

    run_id: str
    run_key: str
    named_key: bool = False
    pipeline: str
    fingerprint: str
    state: RunState
    exit_code: int | None = None
    started_at: str
    duration_ms: int | None = None
    rows_written: int = 0
    error_code: str | None = None
    may_have_written: bool = True

    @classmethod
    def of(cls, status: Status) -> RunRow:
        """The row of a run's status."""
        return cls(
            **status.model_dump(include=set(cls.model_fields)),
            rows_written=sum(step.rows_written for step in status.steps),
            error_code=(status.error or {}).get("code"),
            may_have_written=status.state is RunState.RUNNING or any(map(_may_have_written, status.steps)),
        )


class RunIndex:
    """Reads and extends `.osiris/runs.jsonl`; a run's last line counts."""

    def __init__(self, state_dir: Path, logs_dir: Path) -> None:
        self._file = state_dir / "runs.jsonl"
        self._lock_file = state_dir / "lock"
        self._logs_dir = logs_dir

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Waits its turn; while it is held nobody else begins a run with this index."""
        self._lock_file.parent.mkdir(parents=True, exist_ok=True)
        with self._lock_file.open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def record(self, status: Status) -> None:
        """Add or update a run."""
        if not self._file.exists():
            self._rebuild()
        self._append(RunRow.of(status))

    def rows(self) -> list[RunRow]:
        """All runs, newest first."""
        if not self._file.exists():
            self._rebuild()
        latest = {row.run_id: row for row in self._lines() if (self._logs_dir / row.run_id).is_dir()}
        return sorted(latest.values(), key=lambda row: row.started_at, reverse=True)

    def newest(self, pipeline: str) -> RunRow | None:
        """The newest run of a pipeline; where there is no index yet, none is made to find it."""
        rows = self.rows() if self._file.exists() else []
        return next((row for row in rows if row.pipeline == pipeline), None)

    def unfinished(self, pipeline: str, fingerprint: str) -> RunRow | None:
        """The newest run of this pipeline and fingerprint, if it did not come to a good end.

        Runs under a key that somebody named are passed over: only that name takes them up again.
        """
        rows = [row for row in self.rows() if (row.pipeline, row.fingerprint) == (pipeline, fingerprint)]
        unnamed = {row.run_key for row in rows if not row.named_key}
        newest = next((row for row in rows if row.run_key in unnamed), None)
        return None if newest is None or newest.state is RunState.SUCCEEDED else newest

    def under_key(self, pipeline: str, run_key: str) -> list[RunRow]:
        """The runs of this pipeline under this run key, newest first."""
        return [row for row in self.rows() if (row.pipeline, row.run_key) == (pipeline, run_key)]

    def is_alive(self, row: RunRow) -> bool:
        """Whether a process still carries the run out."""
        return row.state is RunState.RUNNING and is_alive(self._logs_dir / row.run_id)

    def true_state(self, row: RunRow) -> str:
        """The run's state, or `died` where its process ended without a word."""
        died = row.state is RunState.RUNNING and not is_alive(self._logs_dir / row.run_id)
        return DIED if died else row.state.value

    def _lines(self) -> Iterator[RunRow]:
        with self._file.open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                try:
                    yield RunRow.model_validate_json(line)
                except ValidationError:
                    continue  # a line cut off by a crash; the session itself has the truth

    def _rebuild(self) -> None:
        """Make the file from the sessions; one that another process has made meanwhile stays.

        That needs no lock: whoever records a run appends to the file that is there, whoever made it.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        rows = sorted(self._found(), key=lambda row: row.started_at)
        temporary = self._file.with_name(f".{self._file.name}.{secrets.token_hex(4)}.part")
        try:
            temporary.write_text("".join(row.model_dump_json() + "\n" for row in rows), encoding="utf-8")
            _publish(temporary, self._file)
        finally:
            temporary.unlink(missing_ok=True)

    def _found(self) -> Iterator[RunRow]:
        for file in self._logs_dir.glob("run_*/status.json"):
            try:
                yield RunRow.of(Status.model_validate(json.loads(file.read_text(encoding="utf-8"))))
            except (ValueError, ValidationError, OSError):
                continue  # not a status of this version; `runs show` still opens the folder

    def _append(self, row: RunRow) -> None:
        """Add a line; one that a crash cut off before it is ended first."""
        with self._file.open("ab+") as stream:
            end = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, end - 1))
            cut_off = stream.read(1) not in (b"", b"\n")
            stream.write(b"\n" * cut_off + row.model_dump_json().encode() + b"\n")


def _publish(temporary: Path, file: Path) -> None:
    """Give the file its name, unless there is one of that name."""
    try:
        os.link(temporary, file)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not file.exists():
            temporary.replace(file)


def _may_have_written(step: StepStatus) -> bool:
    target = (step.error or {}).get("target", TargetState.UNCHANGED)
    return step.target is not None or step.rows_written > 0 or target != TargetState.UNCHANGED
