"""An execution context that remembers what a driver said."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from osiris.core import Closeable


class RecordingContext:
    """Fulfils `ExecutionContext`; `events` and `metrics` hold what was logged, in order.

    `failpoints` maps a name to what happens there. Call `finish()` where the runner would release a step's
    resources, `cancel()` where it would stop the step.
    """

    def __init__(self, folder: Path, *, run_key: str = "key-1", step_id: str = "step") -> None:
        self.run_id = "run_test"
        self.run_key = run_key
        self.pipeline = "test_pipeline"
        self.fingerprint = "sha256:" + "0" * 64
        self.step_id = step_id
        self.attempt = 1
        self.artifacts_dir = folder / "artifacts" / step_id
        self.work_dir = folder / "work"
        self.logger = logging.getLogger(f"osiris.test.{step_id}")
        self.cancelled = False
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.metrics: list[tuple[str, float, str | None, dict[str, Any]]] = []
        self.failpoints: dict[str, Callable[[], None]] = {}
        self._resources: list[Closeable] = []
        self._on_cancel: list[Callable[[], None]] = []
        self.artifacts_dir.mkdir(parents=True, exist_ok=True)
        self.work_dir.mkdir(parents=True, exist_ok=True)

    def log_event(self, name: str, **fields: Any) -> None:
        self.events.append((name, fields))

    def log_metric(self, name: str, value: float, unit: str | None = None, **tags: Any) -> None:
        self.metrics.append((name, value, unit, tags))

    def failpoint(self, name: str) -> None:
        self.failpoints.get(name, lambda: None)()

    def closing(self, resource: Closeable) -> None:
        self._resources.append(resource)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        self._on_cancel.append(callback)

    def metric(self, name: str) -> float:
        """The sum of all values logged under a metric's name."""
        return sum(value for metric, value, _, _ in self.metrics if metric == name)

    def event(self, name: str) -> dict[str, Any]:
        """The fields of the last event of this name; `KeyError` when there is none."""
        return dict(self.events)[name]

    def finish(self) -> None:
        """Close what the driver handed over, last in, first out."""
        while self._resources:
            self._resources.pop().close()

    def cancel(self) -> None:
        """Tell the driver to stop."""
        self.cancelled = True
        for callback in self._on_cancel:
            callback()
