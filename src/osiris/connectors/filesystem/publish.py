"""A file appears complete or not at all: written aside, synced, renamed, its sidecar with it.

Steps: `.part` written and synced; `.sidecar` written and synced; data renamed; sidecar renamed; folder
synced. A death before the first rename leaves the old file; a death between the renames leaves the new file
and a pending sidecar that readers accept and the next run puts in place.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from osiris.connectors.filesystem.os_errors import not_writable, publish_failure
from osiris.connectors.filesystem.sidecar import Sidecar, sidecar_path, sidecars_of
from osiris.core import ExecutionContext
from osiris.core.ledger import Run
from osiris.errors import PipelineError, TargetState

STALE_SECONDS = 86_400
"""Temporary files of other runs are removed when they are older than this."""


_CLAIMS: dict[tuple[str, str], str] = {}
"""Which step of a run writes a file; only here is it seen that two connections lead to one place."""


class Publication:
    """The files of one attempt to replace `target`; `part` is where the data is written first."""

    def __init__(self, target: Path, name: str, ctx: ExecutionContext) -> None:
        self.target = target
        self.name = name
        self._ctx = ctx
        stem = f".{target.name}.osiris-{_short(ctx.run_key, ctx.step_id)}"
        self._own = stem + "-"
        self.part = target.with_name(f"{stem}-{ctx.attempt}.part")
        self._state = TargetState.UNCHANGED
        self._pending = target.with_name(f"{stem}-{ctx.attempt}.sidecar")

    def committed_rows(self) -> int | None:
        """The rows of this very run when it has already published the target; None when it has not.

        Completes a publication that died between its renames. Raises `PipelineError` RUN009 when the run key
        was used for another version of the pipeline.
        """
        found = published(self.target, self.name, self._ctx)
        if found is None:
            return None
        path, sidecar = found
        if path != sidecar_path(self.target):
            path.rename(sidecar_path(self.target))
            sync_folder(self.target.parent)
        return sidecar.rows

    @contextmanager
    def staged(self) -> Iterator[Path]:
        """A place for the data; whatever is left of it at the end is removed."""
        self._claim()
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self._remove_stale()
            self.part.touch()
        except OSError as exc:
            raise not_writable(self.name, exc.strerror or "refused") from exc
        try:
            yield self.part
        finally:
            self.part.unlink(missing_ok=True)
            if self._state is TargetState.UNCHANGED:
                self._pending.unlink(missing_ok=True)

    def check_folder(self) -> None:
        """Raise `PipelineError` FIL002 when the folder is another one than at the start."""
        if self.target.parent.resolve() != self.target.parent:
            message = f"The folder of {self.name} became a symbolic link while the file was written."
            raise PipelineError("FIL002", message, hint="Use a folder that nobody moves during the run.")

    def publish(self, sidecar: Sidecar) -> None:
        """Put data and sidecar in place. An error says whether the target has the new data."""
        self.check_folder()
        try:
            sync_file(self.part)
            self._pending.write_bytes(sidecar.to_bytes())
            sync_file(self._pending)
            self._ctx.failpoint("publish.before_rename")
            self.part.replace(self.target)
            self._state = TargetState.COMMITTED
            self._ctx.failpoint("publish.between_renames")
            self._pending.replace(sidecar_path(self.target))
            sync_folder(self.target.parent)
            self._ctx.failpoint("publish.after_rename")
        except OSError as exc:
            raise publish_failure(exc, self.name, self._state) from exc

    def _claim(self) -> None:
        owner = _CLAIMS.setdefault((self._ctx.run_id, os.path.realpath(self.target)), self._ctx.step_id)
        if owner != self._ctx.step_id:
            message = f"The step {owner!r} of this run writes {self.name} already."
            raise PipelineError("FIL007", message, hint="Give each step a file of its own.")

    def _remove_stale(self) -> None:
        oldest = time.time() - STALE_SECONDS
        prefix = f".{self.target.name}.osiris-"
        for path in self.target.parent.iterdir():
            is_temporary = path.name.startswith(prefix) and path.suffix in (".part", ".sidecar")
            if is_temporary and (path.name.startswith(self._own) or path.stat().st_mtime < oldest):
                path.unlink(missing_ok=True)


def published(target: Path, name: str, run: Run) -> tuple[Path, Sidecar] | None:
    """The sidecar that this very run has published the target with, and where it lies; nothing is changed.

    Raises `PipelineError` RUN009 when the run key was used for another version of the pipeline.
    """
    for path, sidecar in sidecars_of(target):
        by_this_run = (sidecar.run_key, sidecar.pipeline, sidecar.step_id) == (
            run.run_key,
            run.pipeline,
            run.step_id,
        )
        if by_this_run and sidecar.fits(target):
            return path, _same_version(sidecar, name, run)
    return None


def _same_version(sidecar: Sidecar, name: str, run: Run) -> Sidecar:
    if sidecar.fingerprint == run.fingerprint:
        return sidecar
    message = f"Another version of the pipeline has written {name} under run key {run.run_key!r}."
    hint = "Use --new or another --run-key to write the new version."
    raise PipelineError("RUN009", message, hint=hint, target=TargetState.COMMITTED)


def sync_file(path: Path) -> None:
    """Have the file's bytes on the disk. A failure is final: the kernel may have dropped them."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Have the folder's entries on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _short(*names: str) -> str:
    return hashlib.sha256("/".join(names).encode()).hexdigest()[:8]
