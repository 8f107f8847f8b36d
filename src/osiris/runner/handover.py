"""A fused edge: lazy rows go from one step to the next, and the last one carries out the work of all.

The producer waits until the consumer has done the work, so that both end, fail and are retried as they would
with batches between them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import asdict

import pyarrow as pa

from osiris.core.lazy_rows import LazyRows
from osiris.errors import Cancelled, OsirisError
from osiris.runner.regions import EdgePlan
from osiris.session import EdgeProgress


class HandOver:
    """One edge between two threads that carries rows which nobody has read yet."""

    def __init__(self, edge: EdgePlan) -> None:
        self.edge = edge
        self.rows_delivered = 0
        self.rows_received = 0
        self.bytes = 0
        self.bytes_received = 0
        self.ended = False
        self.closed_early = False
        self.cause: Cancelled | None = None
        self.blamed: OsirisError | None = None
        self.upstream: list[HandOver] = []
        """The fused edges into the producer; they must hear whom to blame before anybody is stopped."""
        self._rows: LazyRows | pa.RecordBatchReader | None = None
        self._changed = threading.Condition()

    def pass_on(self, rows: LazyRows | pa.RecordBatchReader) -> None:
        """The producer's side: hand the rows over and wait for the end of the work.

        Raises what went wrong on the producer's behalf, or why the work was stopped.
        """
        with self._changed:
            self._rows = rows
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.ended or self.blamed or self.cause)
            if failure := self.blamed or self.cause:
                raise failure

    def reader(self) -> LazyRows | pa.RecordBatchReader:
        """The consumer's side; waits until the producer has handed the rows over."""
        with self._changed:
            self._changed.wait_for(lambda: self._rows is not None or self.cause is not None)
            if self.cause is not None:
                raise self.cause
            return self._rows

    def done(self, rows: int) -> None:
        """The consumer's side: the work is done, and so many rows have passed, as far as it knows."""
        with self._changed:
            self.count(rows)
            self.ended = True
            self._changed.notify_all()

    def count(self, rows: int) -> None:
        """So many rows have passed; the larger number is right where one side does not know."""
        self.rows_delivered = self.rows_received = max(rows, self.rows_received)

    def blame(self, error: OsirisError) -> None:
        """The consumer's side: the work failed on behalf of the producer, or of a step before it."""
        for edge in self.upstream:
            edge.blame(error)
        with self._changed:
            self.blamed = self.blamed or error
            self._changed.notify_all()

    def poison(self, cause: Cancelled) -> None:
        """Stop both sides; the first cause stays."""
        with self._changed:
            self.cause = self.cause or cause
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing to say: the consumer has come to the end first."""

    def close(self) -> None:
        """Nothing to release: the rows are the producer's."""

    def progress(self) -> EdgeProgress:
        """What is known of the edge; safe to call from any thread."""
        return EdgeProgress(**asdict(self.edge), rows=self.rows_received)


def link_fused(edges: Iterable[object]) -> None:
    """Tell each fused edge which fused edges lead to its producer."""
    fused = [edge for edge in edges if isinstance(edge, HandOver)]
    for edge in fused:
        edge.upstream = [other for other in fused if other.edge.to_step == edge.edge.from_step]
