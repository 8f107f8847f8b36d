"""Which regions may start, and what follows when one has ended."""

from __future__ import annotations

from osiris.errors import OsirisError
from osiris.runner.region import RegionOutcome
from osiris.runner.regions import Region, RegionPlan


class Schedule:
    """The regions of a run: waiting, active, done.

    A failure takes along only what depends on the failed region; independent branches go on to their end.
    """

    def __init__(self, plan: RegionPlan, max_parallel: int) -> None:
        self._waiting = {region.id: region for region in plan.regions}
        self._active: set[int] = set()
        self._done: set[int] = set()
        self._max_parallel = max_parallel
        self.errors: list[OsirisError] = []
        self.abandoned: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether nothing runs and nothing can start any more."""
        return not self._waiting and not self._active

    def take_ready(self) -> list[Region]:
        """The regions to start now."""
        ready = [region for region in self._waiting.values() if region.after <= self._done]
        ready = ready[: self._max_parallel - len(self._active)]
        for region in ready:
            del self._waiting[region.id]
            self._active.add(region.id)
        return ready

    def settle(self, outcome: RegionOutcome) -> bool:
        """A region has ended; True when it ended well."""
        self._active.discard(outcome.region.id)
        self.abandoned += outcome.abandoned
        if outcome.error is not None:
            self.errors.append(outcome.error)
        elif not outcome.stopped:
            self._done.add(outcome.region.id)
            return True
        self._drop_dependants(outcome.region.id)
        return False

    def stop(self) -> None:
        """Start nothing more."""
        self._waiting.clear()

    def _drop_dependants(self, failed: int) -> None:
        lost = {failed}
        while more := {region.id for region in self._waiting.values() if region.after & lost}:
            for region_id in more:
                del self._waiting[region_id]
            lost |= more
