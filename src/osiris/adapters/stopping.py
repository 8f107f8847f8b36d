"""What a signal asks of a run."""

from __future__ import annotations

import signal

from osiris.errors import Interrupted, Terminated

_HINT = "Run the same command again; it goes on under the same run key."


def stop_reason(number: int) -> Interrupted:
    """Why a run ends that gets this signal: SIGTERM terminates, any other one interrupts."""
    if number == signal.SIGTERM:
        return Terminated("RUN004", "The run was terminated.", hint=_HINT)
    return Interrupted("RUN004", "The run was interrupted.", hint=_HINT)
