"""A streamed edge: a bounded hand-over of Arrow batches from one step's thread to another's.

The end of the stream is a message of its own: a reader that ends without it fails. A failure on either side
travels to the other as `Cancelled`; the step that raised keeps its own exception.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Literal, Protocol

import pyarrow as pa

from osiris.errors import Cancelled
from osiris.runner.regions import EdgePlan
from osiris.session import EdgeProgress

CHANNEL_BYTES = 16 * 1_048_576

_BATCH_BYTES = 1024
"""What a batch costs beside its data, so that many tiny ones are bounded too."""


class Sink(Protocol):
    """Where a step's thread puts the batches of one output, and how many rows and bytes it has put there."""

    rows_delivered: int
    bytes: int

    def open(self, schema: pa.Schema) -> None:
        """Say which schema the batches have."""

    def put(self, batch: pa.RecordBatch) -> bool:
        """Hand over a batch; False when the reader wants no more."""

    def end(self) -> None:
        """Say that all batches were handed over."""

    def poison(self, cause: Cancelled) -> None:
        """Say that there will be no end."""


def drain(reader: pa.RecordBatchReader, sink: Sink) -> bool:
    """Put all batches; False when the sink's reader wants no more."""
    sink.open(reader.schema)
    return all(map(sink.put, reader))


class Wait:
    """How long one side of an edge has waited, the wait that goes on included."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._since: float | None = None

    @property
    def goes_on(self) -> bool:
        """Whether the side waits at this moment."""
        return self._since is not None

    @property
    def milliseconds(self) -> int:
        """All waits together."""
        going_on = 0.0 if self._since is None else time.monotonic() - self._since
        return round((self._seconds + going_on) * 1000)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """The block is a wait."""
        self._since = began = time.monotonic()
        try:
            yield
        finally:
            self._since = None
            self._seconds += time.monotonic() - began


class Channel:
    """One edge between two threads; `put` waits while more than `limit_bytes` are under way."""

    def __init__(self, edge: EdgePlan, limit_bytes: int = CHANNEL_BYTES) -> None:
        self.edge = edge
        self.rows_delivered = 0
        self.rows_received = 0
        self.bytes = 0
        self.bytes_received = 0
        self.ended = False
        self.closed_early = False
        self.cause: Cancelled | None = None
        self._producer = Wait()
        self._consumer = Wait()
        self._limit = limit_bytes
        self._held = 0
        self._schema: pa.Schema | None = None
        self._batches: deque[pa.RecordBatch] = deque()
        self._end_sent = False
        self._changed = threading.Condition()

    def open(self, schema: pa.Schema) -> None:
        with self._changed:
            self._schema = schema
            self._changed.notify_all()

    def put(self, batch: pa.RecordBatch) -> bool:
        size = batch.nbytes + _BATCH_BYTES
        with self._changed:
            self._wait(
                self._producer,
                lambda: self._held == 0 or self._held + size <= self._limit or self._is_over,
            )
            if self.cause is not None:
                raise self.cause
            if self.closed_early:
                return False
            self._batches.append(batch)
            self._held += size
            self.bytes += batch.nbytes
            self.rows_delivered += batch.num_rows
            self._changed.notify_all()
        return True

    def end(self) -> None:
        with self._changed:
            self._end_sent = True
            self._changed.notify_all()

    def reader(self) -> pa.RecordBatchReader:
        """The consumer's side; waits until the producer has said its schema."""
        with self._changed:
            self._wait(self._consumer, lambda: self._schema is not None or self._is_over)
            if self._schema is None:
                raise self.cause or Cancelled("RUN003", "The edge was closed before it was opened.")
            schema = self._schema
        return pa.RecordBatchReader.from_batches(schema, self._received())

    def close(self) -> None:
        """The consumer wants no more; legal for a step that does not need all rows."""
        with self._changed:
            self.closed_early = self.closed_early or not self.ended
            self._batches.clear()
            self._held = 0
            self._changed.notify_all()

    def poison(self, cause: Cancelled) -> None:
        """Stop both sides; the first cause stays."""
        with self._changed:
            self.cause = self.cause or cause
            self._changed.notify_all()

    def progress(self) -> EdgeProgress:
        """How the edge stands; safe to call from any thread."""
        with self._changed:
            return EdgeProgress(
                **asdict(self.edge),
                rows=self.rows_received,
                bytes=self.bytes_received,
                producer_wait_ms=self._producer.milliseconds,
                consumer_wait_ms=self._consumer.milliseconds,
                waiting=self._waiting,
                filled=self._held / self._limit,
            )

    @property
    def _waiting(self) -> Literal["producer", "consumer"] | None:
        if self._producer.goes_on:
            return "producer"
        return "consumer" if self._consumer.goes_on else None

    @property
    def _is_over(self) -> bool:
        return self.cause is not None or self.closed_early

    def _received(self) -> Iterator[pa.RecordBatch]:
        while (batch := self._next()) is not None:
            yield batch

    def _next(self) -> pa.RecordBatch | None:
        with self._changed:
            self._wait(self._consumer, lambda: bool(self._batches) or self._end_sent or self._is_over)
            if self.cause is not None:
                raise self.cause
            if not self._batches:
                self.ended = self._end_sent
                return None
            batch = self._batches.popleft()
            self._held -= batch.nbytes + _BATCH_BYTES
            self.rows_received += batch.num_rows
            self.bytes_received += batch.nbytes
            self._changed.notify_all()
            return batch

    def _wait(self, side: Wait, ready: Callable[[], bool]) -> None:
        """Wait under the lock; a side that need not wait does not look at the clock."""
        if not ready():
            with side.counted():
                self._changed.wait_for(ready)


class Discard:
    """The sink of an output that no step reads: its rows are counted and dropped."""

    def __init__(self) -> None:
        self.rows_delivered = 0
        self.bytes = 0

    def open(self, schema: pa.Schema) -> None:
        pass

    def put(self, batch: pa.RecordBatch) -> bool:
        self.rows_delivered += batch.num_rows
        self.bytes += batch.nbytes
        return True

    def end(self) -> None:
        pass

    def poison(self, cause: Cancelled) -> None:
        pass
