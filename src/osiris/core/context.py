"""What a driver may ask of the run it is part of."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol


class Closeable(Protocol):
    """Anything with a `close` method."""

    def close(self) -> None:
        """Release the resource."""


class ExecutionContext(Protocol):
    """One attempt of one step, as its driver sees it.

    `run_key` names the logical run: a write that the target's ledger already holds under this key has
    happened. `pipeline` and `fingerprint` (of the manifest) complete the ledger's key and its check.
    """

    run_id: str
    run_key: str
    pipeline: str
    fingerprint: str
    step_id: str
    attempt: int
    work_dir: Path
    """Scratch space of this run for spills; emptied when the run ends."""
    logger: logging.Logger
    cancelled: bool

    @property
    def artifacts_dir(self) -> Path:
        """This step's own folder in the session, for files that shall stay."""

    def log_event(self, name: str, **fields: Any) -> None:
        """Write one event; values must be JSON-ready and are redacted."""

    def log_metric(self, name: str, value: float, unit: str | None = None, **tags: Any) -> None:
        """Write one metric; `rows_` and `bytes_` with `read` or `written` feed the summary."""

    def failpoint(self, name: str) -> None:
        """A place where fault tests may strike; does nothing otherwise."""

    def closing(self, resource: Closeable) -> None:
        """Close the resource when the step's last output stream ends, or at failure; last in, first out."""

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Have the callback called from another thread when the step must stop: cancel a query, say."""
