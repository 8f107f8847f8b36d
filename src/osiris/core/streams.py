"""Arrow streams at the edge of a driver: accept any producer, count what passes.

pyarrow is imported inside the functions because `osiris.core` is also read where no data moves (listing
components, checking a pipeline) and start-up time matters there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from osiris.core.lazy_rows import LazyRows

if TYPE_CHECKING:
    import pyarrow as pa

    from osiris.core.driver import ArrowStream

_SOURCE_COLUMNS = b"osiris.source_columns"


def as_reader(stream: ArrowStream | pa.RecordBatchReader) -> pa.RecordBatchReader:
    """A `RecordBatchReader` over any carrier of an Arrow C stream.

    Wrapping is what makes a second scan raise instead of silently giving no rows.
    """
    import pyarrow as pa

    if isinstance(stream, LazyRows):
        return stream.reader()  # not through the C stream: errors would come out as another class
    if isinstance(stream, pa.RecordBatchReader):
        return stream
    return pa.RecordBatchReader.from_stream(stream)


def with_source_columns(schema: pa.Schema, columns: Sequence[str]) -> pa.Schema:
    """The schema of a stream that leaves columns out, with a note of all that its source has."""
    return schema.with_metadata({_SOURCE_COLUMNS: json.dumps(list(columns)).encode()})


def source_columns(schema: pa.Schema) -> tuple[str, ...]:
    """The columns that a stream's source has, also those that the stream leaves out."""
    noted = (schema.metadata or {}).get(_SOURCE_COLUMNS)
    return tuple(json.loads(noted)) if noted else tuple(schema.names)


class CountedReader:
    """A reader that knows how many rows have passed and whether the stream came to its proper end."""

    def __init__(self, source: pa.RecordBatchReader) -> None:
        import pyarrow as pa

        self.rows = 0
        self.ended = False
        self._source = source
        self.reader = pa.RecordBatchReader.from_batches(source.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for batch in self._source:
            self.rows += batch.num_rows
            yield batch
        self.ended = True


def counted(reader: pa.RecordBatchReader) -> CountedReader:
    """Count what a consumer pulls: a writer compares it with the rows applied before it commits."""
    return CountedReader(reader)
