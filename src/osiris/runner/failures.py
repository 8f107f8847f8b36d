"""What nobody named: any exception as an error of the tree."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from osiris.errors import InternalError, OsirisError, RunError, TargetState


def driver_failure(error: BaseException, target: TargetState) -> OsirisError:
    """What a driver raised: RUN001 where it has no code of its own and is no full disk or memory."""
    if isinstance(error, OsirisError):
        return error
    hint = "The traceback is in the session's events.jsonl."
    message = f"The driver failed with {_words(error)}"
    return _resource_failure(error, target) or RunError("RUN001", message, hint=hint, target=target)


def runner_failure(error: Exception) -> OsirisError:
    """What went wrong around the steps: the machine's refusal, or a bug; `error` is its cause."""
    if isinstance(error, OsirisError):
        return error
    failure = _around_the_steps(error)
    failure.__cause__ = error
    return failure


def _around_the_steps(error: Exception) -> OsirisError:
    if isinstance(error, OSError):
        message = f"The operating system refused what the run needs: {_words(error)}"
        return _resource_failure(error) or RunError("RES003", message)
    message = f"The runner failed with {_words(error)}"
    return _resource_failure(error) or InternalError(
        "INT001", message, hint="This is a bug; please report it."
    )


@contextmanager
def named_refusals() -> Iterator[None]:
    """Give what the operating system refuses a code."""
    try:
        yield
    except OSError as error:
        raise runner_failure(error) from error


def _resource_failure(
    error: BaseException, target: TargetState = TargetState.UNCHANGED
) -> OsirisError | None:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunError("RES001", "The disk is full.", hint="Free some space and run again.", target=target)
    if isinstance(error, MemoryError):
        hint = "Process less at a time, or give the machine more memory."
        return RunError("RES002", "There was not enough memory.", hint=hint, target=target)
    return None


def _words(error: BaseException) -> str:
    """`ValueError: its first line.`"""
    first_line = next(iter(str(error).strip().splitlines()), "")
    text = f"{type(error).__name__}{': ' if first_line else ''}{first_line}"
    return text if text.endswith(".") else text + "."
