"""One region: its steps run together, fail together, and are tried again together."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from osiris.errors import Cancelled, OsirisError, RunError, TargetState
from osiris.manifest import ManifestStep
from osiris.runner.failures import runner_failure
from osiris.runner.regions import Region
from osiris.runner.step import StepRun

STOP_SECONDS = 3.5
"""How long a stopped step may take to end before it is given up: the whole process has five."""

MakeAttempt = Callable[[Region, int, Callable[[StepRun], None]], list[StepRun]]
Report = Callable[[StepRun, float | None], None]


@dataclass(slots=True)
class RegionOutcome:
    """How a region ended: `failed` is the step run that caused a failure, `crash` a bug around the steps.

    `stopped` is set where the region was cancelled from outside before all its steps had ended.
    """

    region: Region
    failed: StepRun | None = None
    abandoned: list[str] = field(default_factory=list)
    crash: OsirisError | None = None
    stopped: bool = False

    @property
    def error(self) -> OsirisError | None:
        """The failure's root cause."""
        return self.crash or (self.failed.error if self.failed else None)


class RegionRun:
    """Carries out one region, in the thread that calls `run`."""

    def __init__(self, region: Region, make_attempt: MakeAttempt, report: Report) -> None:
        self._region = region
        self._make_attempt = make_attempt
        self._report = report
        self._ended: queue.SimpleQueue[StepRun | None] = queue.SimpleQueue()
        self._runs: list[StepRun] = []
        self._cancelled: Cancelled | None = None
        self._stopped = threading.Event()

    def cancel(self, cause: Cancelled) -> None:
        """Stop the region from another thread."""
        self._cancelled = cause
        self._stopped.set()
        self._ended.put(None)

    def run(self) -> RegionOutcome:
        """Try until it ends well, fails for good, or the tries are used up; never raises."""
        try:
            return self._run()
        except Exception as error:  # noqa: BLE001 - the edge of a thread: a bug must end the run, not hang it
            return self._crashed(runner_failure(error))

    def _run(self) -> RegionOutcome:
        attempt = 1
        while True:
            outcome = self._attempt(attempt)
            delay = self._retry_delay(outcome, attempt)
            self._report_all(outcome, delay)
            if delay is None or self._stopped.wait(delay):
                return outcome
            attempt += 1

    def _attempt(self, attempt: int) -> RegionOutcome:
        self._runs = self._make_attempt(self._region, attempt, self._ended.put)
        deadlines = _deadlines(self._runs)
        for run in self._runs:
            run.start()
        failed = self._wait_for_all({run.step_id: run for run in self._runs}, deadlines)
        abandoned = sorted(run.step_id for run in self._runs if run.give_up())
        errors = [run for run in self._runs if run.error is not None]
        failed = failed or next(filter(_failed_itself, errors), None)
        if self._cancelled is None and errors:
            failed = failed or errors[0]  # a driver that calls itself cancelled
        return RegionOutcome(self._region, failed, abandoned, stopped=bool(errors))

    def _wait_for_all(self, open_runs: dict[str, StepRun], deadlines: dict[str, float]) -> StepRun | None:
        """Wait until no run is open or the time to stop is up; the first one that failed by itself."""
        failed: StepRun | None = None
        give_up_at: float | None = None
        while open_runs and (give_up_at is None or time.monotonic() < give_up_at):
            limits = deadlines if give_up_at is None else dict.fromkeys(open_runs, give_up_at)
            ended = self._next_ended(open_runs, limits)
            if ended is not None:
                del open_runs[ended.step_id]
                failed = failed or (ended if _failed_itself(ended) else None)
            if give_up_at is None:
                _expire(open_runs, deadlines)
                if self._must_stop(ended, open_runs):
                    give_up_at = time.monotonic() + STOP_SECONDS
                    self._stop(open_runs, ended)
        return failed

    def _next_ended(self, open_runs: dict[str, StepRun], limits: dict[str, float]) -> StepRun | None:
        """The next step to end; None when the region was cancelled or a limit has come."""
        due = [limits[step_id] for step_id in open_runs if step_id in limits]
        try:
            return self._ended.get(timeout=max(0.0, min(due) - time.monotonic()) if due else None)
        except queue.Empty:
            return None

    def _must_stop(self, ended: StepRun | None, open_runs: dict[str, StepRun]) -> bool:
        if self._cancelled is not None or (ended is not None and ended.error is not None):
            return True
        return any(run.has_timed_out for run in open_runs.values())

    def _stop(self, open_runs: dict[str, StepRun], ended: StepRun | None) -> None:
        cause = self._cancelled or self._cause(ended, open_runs)
        for run in open_runs.values():
            run.stop(cause)

    def _cause(self, ended: StepRun | None, open_runs: dict[str, StepRun]) -> Cancelled:
        """Why the others must stop; a step that was itself cancelled passes its own cause on."""
        if ended is not None and isinstance(ended.error, Cancelled):
            return ended.error
        late = next((run for run in open_runs.values() if run.has_timed_out), None)
        culprit = ended if ended is not None and ended.error is not None else late
        step_id = culprit.step_id if culprit else ""
        message = f"Stopped because the step {step_id!r} failed."
        return Cancelled("RUN003", message, details={"because_of": step_id})

    def _crashed(self, error: OsirisError) -> RegionOutcome:
        """Stop what runs, and say which steps would not stop."""
        for run in self._runs:
            run.stop(Cancelled("RUN003", "Stopped because the runner failed."))
        give_up_at = time.monotonic() + STOP_SECONDS
        for run in self._runs:
            run.wait(give_up_at - time.monotonic())
        abandoned = sorted(run.step_id for run in self._runs if run.give_up())
        return RegionOutcome(self._region, abandoned=abandoned, crash=error)

    def _retry_delay(self, outcome: RegionOutcome, attempt: int) -> float | None:
        """Seconds to wait before the next try, or None for no further try.

        The wait doubles each time, up to a limit; a random part of up to half is taken off, so that runs that
        failed together do not come back together.
        """
        failed = outcome.failed
        if failed is None or self._cancelled is not None or outcome.abandoned:
            return None
        policy = failed.plan.step.retry
        if attempt >= policy.max_attempts or not all(map(_may_repeat, self._runs)) or not _passes(failed):
            return None
        longest = min(policy.max_delay_seconds, policy.initial_delay_seconds * 2.0 ** (attempt - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret

    def _report_all(self, outcome: RegionOutcome, delay: float | None) -> None:
        for run in self._runs:
            self._report(run, delay if run is outcome.failed else None)


def _expire(open_runs: dict[str, StepRun], deadlines: dict[str, float]) -> None:
    """Stop the runs whose time is up."""
    for step_id, run in open_runs.items():
        if deadlines.get(step_id, float("inf")) <= time.monotonic():
            message = f"The step took longer than its timeout of {run.plan.step.timeout_seconds:g} seconds."
            hint = "Raise timeout_seconds, or give the step less to do."
            run.time_out(RunError("RUN002", message, hint=hint))


def _failed_itself(run: StepRun) -> bool:
    return run.error is not None and not isinstance(run.error, Cancelled)


def _passes(run: StepRun) -> bool:
    return run.error is not None and run.error.transient


def _may_repeat(run: StepRun) -> bool:
    """Whether nothing of this attempt stays: no writer has committed or may have."""
    return run.error.target is TargetState.UNCHANGED if run.error else not run.has_written


def _deadlines(runs: list[StepRun]) -> dict[str, float]:
    now = time.monotonic()
    steps: list[ManifestStep] = [run.plan.step for run in runs]
    return {step.id: now + step.timeout_seconds for step in steps if step.timeout_seconds is not None}
