"""What no driver named: any exception as an error of the tree."""

from __future__ import annotations

import errno

from osiris.errors import OsirisError, RunError, TargetState

_HINT = "The traceback is in the session's events.jsonl."


def coded(error: BaseException, *, actor: str, target: TargetState = TargetState.UNCHANGED) -> OsirisError:
    """The error itself where it has a code, else RES001 for a full disk, RES002 for memory, RUN001 for the rest.

    `actor` is who failed, as the message's subject.
    """
    if isinstance(error, OsirisError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunError("RES001", "The disk is full.", hint="Free some space and run again.", target=target)
    if isinstance(error, MemoryError):
        hint = "Process less at a time, or give the machine more memory."
        return RunError("RES002", "There was not enough memory.", hint=hint, target=target)
    first_line = next(iter(str(error).strip().splitlines()), "")
    message = f"{actor} failed with {type(error).__name__}{': ' if first_line else ''}{first_line}"
    return RunError("RUN001", message if message.endswith(".") else message + ".", hint=_HINT, target=target)
