"""One attempt of one step in its own thread: open inputs, run the driver, drain its outputs, settle."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from osiris.components.component import Component
from osiris.components.drivers import DriverRegistry
from osiris.core.streams import as_reader
from osiris.errors import Cancelled, DataError, InternalError, OsirisError, RunError, TargetState
from osiris.manifest import ManifestStep
from osiris.runner.channel import Channel, Sink
from osiris.runner.context import StepContext
from osiris.runner.spool import SpoolReader

if TYPE_CHECKING:
    from collections.abc import Iterable

Source = Channel | SpoolReader


@dataclass(slots=True)
class StepPlan:
    """What one attempt works with; `configure` resolves the connection, in the step's own thread."""

    step: ManifestStep
    component: Component
    configure: Callable[[], Mapping[str, Any]]
    sources: dict[str, Source] = field(default_factory=dict)
    sinks: dict[str, Sink] = field(default_factory=dict)


class StepRun:
    """Carries out one attempt; `error` is None when it ended well."""

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
        self._timed_out: OsirisError | None = None
        self._thread = threading.Thread(target=self._carry_out, name=f"step {plan.step.id}", daemon=True)

    @property
    def step_id(self) -> str:
        """Id of the step."""
        return self.plan.step.id

    def start(self) -> None:
        """Begin; `on_end` is called from the step's thread when it has ended."""
        self._thread.start()

    def stop(self, cause: Cancelled) -> None:
        """Stop the step because of something else."""
        for channel in self._channels():
            channel.poison(cause)
        self.context.cancel()

    def time_out(self, error: OsirisError) -> None:
        """Stop the step because it took too long; this is its own failure."""
        self.error = self._timed_out = error
        self.stop(
            Cancelled(
                "RUN003", f"The step {self.step_id!r} took too long.", details={"because_of": self.step_id}
            )
        )

    @property
    def rows_in(self) -> int:
        """Rows received over all inputs."""
        return sum(source.rows_received for source in self.plan.sources.values())

    @property
    def rows_out(self) -> int:
        """Rows delivered over all outputs."""
        return sum(getattr(sink, "rows_delivered", 0) for sink in self.plan.sinks.values())

    @property
    def already_committed(self) -> bool:
        """Whether the target had this run key already."""
        return "already_committed" in self.context.events

    def _channels(self) -> Iterable[Channel]:
        ends = [*self.plan.sources.values(), *self.plan.sinks.values()]
        return [end for end in ends if isinstance(end, Channel)]

    def _carry_out(self) -> None:
        began = time.monotonic()
        try:
            self._run()
        except OsirisError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - the edge of a driver's thread: whatever it raises must be reported
            self._fail(_foreign(error))
        finally:
            self._settle()
            self.duration_ms = round((time.monotonic() - began) * 1000)
            self._on_end(self)

    def _run(self) -> None:
        self.context.failpoint("step.before_run")
        driver = self._drivers.get(self.plan.step.component)
        config = self.plan.configure()
        inputs = self._inputs()
        outputs = driver.run(step_id=self.step_id, config=config, inputs=inputs or None, ctx=self.context)
        self._drain(self._declared(outputs))
        self.context.release()
        self._reconcile()

    def _inputs(self) -> dict[str, Any]:
        readers = {name: source.reader() for name, source in self.plan.sources.items()}
        runtime = self.plan.component.spec.runtime
        if runtime is not None and runtime.inputs == "pandas":
            return {name: _as_frame(reader) for name, reader in readers.items()}
        return readers

    def _declared(self, outputs: Mapping[str, Any] | None) -> dict[str, pa.RecordBatchReader]:
        declared = self.plan.component.spec.outputs
        given = outputs or {}
        if set(given) != set(declared):
            message = f"The driver gave the outputs {sorted(given)}; its spec declares {sorted(declared)}."
            raise InternalError("RUN005", message)
        return {name: as_reader(given[name]) for name in declared}

    def _drain(self, readers: Mapping[str, pa.RecordBatchReader]) -> None:
        for name, reader in readers.items():
            self.plan.sinks[name].open(reader.schema)
        for name, reader in readers.items():
            sink = self.plan.sinks[name]
            for batch in reader:
                if not sink.put(batch):
                    break
            else:
                sink.end()

    def _reconcile(self) -> None:
        """No edge lost a row; a writer has read everything and applied what it read."""
        for source in self.plan.sources.values():
            check_edge(source)
        if self.plan.component.spec.outputs or self.already_committed:
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

    def _fail(self, error: OsirisError) -> None:
        self.traceback = traceback.format_exc()
        upstream = next((channel.cause for channel in self._channels() if channel.cause is not None), None)
        if self._timed_out is not None:
            error = self._timed_out
        elif upstream is not None and not isinstance(error, Cancelled):
            error = upstream
        self.error = error

    def _settle(self) -> None:
        """Release resources and both sides of the edges; a failure here counts only where there was none."""
        try:
            self.context.release()
        except OsirisError as error:
            self.error = self.error or error
        except Exception as error:  # noqa: BLE001 - closing a foreign resource may raise anything
            self.error = self.error or _foreign(error)
        cause = self._cause()
        for source in self.plan.sources.values():
            if cause is not None and isinstance(source, Channel):
                source.poison(cause)
            source.close()
        for sink in self.plan.sinks.values():
            if cause is not None and isinstance(sink, Channel):
                sink.poison(cause)

    def _cause(self) -> Cancelled | None:
        if self.error is None:
            return None
        if isinstance(self.error, Cancelled):
            return self.error
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
    import pandas as pd

    return reader.read_pandas(types_mapper=pd.ArrowDtype)


def _foreign(error: Exception) -> OsirisError:
    text = str(error).strip().splitlines()
    detail = f": {text[0]}" if text else ""
    message = f"The driver failed with {type(error).__name__}{detail}"
    hint = "The traceback is in the session's events.jsonl."
    return RunError("RUN001", message if message.endswith(".") else message + ".", hint=hint)
