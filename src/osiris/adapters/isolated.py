"""Runs in a fresh interpreter on this machine: the same runner, a folder of its own, a clean environment."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from osiris.adapters.artifacts import bring_home, check_arrived
from osiris.adapters.base import Job
from osiris.adapters.child import ChildProcess
from osiris.adapters.environment import clean_environment
from osiris.adapters.frames import Frame, LineBuffer
from osiris.adapters.replica import Replica
from osiris.adapters.staging import stage, staged_session
from osiris.adapters.stopping import stop_reason
from osiris.errors import Interrupted, OsirisError, RunError
from osiris.redaction import redactor
from osiris.runner import RunOutcome
from osiris.runner.failures import named_refusals, runner_failure
from osiris.runner.work import WorkFolder, clear_work_of_the_dead
from osiris.session import RunSnapshot

STOP_SECONDS = 4.5
"""How long a stopped child may take to end before it is killed: it needs less, and the whole run has five."""

_PROGRAM = ("-P", "-m", "osiris.adapters.worker")
"""`-P` keeps the folder that the child starts in out of its import path."""


class IsolatedAdapter:
    """Starts the worker, records what it reports, and says how the run ended where the worker cannot."""

    _job: Job
    _replica: Replica
    _work: WorkFolder

    def __init__(self) -> None:
        self._child: ChildProcess | None = None
        self._reason: Interrupted | None = None
        self._trouble: OsirisError | None = None
        self._reports = LineBuffer()
        self._noise = LineBuffer()

    def prepare(self, job: Job) -> None:
        self._job = job
        self._replica = Replica(job)
        self._work = WorkFolder(job.work_dir / job.session.id)

    def execute(self) -> RunOutcome:
        try:
            with named_refusals():
                self._begin()
            self._job.request.on_begun()
            error = self._carry_out()
            with named_refusals():
                outcome = self._replica.conclude(error)
            self._bring_home(outcome)
            return outcome
        finally:
            self._work.remove()

    def progress(self) -> RunSnapshot | None:
        return self._replica.snapshot

    def collect(self) -> Path:
        return self._job.session.folder

    def cancel(self, reason: Interrupted) -> None:
        self._reason = self._reason or reason
        self._stop(self._reason)

    @property
    def _place(self) -> Path:
        """The folder of the child."""
        return self._work.path / "isolated"

    @property
    def _far_session(self) -> Path:
        """Where the child writes its session."""
        return staged_session(self._place, self._job.session.id)

    def _begin(self) -> None:
        self._replica.begin()
        clear_work_of_the_dead(self._work.path.parent)
        self._work.make()

    def _carry_out(self) -> OsirisError | None:
        """Why the run did not tell its own end, or None where it did."""
        try:
            code = self._run_child()
        except Exception as failure:  # noqa: BLE001 - a bug must end the run, not leave it without an end
            return runner_failure(failure)
        if self._trouble is None and self._replica.has_ended:
            return None
        return self._trouble or self._reason or self._replica.failure or _died(code)

    def _run_child(self) -> int:
        """Run the child to its end; its return code."""
        message = stage(self._job, self._place)
        held = (self._job.session.descriptor, self._work.descriptor)
        program, environment = (sys.executable, *_PROGRAM), clean_environment(os.environ)
        with ChildProcess(program, self._place, environment, message.to_bytes(), held) as self._child:
            if self._reason is not None:
                self._stop(self._reason)
            code = self._listen(self._child)
        if self._trouble is None and not self._replica.has_ended:
            self._replica.catch_up(self._far_session)
        return code

    def _listen(self, child: ChildProcess) -> int:
        while True:
            try:
                code = child.listen(self._take_reports, self._take_noise)
            except KeyboardInterrupt:  # only without a signal handler: the child must not go on alone
                self.cancel(stop_reason(signal.SIGINT))
            else:
                _show(self._noise.rest())
                return code

    def _take_reports(self, piece: bytes) -> None:
        """Record what the child reports until the run has ended; what cannot be recorded ends it."""
        try:
            for line in self._reports.lines(piece):
                if self._trouble is None and not self._replica.has_ended:
                    self._replica.apply(Frame.from_line(line))
        except Exception as failure:  # noqa: BLE001 - whatever it is, the child has to be stopped in order
            self._trouble = runner_failure(failure)
            self._stop(Interrupted("RUN004", "The run could not be recorded any more."))

    def _take_noise(self, piece: bytes) -> None:
        for line in self._noise.lines(piece):
            _show(line + b"\n")

    def _stop(self, reason: Interrupted) -> None:
        if self._child is not None:
            self._child.order(json.dumps(reason.to_dict()).encode() + b"\n", STOP_SECONDS)

    def _bring_home(self, outcome: RunOutcome) -> None:
        """Fetch the artifacts; a run that failed has its own error, which nothing here may hide."""
        folder = self._job.session.folder
        try:
            bring_home(self._far_session, folder)
        except OSError as failure:
            if outcome.error is None:
                raise runner_failure(failure) from failure
        if outcome.error is None:
            check_arrived(folder, self._replica.artifacts)


def _show(line: bytes) -> None:
    """Pass on what foreign code printed, as it would have been printed here, but masked."""
    if sys.stderr is not None and line:
        with suppress(OSError, ValueError):  # full, gone or closed: no message is worth the run
            sys.stderr.write(redactor.text(line.decode("utf-8", "backslashreplace")))


def _died(code: int) -> RunError:
    how = f"was ended by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
    hint = "Run the same command again: what is committed is not written twice."
    if code == -signal.SIGKILL:
        hint = f"The system kills a process when memory runs out. {hint}"
    message = f"The process that carried out the run {how} before the run was over."
    details = {"signal": _signal_name(-code)} if code < 0 else {"exit_code": code}
    return RunError("RUN011", message, hint=hint, details=details)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
