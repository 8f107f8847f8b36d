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
from osiris.runner.regions import Region
from osiris.runner.step import StepRun

STOP_SECONDS = 5.0
"""How long a stopped step may take to end before it is given up."""

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
        """Try until it ends well, fails for good, or the tries are used up."""
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
        outcome = RegionOutcome(self._region)
        open_runs = {run.step_id: run for run in self._runs}
        give_up_at: float | None = None
        while open_runs and (give_up_at is None or time.monotonic() < give_up_at):
            ended = self._wait(open_runs, deadlines, give_up_at)
            if ended is not None:
                del open_runs[ended.step_id]
                outcome.failed = outcome.failed or (ended if _failed_itself(ended) else None)
            if give_up_at is None and self._must_stop(ended, open_runs):
                give_up_at = time.monotonic() + STOP_SECONDS
                self._stop(open_runs, ended)
        outcome.abandoned = sorted(open_runs)
        outcome.stopped = any(run.error is not None for run in self._runs) or bool(open_runs)
        outcome.failed = outcome.failed or next(filter(_failed_itself, open_runs.values()), None)
        return outcome

    def _must_stop(self, ended: StepRun | None, open_runs: dict[str, StepRun]) -> bool:
        if self._cancelled is not None or (ended is not None and ended.error is not None):
            return True
        return any(run.error is not None for run in open_runs.values())

    def _wait(
        self, open_runs: dict[str, StepRun], deadlines: dict[str, float], give_up_at: float | None
    ) -> StepRun | None:
        """The next step to end; None when the region was cancelled or a deadline has come."""
        limits = [deadlines[step_id] for step_id in open_runs if step_id in deadlines]
        limits += [give_up_at] if give_up_at is not None else []
        timeout = max(0.0, min(limits) - time.monotonic()) if limits else None
        try:
            return self._ended.get(timeout=timeout)
        except queue.Empty:
            self._expire(open_runs, deadlines)
            return None

    def _expire(self, open_runs: dict[str, StepRun], deadlines: dict[str, float]) -> None:
        for step_id, run in open_runs.items():
            if deadlines.get(step_id, float("inf")) <= time.monotonic():
                del deadlines[step_id]
                seconds = run.plan.step.timeout_seconds
                message = f"The step took longer than its timeout of {seconds:g} seconds."
                run.time_out(
                    RunError("RUN002", message, hint="Raise timeout_seconds, or give the step less to do.")
                )

    def _stop(self, open_runs: dict[str, StepRun], ended: StepRun | None) -> None:
        because = next((run.step_id for run in (ended, *open_runs.values()) if run and run.error), "")
        cause = self._cancelled or Cancelled(
            "RUN003", f"Stopped because the step {because!r} failed.", details={"because_of": because}
        )
        for run in open_runs.values():
            run.stop(cause)

    def _retry_delay(self, outcome: RegionOutcome, attempt: int) -> float | None:
        """Seconds to wait before the next try (exponential with full jitter), or None for no further try."""
        failed = outcome.failed
        if failed is None or failed.error is None or self._cancelled is not None or outcome.abandoned:
            return None
        policy = failed.plan.step.retry
        if not _may_repeat(failed.error) or attempt >= policy.max_attempts:
            return None
        longest = min(policy.max_delay_seconds, policy.initial_delay_seconds * 2.0 ** (attempt - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret

    def _report_all(self, outcome: RegionOutcome, delay: float | None) -> None:
        for run in self._runs:
            self._report(run, delay if run is outcome.failed else None)


def _failed_itself(run: StepRun) -> bool:
    return run.error is not None and not isinstance(run.error, Cancelled)


def _may_repeat(error: OsirisError) -> bool:
    return error.transient and error.target is TargetState.UNCHANGED


def _deadlines(runs: list[StepRun]) -> dict[str, float]:
    now = time.monotonic()
    steps: list[ManifestStep] = [run.plan.step for run in runs]
    return {step.id: now + step.timeout_seconds for step in steps if step.timeout_seconds is not None}
