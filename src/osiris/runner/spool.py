"""A spooled edge: compressed Arrow IPC in the run's work folder, written once, read by each consumer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from osiris.errors import Cancelled, InternalError
from osiris.runner.regions import EdgePlan
from osiris.session import EdgeProgress

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class Spool:
    """One output on disk; the file goes when its last reader is done."""

    def __init__(self, folder: Path, step_id: str, output: str, readers: int) -> None:
        self._file = folder / f"{step_id}.{output}.arrow"
        self._readers = readers
        self._sink: pa.OSFile | None = None
        self._writer: pa.ipc.RecordBatchStreamWriter
        self.rows_delivered = 0
        self.bytes = 0
        self.complete = False

    def open(self, schema: pa.Schema) -> None:
        self.close()  # that of an attempt before
        self.rows_delivered = self.bytes = 0
        self._sink = pa.OSFile(str(self._file), "wb")
        self._writer = pa.ipc.new_stream(self._sink, schema, options=_OPTIONS)

    def put(self, batch: pa.RecordBatch) -> bool:
        self._writer.write_batch(batch)
        self.rows_delivered += batch.num_rows
        self.bytes += batch.nbytes
        return True

    def end(self) -> None:
        self.close()
        self.complete = True

    def poison(self, cause: Cancelled) -> None:
        with suppress(OSError):  # a disk that is full cannot take the end of a file that nobody will read
            self.close()

    def close(self) -> None:
        """Release the file; a second call does nothing."""
        if self._sink is not None and not self._sink.closed:
            try:
                self._writer.close()
            finally:
                self._sink.close()

    def reader(self, edge: EdgePlan) -> SpoolReader:
        """One consumer's side."""
        if not self.complete:
            raise InternalError(
                "RUN007", f"The output {edge.output!r} of {edge.from_step!r} is not complete."
            )
        return SpoolReader(self, edge, self._file)

    def release(self) -> None:
        """One reader is done for good."""
        self._readers -= 1
        if self._readers <= 0:
            self._file.unlink(missing_ok=True)


class SpoolReader:
    """One consumer's pass over a spool, counted like a channel."""

    def __init__(self, spool: Spool, edge: EdgePlan, file: Path) -> None:
        self.edge = edge
        self.rows_delivered = spool.rows_delivered
        self.rows_received = 0
        self.bytes = spool.bytes
        self.bytes_received = 0
        self.ended = False
        self.closed_early = False
        self._source = pa.OSFile(str(file), "rb")
        self._stream = pa.ipc.open_stream(self._source)

    def reader(self) -> pa.RecordBatchReader:
        """The rows, from the beginning."""
        return pa.RecordBatchReader.from_batches(self._stream.schema, self._received())

    def progress(self) -> EdgeProgress:
        """How far the consumer has read; safe to call from any thread."""
        return EdgeProgress(**asdict(self.edge), rows=self.rows_received, bytes=self.bytes_received)

    def poison(self, cause: Cancelled) -> None:
        """Nothing to say: the producer ended before this reader began."""

    def close(self) -> None:
        """The consumer wants no more."""
        self.closed_early = self.closed_early or not self.ended
        self._source.close()

    def _received(self) -> Iterator[pa.RecordBatch]:
        for batch in self._stream:
            self.rows_received += batch.num_rows
            self.bytes_received += batch.nbytes
            yield batch
        self.ended = True
