"""What every place to run offers: prepare, execute, collect, cancel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from osiris.components.registry import Registry
from osiris.connections import ConnectionResolver
from osiris.errors import Interrupted
from osiris.manifest import Manifest
from osiris.runner import RunOutcome, RunRequest
from osiris.session import RunIndex, RunSnapshot, Session


@dataclass(frozen=True, slots=True)
class Job:
    """One run to carry out: the manifest, the session that records it, and what resolves its references."""

    manifest: Manifest
    session: Session
    registry: Registry
    resolver: ConnectionResolver
    index: RunIndex
    work_dir: Path
    request: RunRequest


class ExecutionAdapter(Protocol):
    """Carries one job out somewhere; events and artifacts end up in the job's session."""

    def prepare(self, job: Job) -> None:
        """Make the place ready; nothing of the pipeline has run when this returns."""

    def execute(self) -> RunOutcome:
        """Run to the end, in the calling thread."""

    def progress(self) -> RunSnapshot | None:
        """How the run stands, asked from any thread while it goes on; None where that is not known yet."""

    def collect(self) -> Path:
        """The session's folder on this machine, complete."""

    def cancel(self, reason: Interrupted) -> None:
        """Stop the run; safe to call from a signal handler."""
