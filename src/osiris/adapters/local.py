"""Runs in this process."""

from __future__ import annotations

from pathlib import Path

from osiris.adapters.base import Job
from osiris.errors import Interrupted
from osiris.runner import Runner, RunOutcome
from osiris.session import RunSnapshot


class LocalAdapter:
    """The runner in this very process; the session is written where it will stay."""

    _job: Job
    _runner: Runner

    def prepare(self, job: Job) -> None:
        self._job = job
        self._runner = Runner(
            job.manifest, job.session, job.registry, job.resolver, job.index, job.work_dir, job.request
        )

    def execute(self) -> RunOutcome:
        return self._runner.run()

    def progress(self) -> RunSnapshot:
        return self._runner.progress()

    def collect(self) -> Path:
        return self._job.session.folder

    def cancel(self, reason: Interrupted) -> None:
        self._runner.cancel(reason)
