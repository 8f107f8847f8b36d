"""One attempt of one step in its own thread: open inputs, run the driver, drain its outputs, settle."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from osiris.components.component import Component
from osiris.components.drivers import DriverRegistry
from osiris.core.lazy_rows import LazyRows
from osiris.core.streams import as_reader
from osiris.errors import Cancelled, DataError, InternalError, OsirisError, PipelineError, TargetState
from osiris.manifest import ManifestStep
from osiris.runner.channel import Channel, Sink, drain
from osiris.runner.context import StepContext
from osiris.runner.failures import driver_failure
from osiris.runner.handover import HandOver
from osiris.runner.spool import SpoolReader
from osiris.session import StepState

if TYPE_CHECKING:
    from collections.abc import Iterable

Source = Channel | SpoolReader | HandOver


@dataclass(slots=True)
class StepPlan:
    """What one attempt works with; `configure` resolves the connection, in the step's own thread."""

    step: ManifestStep
    component: Component
    configure: Callable[[], Mapping[str, Any]]
    sources: dict[str, Source] = field(default_factory=dict)
    columns_read: dict[str, frozenset[str]] = field(default_factory=dict)
    """By output: the folded names of all columns that its readers use, where they say so."""
    fused_into: str | None = None
    """The step whose statement does the work of this one, if another one does."""
    sinks: dict[str, Sink | HandOver] = field(default_factory=dict)


