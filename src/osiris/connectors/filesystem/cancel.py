"""Stops a running query from another thread."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import duckdb


def interrupter(con: duckdb.DuckDBPyConnection) -> Callable[[], None]:
    """A callback that interrupts what `con` is doing, and does nothing once it is closed."""

    def interrupt() -> None:
        with suppress(duckdb.ConnectionException):
            con.interrupt()

    return interrupt
