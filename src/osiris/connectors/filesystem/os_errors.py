"""What the operating system and DuckDB say when a file cannot be written or read, as errors of the tree."""

from __future__ import annotations

import errno

from osiris.connectors.duckdb.engine import map_engine_error
from osiris.errors import OsirisError, PipelineError, RunError, TargetState

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENOENT}
_FULL_HINT = "Free some space and run the same command again; the file that was there before is untouched."


def write_failure(exc: Exception, name: str, *, cancelled: bool = False) -> OsirisError:
    """The error for a failed write of the file `name`, before anything was published."""
    if isinstance(exc, OSError) and exc.errno in _FULL:
        return RunError("RES001", f"The disk is full; {name} was not written.", hint=_FULL_HINT)
    if isinstance(exc, OSError) and exc.errno in _DENIED:
        return not_writable(name, exc.strerror or "refused")
    mapped = map_engine_error(exc, cancelled=cancelled)
    if mapped.code == "RES001":
        return RunError("RES001", f"The disk is full; {name} was not written.", hint=_FULL_HINT)
    return mapped


def not_writable(name: str, reason: str) -> PipelineError:
    """A file cannot be created where it should be."""
    hint = "Choose a path below a folder that exists or can be made, with write permission."
    return PipelineError("FIL006", f"{name} cannot be written: {reason}.", hint=hint)


def publish_failure(exc: OSError, name: str, target: TargetState) -> OsirisError:
    """The error for a failed rename or fsync."""
    if target is TargetState.UNCHANGED:
        return write_failure(exc, name)
    message = f"{name} is in place, but its sidecar could not be: {exc.strerror}."
    return RunError(
        "RES003", message, hint="Run the same command again; it completes the sidecar.", target=target
    )