class StepRun:
    """Carries out one attempt; `error` is None when it ended well.

    Its own thread and the region's meet under a lock: whichever comes first decides how the attempt ended.
    """

    def __init__(
        self,
        plan: StepPlan,
        context: StepContext,
        drivers: DriverRegistry,
        on_end: Callable[[StepRun], None],
    ) -> None:
        self.plan = plan
        self.context = context
        self.error: OsirisError | None = None
        self.traceback = ""
        self.duration_ms = 0
        self._drivers = drivers
        self._on_end = on_end
        self._told: OsirisError | None = None
        self._started_at: float | None = None
        self._began = False
        self._wrote = False
        self._over = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._carry_out, name=f"step {plan.step.id}", daemon=True)

    @property
    def step_id(self) -> str:
        """Id of the step."""
        return self.plan.step.id

    def start(self) -> None:
        """Begin; `on_end` is called from the step's thread when it has ended."""
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the end, at most so long."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, seconds))

    def stop(self, cause: Cancelled) -> None:
        """Stop the step because of something else."""
        self._tell(cause, cause)

    def time_out(self, error: OsirisError) -> None:
        """Stop the step because it took too long; this is its own failure."""
        message = f"The step {self.step_id!r} took too long."
        self._tell(error, Cancelled("RUN003", message, details={"because_of": self.step_id}))

    def give_up(self) -> bool:
        """Leave a step that does not stop; False where it has ended after all.

        What it still does changes nothing in the session. What it does to a target cannot be known.
        """
        with self._lock:
            if self._over or self._thread.ident is None:
                return False
            self.error = self._told if self.has_timed_out else self._did_not_stop()
            self._end()
        if self._writes and self.error is not None:
            self.error.target = TargetState.UNKNOWN
        self.context.abandon()
        return True

    @property
    def has_timed_out(self) -> bool:
        """Whether its time was up before it had ended."""
        return self._told is not None and not isinstance(self._told, Cancelled)

    @property
    def has_written(self) -> bool:
        """Whether this is a writer whose driver has done its work."""
        return self._wrote

    @property
    def rows_in(self) -> int:
        """Rows received over all inputs."""
        return sum(source.rows_received for source in self.plan.sources.values())

    @property
    def rows_out(self) -> int:
        """Rows delivered over all outputs."""
        return sum(sink.rows_delivered for sink in self.plan.sinks.values())

    @property
    def bytes_in(self) -> int:
        """Arrow bytes received over all inputs."""
        return sum(source.bytes_received for source in self.plan.sources.values())

    @property
    def bytes_out(self) -> int:
        """Arrow bytes delivered over all outputs."""
        return sum(sink.bytes for sink in self.plan.sinks.values())

    @property
    def state(self) -> StepState:
        """How the attempt stands, or how it ended."""
        if not self._over:
            return StepState.RUNNING
        if self.error is not None:
            return StepState.CANCELLED if isinstance(self.error, Cancelled) else StepState.FAILED
        return StepState.ALREADY_COMMITTED if self.already_committed else StepState.COMPLETE

    @property
    def elapsed_ms(self) -> int:
        """How long the attempt takes, or took."""
        if self._over or self._started_at is None:
            return self.duration_ms
        return round((time.monotonic() - self._started_at) * 1000)

    @property
    def already_committed(self) -> bool:
        """Whether the target had this run key already."""
        return "already_committed" in self.context.events

    def _did_not_stop(self) -> Cancelled:
        details = self._told.details if self._told else {}
        return Cancelled("RUN003", f"The step {self.step_id!r} did not stop.", details=details)

    @property
    def _writes(self) -> bool:
        return self.plan.step.mode == "write"

    def _tell(self, reason: OsirisError, cause: Cancelled) -> None:
        """Make both sides of each edge and the driver stop; the first reason stays."""
        with self._lock:
            if self._over:
                return
            self._told = self._told or reason
        for channel in self._channels():
            channel.poison(cause)
        self.context.cancel()

    def _channels(self) -> Iterable[Channel | HandOver]:
        ends = [*self.plan.sources.values(), *self.plan.sinks.values()]
        return [end for end in ends if isinstance(end, Channel | HandOver)]

    @property
    def _taken_over(self) -> list[HandOver]:
        """The inputs that this step itself must read."""
        return [source for source in self.plan.sources.values() if isinstance(source, HandOver)]

    def _carry_out(self) -> None:
        self._started_at = time.monotonic()
        error: OsirisError | None = None
        trace = ""
        try:
            self._run()
        except BaseException as failure:  # noqa: BLE001 - the edge of a driver's thread: even its sys.exit() is a failure
            error, trace = self._explained(failure), traceback.format_exc()
        else:
            error = self._told if self.has_timed_out and not self._writes else None
        self._settle(error)
        with self._lock:
            if self._over:
                return
            self.error, self.traceback = error, trace
            self._end()
        self._on_end(self)

    def _end(self) -> None:
        """Over, last of all: who looks from another thread must find the rest as it stays."""
        self.duration_ms = self.elapsed_ms
        self._over = True

    def _run(self) -> None:
        self.context.failpoint("step.before_run")
        driver = self._drivers.get(self.plan.step.component)
        config = self.plan.configure()
        inputs = self._inputs()
        self._began = True
        outputs = driver.run(step_id=self.step_id, config=config, inputs=inputs or None, ctx=self.context)
        self._wrote = self._writes
        complete = self._deliver(self._declared(outputs))
        self.context.release()
        self._account()
        self._reconcile()
        for sink in complete:  # last of all: a reader that sees the end may commit
            sink.end()

    def _inputs(self) -> dict[str, Any]:
        readers = {name: source.reader() for name, source in self.plan.sources.items()}
        runtime = self.plan.component.spec.runtime
        if runtime is not None and runtime.inputs == "pandas":
            return {name: _as_frame(reader) for name, reader in readers.items()}
        return readers

    def _declared(self, outputs: Mapping[str, Any] | None) -> dict[str, Any]:
        declared = self.plan.component.spec.outputs
        given = outputs or {}
        if set(given) != set(declared):
            message = f"The driver gave the outputs {sorted(given)}; its spec declares {sorted(declared)}."
            raise InternalError("RUN005", message)
        return {name: self._projected(name, given[name]) for name in declared}

    def _projected(self, output: str, stream: Any) -> Any:
        columns = self.plan.columns_read.get(output)
        return stream if columns is None or not isinstance(stream, LazyRows) else stream.project(columns)

    def _deliver(self, streams: Mapping[str, Any]) -> list[Sink]:
        """Hand over all rows; the sinks that took every batch, their end still to be said."""
        complete = []
        for name, stream in streams.items():
            sink = self.plan.sinks[name]
            if isinstance(sink, HandOver):
                sink.pass_on(stream if isinstance(stream, LazyRows) else as_reader(stream))
            elif drain(as_reader(stream), sink):
                complete.append(sink)
        return complete

    def _account(self) -> None:
        """Say along fused edges how many rows there were: those that a source read, or a writer wrote."""
        metrics = self.context.metrics
        for sink in self.plan.sinks.values():
            if isinstance(sink, HandOver):
                sink.count(int(metrics.get("rows_read", 0)))
        for source in self._taken_over:
            source.done(int(metrics.get("rows_written", 0)))

    def _reconcile(self) -> None:
        """No edge lost a row; a writer has read everything and applied what it read."""
        for source in self.plan.sources.values():
            check_edge(source)
        if not self._writes or self.already_committed:
            return
        for name, source in self.plan.sources.items():
            if not source.ended:
                raise DataError(
                    "RUN007", f"The writer ended before its input {name!r} had.", target=TargetState.COMMITTED
                )
        written = self.context.metrics.get("rows_written")
        if written is not None and self.plan.sources and int(written) != self.rows_in:
            message = f"{self.rows_in} rows were received but {int(written)} were written."
            raise DataError("RUN007", message, target=TargetState.COMMITTED)

    def _explained(self, failure: BaseException) -> OsirisError:
        """What the step's end is put down to: its own failure, or what it was stopped by.

        A failure that says something about the target is never hidden behind its cause.
        """
        told = self._told or next((c.cause for c in self._channels() if c.cause is not None), None)
        own = driver_failure(failure, self._target_after_unknown())
        if own.where.step_id not in (None, self.step_id):
            return self._passed_on(own)
        if any(isinstance(s, HandOver) and s.blamed is own for s in self.plan.sinks.values()):
            return own
        if self._wrote:
            own.target = TargetState.COMMITTED
        elif told is not None and (
            own.target is TargetState.UNCHANGED or not isinstance(failure, OsirisError)
        ):
            return told
        return own

    def _passed_on(self, error: OsirisError) -> OsirisError:
        """The failure of a step whose work this one did: that step gets it, and this one is stopped by it."""
        for source in self._taken_over:
            source.blame(error)
        step_id = error.where.step_id
        return Cancelled(
            "RUN003", f"Stopped because the step {step_id!r} failed.", details={"because_of": step_id}
        )

    def _target_after_unknown(self) -> TargetState:
        """A writer that fails with an error it does not know cannot know its target either."""
        return TargetState.UNKNOWN if self._writes and self._began else TargetState.UNCHANGED

    def _settle(self, error: OsirisError | None) -> None:
        """Release resources and both sides of the edges; what that raises comes too late to count."""
        cause = self._cause(error)
        acts = [self.context.release]
        if cause is not None:
            acts += [
                partial(end.poison, cause) for end in (*self.plan.sources.values(), *self.plan.sinks.values())
            ]
        for act in (*acts, *(source.close for source in self.plan.sources.values())):
            with suppress(BaseException):
                act()

    def _cause(self, error: OsirisError | None) -> Cancelled | None:
        if error is None or isinstance(error, Cancelled):
            return error
        message = f"Stopped because the step {self.step_id!r} failed."
        return Cancelled("RUN003", message, details={"because_of": self.step_id})


def check_edge(source: Source) -> None:
    """Raise `InternalError` RUN007 where an edge that came to its end lost or gained rows."""
    if source.ended and source.rows_delivered != source.rows_received:
        edge = source.edge
        sent, got = source.rows_delivered, source.rows_received
        message = f"{sent} rows left {edge.from_step!r} but {got} arrived at {edge.to_step!r}."
        raise InternalError("RUN007", message)


def _as_frame(reader: pa.RecordBatchReader) -> Any:
    """A DataFrame whose columns keep their Arrow types: numpy would turn integers with NULLs into floats."""
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        hint = "Install it: pip install 'osiris-etl[pandas]'."
        raise PipelineError(
            "CMP006", "The driver takes DataFrames, and pandas is not there.", hint=hint
        ) from error
    return reader.read_pandas(types_mapper=pd.ArrowDtype)
