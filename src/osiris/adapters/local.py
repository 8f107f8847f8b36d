"""Runs in this process."""

from __future__ import annotations

from pathlib import Path

from osiris.adapters.base import Job
from osiris.errors import Interrupted
from osiris.runner import Runner, RunOutcome


class LocalAdapter:
    """The runner in this very process; the session is written where it will stay."""

    def __init__(self) -> None:
        self._job: Job | None = None
        self._runner: Runner | None = None

    def prepare(self, job: Job) -> None:
        self._job = job
        self._runner = Runner(
            job.manifest, job.session, job.registry, job.resolver, job.index, job.work_dir, job.request
        )

    def execute(self) -> RunOutcome:
        assert self._runner is not None, "prepare comes first"
        return self._runner.run()

    def collect(self) -> Path:
        assert self._job is not None, "prepare comes first"
        return self._job.session.folder

    def cancel(self, reason: Interrupted) -> None:
        if self._runner is not None:
            self._runner.cancel(reason)
