"""The execution context that the runner gives to a driver."""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from osiris.core.context import Closeable
from osiris.errors import InternalError
from osiris.session import Session
from osiris.session.events import DRIVER_EVENTS, DriverEvent, Event, LogLine

FAILPOINTS = "OSIRIS_FAILPOINTS"
"""Environment variable for fault tests: `name=kill` or `name=raise`, several joined by commas."""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What all steps of a run share; the ledger's key and its check."""

    run_id: str
    run_key: str
    pipeline: str
    fingerprint: str


class StepContext:
    """One attempt of one step; fulfils `osiris.core.ExecutionContext`."""

    def __init__(
        self, session: Session, identity: RunIdentity, step_id: str, attempt: int, work_dir: Path
    ) -> None:
        self.run_id = identity.run_id
        self.run_key = identity.run_key
        self.pipeline = identity.pipeline
        self.fingerprint = identity.fingerprint
        self.step_id = step_id
        self.attempt = attempt
        self.work_dir = work_dir
        self.cancelled = False
        self.metrics: dict[str, float] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.logger = self._make_logger()
        self._session = session
        self._resources: list[Closeable] = []
        self._on_cancel: list[Callable[[], None]] = []
        self._abandoned = False
        self._lock = threading.Lock()

    @property
    def artifacts_dir(self) -> Path:
        """This step's folder in the session, made on first use."""
        return self._session.step_artifacts(self.step_id)

    def log_event(self, name: str, **fields: Any) -> None:
        self.events[name] = fields
        self._emit(self._typed_event(name, fields))

    def log_metric(self, name: str, value: float, unit: str | None = None, **tags: Any) -> None:
        if not math.isfinite(value):
            raise InternalError("INT001", f"The driver's metric {name!r} is {value}, which is no measure.")
        with self._lock:
            self.metrics[name] = self.metrics.get(name, 0) + value
        if not self._abandoned:
            self._session.measure(name, value, unit, step_id=self.step_id, tags=tags)

    def failpoint(self, name: str) -> None:
        for entry in filter(None, os.environ.get(FAILPOINTS, "").split(",")):
            point, _, action = entry.partition("=")
            if point == name:
                _strike(name, action)

    def closing(self, resource: Closeable) -> None:
        with self._lock:
            self._resources.append(resource)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        with self._lock:
            self._on_cancel.append(callback)
            call_now = self.cancelled
        if call_now:
            callback()

    def cancel(self) -> None:
        """Tell the driver to stop; a second call does nothing.

        The callbacks are a driver's own code, which may fail or block: they get a thread of their own.
        """
        with self._lock:
            callbacks = [] if self.cancelled else list(self._on_cancel)
            self.cancelled = True
        if callbacks:
            threading.Thread(target=self._call, args=(callbacks,), name="cancel", daemon=True).start()

    def abandon(self) -> None:
        """Write nothing more on behalf of the driver."""
        self._abandoned = True

    def release(self) -> None:
        """Close what the driver handed over, last in, first out; a second call does nothing.

        All are closed, whatever one of them raises.
        """
        with self._lock:
            resources, self._resources = self._resources, []
        with ExitStack() as stack:
            for resource in resources:
                stack.callback(resource.close)

    def _typed_event(self, name: str, fields: dict[str, Any]) -> Event:
        placed = {"step_id": self.step_id, "attempt": self.attempt}
        model = DRIVER_EVENTS.get(name)
        if model is None:
            return DriverEvent(name=name, fields=fields, **placed)
        try:
            return model.model_validate(fields | placed)
        except ValidationError as error:
            message = f"The driver's event {name!r} lacks or misuses {error.errors()[0]['loc']}."
            raise InternalError("INT001", message) from error

    def _make_logger(self) -> logging.Logger:
        # A logger of its own, outside the tree: other handlers would bypass the session's redaction.
        logger = logging.Logger(f"osiris.step.{self.step_id}")  # noqa: LOG001
        logger.addHandler(_ToSession(self))
        return logger

    def _emit(self, event: Event) -> None:
        if not self._abandoned:
            self._session.emit(event)

    def _call(self, callbacks: list[Callable[[], None]]) -> None:
        for callback in callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - foreign code; the step must be stopped all the same
                self.write_log("warning", f"on_cancel failed with {type(error).__name__}: {error}")

    def write_log(self, level: str, message: str) -> None:
        """One line of the driver's log, as an event."""
        self._emit(LogLine(step_id=self.step_id, attempt=self.attempt, level=level, message=message))


class _ToSession(logging.Handler):
    def __init__(self, context: StepContext) -> None:
        super().__init__()
        self._context = context

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - a log call with wrong arguments must not end a step
            text = f"{record.msg} {record.args}"
        self._context.write_log(record.levelname.lower(), text)


def _strike(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise InternalError("INT001", f"Failpoint {name} was told to fail here.")
