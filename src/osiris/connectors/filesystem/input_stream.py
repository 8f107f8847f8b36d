"""The stream that a writer consumes, as DuckDB can read it: plain column names, errors kept as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from osiris.connectors.duckdb.engine import interrupt, open_engine, quote_identifier, quote_literal
from osiris.core import CountedReader, ExecutionContext, counted
from osiris.errors import DataError

MEMORY_LIMIT = "256MB"

Convert = Callable[[pa.Array], pa.Array]


class InputStream:
    """A counted input whose columns are called c0, c1, ...; `select` is what is written of them.

    An exception of the producer reaches DuckDB through a C interface and comes back as another class, so the
    original is kept.
    """

    def __init__(
        self, source: pa.RecordBatchReader, converts: dict[int, Convert] | None = None, select: str = ""
    ) -> None:
        self._converts = converts or {}
        self._failure: Exception | None = None
        self._counted: CountedReader = counted(source)
        self.schema: pa.Schema = source.schema
        self._select = select or self._renamed()
        fields = [self._field(index, field) for index, field in enumerate(source.schema)]
        self.reader = pa.RecordBatchReader.from_batches(pa.schema(fields), self._batches(pa.schema(fields)))

    @property
    def rows(self) -> int:
        """Rows pulled so far."""
        return self._counted.rows

    def copy(self, part: Path, options: str, ctx: ExecutionContext) -> int:
        """Write all rows to a file; the answer is how many. Raises `DataError` RUN007 if one is missing."""
        con = open_engine(MEMORY_LIMIT, temp_dir=ctx.work_dir)
        ctx.on_cancel(partial(interrupt, con))
        try:
            con.register("source", self.reader)
            sql = f"COPY (SELECT {self._select} FROM source) TO {quote_literal(str(part))} ({options})"
            applied: int = con.execute(sql).fetchall()[0][0]
        except (duckdb.Error, OSError):
            if self._failure is not None:
                raise self._failure from None
            raise
        finally:
            con.close()
        self._check_applied(applied)
        return applied

    def _renamed(self) -> str:
        names = enumerate(self.schema.names)
        return ", ".join(f"c{index} AS {quote_identifier(name)}" for index, name in names)

    def _check_applied(self, applied: int) -> None:
        if not self._counted.ended or applied != self.rows:
            message = f"{self.rows:,} rows were received and {applied:,} written; nothing was published."
            raise DataError(
                "RUN007", message, hint="Run the same command again; if it stays so, report a bug."
            )

    def _field(self, index: int, field: pa.Field) -> pa.Field:
        convert = self._converts.get(index)
        arrow_type = field.type if convert is None else convert(pa.nulls(0, field.type)).type
        return pa.field(f"c{index}", arrow_type)

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._counted.reader:
                _check_valid(batch)
                yield pa.RecordBatch.from_arrays(self._columns(batch), schema=schema)
        except Exception as exc:
            self._failure = exc
            raise

    def _columns(self, batch: pa.RecordBatch) -> list[pa.Array]:
        return [
            self._converts[index](column) if index in self._converts else column
            for index, column in enumerate(batch.columns)
        ]


def _check_valid(batch: pa.RecordBatch) -> None:
    """Refuse what Arrow carries without looking, such as text that is not UTF-8: DuckDB would write it."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as exc:
        hint = "Mend the step that makes these rows."
        raise DataError(
            "DAT017", f"The input holds values that are not what their type says: {exc}.", hint=hint
        ) from exc
