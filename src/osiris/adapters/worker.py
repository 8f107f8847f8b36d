"""The far side of an adapter: carries out the job of a staged folder with the one runner, and reports.

    cd FOLDER && python -P -m osiris.adapters.worker REPORTS [ORDERS] < JOB

REPORTS is the descriptor that frames go to, 1 for stdout. ORDERS is one from which requests to stop come, one
error as JSON a line; its end says that whoever started the run is gone. SIGINT and SIGTERM stop the run too.
The exit code is 0 where the run could be carried out, however it ended.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from types import FrameType
from typing import IO, Any, cast

from osiris.adapters.base import Job
from osiris.adapters.frames import FrameWriter
from osiris.adapters.local import LocalAdapter
from osiris.adapters.message import JobMessage
from osiris.adapters.staging import staged_job
from osiris.adapters.stopping import stop_reason
from osiris.errors import ExitCode, Interrupted, Terminated, recorded_error
from osiris.linestream import LineStream
from osiris.redaction import redactor
from osiris.runner.failures import runner_failure

_GONE_SECONDS = 5.0
"""How long a run may take to stop when nobody waits for it any more."""

_PROGRESS_SECONDS = 0.2
"""How often the run tells how it stands."""


def main(reports: int, orders: int | None = None) -> int:
    """Carry out the job on stdin in the current folder; the exit code."""
    faulthandler.enable()
    frames = FrameWriter(_taken_over(reports))
    foreign = LineStream(sys.stderr, partial(_print, sys.stderr), lambda: 2)
    sys.stdout = sys.stderr = cast(Any, foreign)
    try:
        job = staged_job(Path.cwd(), JobMessage.from_bytes(sys.stdin.buffer.read()))
        _carry_out(job, frames, orders)
    except Exception as error:  # noqa: BLE001 - the edge of the process
        with suppress(OSError):  # nobody is there to be told
            frames.send("failure", 1, redactor.record(runner_failure(error).to_dict()))
        return int(ExitCode.RUN_FAILED)
    finally:
        foreign.close()
    return int(ExitCode.OK)


def _carry_out(job: Job, frames: FrameWriter, orders: int | None) -> None:
    adapter = LocalAdapter()
    job.session.mirror(frames.send)
    adapter.prepare(job)

    def stop(number: int, _frame: FrameType | None) -> None:
        adapter.cancel(stop_reason(number))

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if orders is not None:
        threading.Thread(target=_obey, args=(orders, adapter), name="orders", daemon=True).start()
    threading.Thread(target=_tell_progress, args=(frames, adapter), name="progress", daemon=True).start()
    adapter.execute()
    job.session.close()


def _tell_progress(frames: FrameWriter, adapter: LocalAdapter) -> None:
    with suppress(OSError):  # nobody listens any more
        for number in count(1):
            time.sleep(_PROGRESS_SECONDS)
            frames.send("progress", number, adapter.progress().model_dump(mode="json"))


def _obey(orders: int, adapter: LocalAdapter) -> None:
    """Do what the orders say; when they end, the run has to end, at once where it was told to stop before."""
    stopping = False
    with open(orders, encoding="ascii") as lines:
        for line in lines:
            reason = recorded_error(json.loads(line))
            if isinstance(reason, Interrupted):
                adapter.cancel(reason)
                stopping = True
    if not stopping:
        adapter.cancel(Terminated("RUN004", "The process that had started the run is gone."))
        time.sleep(_GONE_SECONDS)
    os._exit(ExitCode.TERMINATED)


def _taken_over(descriptor: int) -> int:
    """A way to where a descriptor leads that foreign code does not know; the old one leads to stderr."""
    own = os.dup(descriptor)
    os.dup2(2, descriptor)
    return own


def _print(stderr: IO[str], line: str) -> None:
    """What foreign code has to say; it must not fail where nobody listens."""
    with suppress(OSError, ValueError):
        stderr.write(redactor.text(line) + "\n")
        stderr.flush()


if __name__ == "__main__":
    # Threads of an engine or of a step may still be at work; they end with the process.
    os._exit(main(*map(int, sys.argv[1:])))
