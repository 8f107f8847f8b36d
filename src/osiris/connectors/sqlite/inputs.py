"""The rows that a writer takes: columns with usable names, values that are what their types say, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice

import pyarrow as pa

from osiris.connectors.sqlite.encoding import value_kind
from osiris.connectors.sqlite.names import folded
from osiris.errors import DataError, PipelineError

_SLICE_ROWS = 8192
"""So many rows are Python objects at a time."""


class Input:
    """A stream of batches; `rows` counts those handed on, `ended` says that it came to its proper end."""

    def __init__(self, source: pa.RecordBatchReader) -> None:
        self.schema: pa.Schema = source.schema
        _refuse_bad_names(self.schema.names)
        _refuse_unkeepable(self.schema)
        self.rows = 0
        self.ended = False
        self._batches: Iterator[pa.RecordBatch] = iter(source)

    def first_batch(self) -> None:
        """Wait until the first batch, or the end, has arrived; what arrived stays in the stream."""
        first = list(islice(self._batches, 1))
        self._batches = chain(first, self._batches)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Batches of a limited number of rows."""
        for batch in self._batches:
            yield from self._slices(batch)
        self.ended = True

    def _slices(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        try:
            batch.validate(full=True)
        except pa.ArrowInvalid as exc:
            raise DataError(
                "DAT017",
                f"The input holds values that are not what their type says: {exc}.",
                hint="Mend the step that makes these rows.",
            ) from exc
        for start in range(0, batch.num_rows, _SLICE_ROWS):
            piece = batch.slice(start, _SLICE_ROWS)
            yield piece
            self.rows += piece.num_rows


def _refuse_bad_names(names: list[str]) -> None:
    if not names or not all(names):
        raise PipelineError(
            "SQL015",
            "The input has no columns, or one without a name.",
            hint="Name its columns in the step before.",
        )
    if any("\0" in name for name in names):
        raise PipelineError(
            "SQL014",
            "The name of a column of the input holds a NUL character.",
            hint="Rename it in the step before.",
        )
    counts = Counter(map(folded, names))
    twins = [name for name in names if counts[folded(name)] > 1]
    if twins:
        raise PipelineError(
            "TGT005",
            f"Columns of the input differ in letter case at most: {', '.join(twins)}.",
            hint="Rename all but one of them in the step before; SQLite puts letter case aside.",
        )


def _refuse_unkeepable(schema: pa.Schema) -> None:
    for field in schema:
        if value_kind(field.type) is None:
            raise PipelineError(
                "TGT012",
                f'SQLite cannot keep the type {field.type} of column "{field.name}" exactly.',
                hint="Make text of it in the step before: to_json(...) of a list or struct, a CAST to "
                "VARCHAR of others.",
            )
