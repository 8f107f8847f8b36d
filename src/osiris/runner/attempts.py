"""Wires up one attempt of a region: channels for its streamed edges, spools at its borders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from osiris.components.drivers import DriverRegistry
from osiris.components.registry import Registry
from osiris.connections import ConnectionResolver
from osiris.core.driver import ColumnReader
from osiris.errors import OsirisError
from osiris.manifest import ManifestStep
from osiris.runner.channel import Channel, Discard, Sink
from osiris.runner.config import driver_config, resolve_connection
from osiris.runner.context import RunIdentity, StepContext
from osiris.runner.fusion import fuse, fused_into
from osiris.runner.handover import HandOver, link_fused
from osiris.runner.record import RunRecord
from osiris.runner.regions import EdgePlan, Region, RegionPlan
from osiris.runner.spool import Spool
from osiris.runner.step import Source, StepPlan, StepRun
from osiris.session import Session
from osiris.session.events import ConnectionResolved

Channels = Mapping[tuple[str, str], Channel | HandOver]
"""The edges inside a region, by the step and the output they come from."""


class AttemptFactory:
    """Makes the step runs of each attempt; owns the run's spools.

    `runs` has the latest attempt of each step that has begun.
    """

    def __init__(
        self,
        session: Session,
        identity: RunIdentity,
        record: RunRecord,
        registry: Registry,
        resolver: ConnectionResolver,
        work_dir: Path,
    ) -> None:
        self._session = session
        self._identity = identity
        self._record = record
        self._registry = registry
        self._resolver = resolver
        self._work_dir = work_dir
        self._drivers = DriverRegistry(registry)
        self.runs: dict[str, StepRun] = {}
        self._steps: dict[str, ManifestStep] = {}
        self._edges: list[EdgePlan] = []
        self._spools: dict[tuple[str, str], Spool] = {}

    def use(self, plan: RegionPlan, *, fuses: bool) -> None:
        """Take on the steps and edges of a plan; `fuses` says whether neighbours may become one statement."""
        if fuses:
            fuse(plan, self._drivers)
        self._steps = {step.id: step for region in plan.regions for step in region.steps}
        self._edges = plan.edges
        readers = Counter((edge.from_step, edge.output) for edge in plan.edges if edge.spooled)
        self._spools = {key: Spool(self._work_dir, *key, readers=count) for key, count in readers.items()}

    @property
    def edges(self) -> list[EdgePlan]:
        """All edges of the plan."""
        return self._edges

    def make(self, region: Region, attempt: int, on_end: Callable[[StepRun], None]) -> list[StepRun]:
        """The step runs of one attempt, not yet started."""
        ids = {step.id for step in region.steps}
        streamed = [edge for edge in self._edges if not edge.spooled and edge.to_step in ids]
        channels = {
            (edge.from_step, edge.output): HandOver(edge) if edge.fused else Channel(edge)
            for edge in streamed
        }
        link_fused(channels.values())
        runs = [self._step_run(step, attempt, channels, on_end) for step in region.steps]
        for run in runs:
            self.runs[run.step_id] = run
            self._record.step_started(run.plan.step, attempt)
        return runs

    def release(self, region: Region) -> None:
        """The region has ended well: give up the spools that it read."""
        for edge in self._edges:
            if edge.spooled and edge.to_step in {step.id for step in region.steps}:
                self._spools[edge.from_step, edge.output].release()

    def _step_run(
        self,
        step: ManifestStep,
        attempt: int,
        channels: Channels,
        on_end: Callable[[StepRun], None],
    ) -> StepRun:
        component = self._registry.get(step.component)
        plan = StepPlan(
            step=step,
            component=component,
            configure=lambda: self._configure(step),
            sources={name: self._source(step, name, channels) for name in sorted(step.inputs)},
            sinks={name: self._sink(step, name, channels) for name in component.spec.outputs},
            columns_read=self._columns_read(step),
            fused_into=fused_into(step.id, self._edges),
        )
        context = StepContext(self._session, self._identity, step.id, attempt, self._work_dir)
        return StepRun(plan, context, self._drivers, on_end)

    def _columns_read(self, step: ManifestStep) -> dict[str, frozenset[str]]:
        """What the readers of each output use together, where all of them say so."""
        read: dict[str, frozenset[str] | None] = {}
        for edge in self._edges:
            if edge.from_step == step.id:
                read[edge.output] = _union(read.get(edge.output, frozenset()), self._reads(edge.to_step))
        return {output: columns for output, columns in read.items() if columns is not None}

    def _reads(self, step_id: str) -> frozenset[str] | None:
        step = self._steps[step_id]
        try:
            driver = self._drivers.get(step.component)
        except OsirisError:
            return None  # the step itself will say so
        return driver.columns_read(step.config) if isinstance(driver, ColumnReader) else None

    def _source(self, step: ManifestStep, name: str, channels: Channels) -> Source:
        edge = step.inputs[name]
        key = (edge.step, edge.output)
        if key in channels:
            return channels[key]
        plan = next(plan for plan in self._edges if (plan.to_step, plan.input) == (step.id, name))
        return self._spools[key].reader(plan)

    def _sink(self, step: ManifestStep, output: str, channels: Channels) -> Sink | HandOver:
        key = (step.id, output)
        return channels.get(key) or self._spools.get(key) or Discard()

    def _configure(self, step: ManifestStep) -> dict[str, Any]:
        component = self._registry.get(step.component)
        connection = resolve_connection(step, component, self._resolver)
        if connection is not None and "connection" in step.config:
            self._session.emit(
                ConnectionResolved(
                    step_id=step.id,
                    connection=connection.reference,
                    fields=sorted(connection.fields),
                    secret_sources=connection.secret_sources,
                )
            )
        return driver_config(step, component, connection, self._resolver)


def _union(some: frozenset[str] | None, more: frozenset[str] | None) -> frozenset[str] | None:
    """All of both; None, which stands for every column, stays None."""
    return None if some is None or more is None else some | more
