"""Rows that have not begun to move: whoever reads them can first say how."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import pyarrow as pa


class LazyRows(ABC):
    """What a driver may give as an output in place of a stream.

    The runner asks it for the columns that the readers of the output can use, where they say so, and then
    for its rows.
    """

    @abstractmethod
    def project(self, columns: Collection[str]) -> Self:
        """The same rows with those of its columns whose folded name (ASCII letters in lower case) is given.

        At least one column stays. The rows of the stream that it gives then still tell, by
        `osiris.core.source_columns`, which columns there were.
        """

    @abstractmethod
    def reader(self) -> pa.RecordBatchReader:
        """The rows as a stream, to be read once."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The stream for readers that know nothing of lazy rows."""
        stream: object = self.reader().__arrow_c_stream__(requested_schema)
        return stream
