"""The runner: verifies a manifest, runs its regions as soon as they may, and answers with the outcome."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from osiris.components.pins import verify_pins
from osiris.components.registry import Registry
from osiris.connections import ConnectionResolver
from osiris.errors import Cancelled, Interrupted, OsirisError
from osiris.manifest import Manifest, dump_manifest
from osiris.runner.attempts import AttemptFactory
from osiris.runner.context import RunIdentity
from osiris.runner.failures import named_refusals, runner_failure
from osiris.runner.progress import run_snapshot
from osiris.runner.record import RunRecord
from osiris.runner.region import RegionOutcome, RegionRun
from osiris.runner.regions import Region, plan_regions
from osiris.runner.schedule import Schedule
from osiris.runner.work import WorkFolder, clear_work_of_the_dead
from osiris.session import RunIndex, RunSnapshot, Session, Status

MAX_PARALLEL_REGIONS = 4

_SIGNAL_SECONDS = 0.2
"""How often the main thread looks up: a signal that comes just before it begins to wait does not wake it."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What tells one run from another: its run key, where it runs, and the session it resumes.

    `passes_over` is the key of an unfinished run that is too old to be resumed; it is told, and nothing more.
    `fuses` lets neighbouring steps do their work in one statement where that gives the same. `on_begun` is
    called once others can see that the run goes on, before its first step begins.
    """

    run_key: str
    adapter: str = "local"
    resumes: str | None = None
    passes_over: str | None = None
    max_parallel_regions: int = MAX_PARALLEL_REGIONS
    named_key: bool = False
    fuses: bool = True
    on_begun: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended; `must_exit` where a step could not be stopped and only the process's end stops it."""

    status: Status
    error: OsirisError | None
    must_exit: bool


class Runner:
    """Carries out one manifest in this process."""

    def __init__(
        self,
        manifest: Manifest,
        session: Session,
        registry: Registry,
        resolver: ConnectionResolver,
        index: RunIndex,
        work_dir: Path,
        request: RunRequest,
    ) -> None:
        identity = RunIdentity(session.id, request.run_key, manifest.name, manifest.fingerprints.data)
        self._manifest = manifest
        self._session = session
        self._registry = registry
        self._index = index
        self._request = request
        self._work = WorkFolder(work_dir / session.id)
        self._record = RunRecord(
            session,
            manifest,
            identity,
            adapter=request.adapter,
            resumes=request.resumes,
            passes_over=request.passes_over,
            named_key=request.named_key,
        )
        self._attempts = AttemptFactory(session, identity, self._record, registry, resolver, self._work.path)
        self._ended: queue.SimpleQueue[RegionOutcome | None] = queue.SimpleQueue()
        self._active: dict[int, RegionRun] = {}
        self._interrupt: Interrupted | None = None

    def cancel(self, reason: Interrupted) -> None:
        """Stop the run from another thread or a signal handler; `run` returns within seconds."""
        self._interrupt = self._interrupt or reason
        self._ended.put(None)

    def progress(self) -> RunSnapshot:
        """How the run stands; safe to call from any thread, at any time."""
        return run_snapshot(self._record, self._attempts)

    def run(self) -> RunOutcome:
        """Run to the end; a failure becomes part of the outcome.

        Raises only where the session itself cannot be written.
        """
        with named_refusals():
            self._begin()
        self._request.on_begun()
        schedule: Schedule | None = None
        error: OsirisError | None = None
        try:
            verify_pins(self._manifest, self._registry)
            schedule = self._schedule()
            self._run_regions(schedule)
            error = self._interrupt or next(iter(schedule.errors), None)
        except Exception as failure:  # noqa: BLE001 - a bug must end the run, not leave it without an end
            error = runner_failure(failure)
            self._wind_down(schedule)
        finally:
            self._work.remove()
        status = self._end(error)
        return RunOutcome(status, error, must_exit=schedule is not None and bool(schedule.abandoned))

    def _begin(self) -> None:
        self._session.write_manifest(dump_manifest(self._manifest))
        self._record.run_started()
        self._index.record(self._record.status)
        clear_work_of_the_dead(self._work.path.parent)
        self._work.make()

    def _end(self, error: OsirisError | None) -> Status:
        with named_refusals():
            status = self._record.run_ended(error)
            self._index.record(status)
        return status

    def _schedule(self) -> Schedule:
        plan = plan_regions(self._manifest)
        self._attempts.use(plan, fuses=self._request.fuses)
        return Schedule(plan, self._request.max_parallel_regions)

    def _run_regions(self, schedule: Schedule) -> None:
        while not schedule.is_over:
            for region in schedule.take_ready():
                self._start(region)
            outcome = self._next_ended()
            if outcome is None:
                schedule.stop()
                self._stop_active("the run was interrupted")
            elif schedule.settle(outcome):
                self._attempts.release(outcome.region)

    def _wind_down(self, schedule: Schedule | None) -> None:
        """Stop what still runs, and wait for it: no step may go on after the end of its run."""
        self._stop_active("the runner failed")
        while self._active and schedule is not None:
            outcome = self._next_ended()
            if outcome is not None:
                schedule.settle(outcome)

    def _next_ended(self) -> RegionOutcome | None:
        """The next region to end, or None when the run is to stop."""
        while True:
            try:
                return self._settled(self._ended.get(timeout=_SIGNAL_SECONDS))
            except queue.Empty:
                continue
            except KeyboardInterrupt:  # only without a signal handler: no step's thread may go on alone
                self._interrupt = self._interrupt or Interrupted("RUN004", "The run was interrupted.")
                return None

    def _settled(self, outcome: RegionOutcome | None) -> RegionOutcome | None:
        if outcome is not None:
            del self._active[outcome.region.id]
        return outcome

    def _start(self, region: Region) -> None:
        run = RegionRun(region, self._attempts.make, self._record.step_ended)
        thread = threading.Thread(
            target=lambda: self._ended.put(run.run()), name=f"region {region.id}", daemon=True
        )
        thread.start()
        self._active[region.id] = run

    def _stop_active(self, reason: str) -> None:
        for run in self._active.values():
            run.cancel(Cancelled("RUN003", f"Stopped because {reason}."))
