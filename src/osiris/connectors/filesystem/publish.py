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
from osiris.connectors.filesystem.sidecar import Sidecar, pending_sidecars, read_sidecar, sidecar_path
from osiris.core import ExecutionContext
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
        found = read_sidecar(sidecar_path(self.target))
        if found is not None and self._is_ours(found) and found.fits(self.target):
            return self._same_version(found).rows
        if not self.target.parent.is_dir():
            return None
        for path, pending in pending_sidecars(self.target):
            if self._is_ours(pending) and pending.fits(self.target):
                rows = self._same_version(pending).rows
                path.rename(sidecar_path(self.target))
                sync_folder(self.target.parent)
                return rows
        return None

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

    def _is_ours(self, sidecar: Sidecar) -> bool:
        return (sidecar.run_key, sidecar.pipeline, sidecar.step_id) == (
            self._ctx.run_key,
            self._ctx.pipeline,
            self._ctx.step_id,
        )

    def _same_version(self, sidecar: Sidecar) -> Sidecar:
        if sidecar.fingerprint == self._ctx.fingerprint:
            return sidecar
        message = (
            f"Another version of the pipeline has written {self.name} under run key {self._ctx.run_key!r}."
        )
        hint = "Use --new or another --run-key to write the new version."
        raise PipelineError("RUN009", message, hint=hint, target=TargetState.COMMITTED)

    def _remove_stale(self) -> None:
        oldest = time.time() - STALE_SECONDS
        prefix = f".{self.target.name}.osiris-"
        for path in self.target.parent.iterdir():
            is_temporary = path.name.startswith(prefix) and path.suffix in (".part", ".sidecar")
            if is_temporary and (path.name.startswith(self._own) or path.stat().st_mtime < oldest):
                path.unlink(missing_ok=True)


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
