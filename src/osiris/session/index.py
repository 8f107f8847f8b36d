"""The run index: which runs there were, kept in one file that can be rebuilt from the sessions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from osiris.session.session import is_alive
from osiris.session.status import RunState, Status


class RunRow(BaseModel):
    """One line of the index; `folder` is the session's folder name under the logs folder."""

    model_config = ConfigDict(extra="ignore")

    run_id: str
    run_key: str
    pipeline: str
    fingerprint: str
    state: RunState
    exit_code: int | None = None
    started_at: str
    duration_ms: int | None = None
    rows_written: int = 0
    error_code: str | None = None

    @classmethod
    def of(cls, status: Status) -> RunRow:
        """The row of a run's status."""
        rows = sum(step.rows_written for step in status.steps)
        error = (status.error or {}).get("code")
        return cls(**status.model_dump(include=set(cls.model_fields)), rows_written=rows, error_code=error)


class RunIndex:
    """Reads and extends `.osiris/runs.jsonl`; a run's last line counts."""

    def __init__(self, state_dir: Path, logs_dir: Path) -> None:
        self._file = state_dir / "runs.jsonl"
        self._logs_dir = logs_dir

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

    def unfinished(self, pipeline: str, fingerprint: str) -> RunRow | None:
        """The newest run of this pipeline and fingerprint, if it did not come to a good end."""
        for row in self.rows():
            if (row.pipeline, row.fingerprint) == (pipeline, fingerprint):
                return None if row.state is RunState.SUCCEEDED else row
        return None

    def is_alive(self, row: RunRow) -> bool:
        """Whether a process still carries the run out."""
        return row.state is RunState.RUNNING and is_alive(self._logs_dir / row.run_id)

    def has_died(self, row: RunRow) -> bool:
        """Whether the run's process ended without a word."""
        return row.state is RunState.RUNNING and not is_alive(self._logs_dir / row.run_id)

    def _lines(self) -> Iterator[RunRow]:
        with self._file.open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                try:
                    yield RunRow.model_validate_json(line)
                except ValidationError:
                    continue  # a line cut off by a crash; the session itself has the truth

    def _rebuild(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        rows = sorted(self._found(), key=lambda row: row.started_at)
        self._file.write_text("".join(row.model_dump_json() + "\n" for row in rows), encoding="utf-8")

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
