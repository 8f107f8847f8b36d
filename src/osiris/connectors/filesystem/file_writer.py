"""Writes one stream to one file, whatever the format: stage, reconcile, publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from osiris.connectors.duckdb.sql_rows import SqlRows
from osiris.connectors.filesystem.input_stream import Convert, InputStream
from osiris.connectors.filesystem.os_errors import write_failure
from osiris.connectors.filesystem.publish import Publication
from osiris.connectors.filesystem.sidecar import Sidecar, columns_of, sha256_of
from osiris.connectors.filesystem.sql_input import SqlInput
from osiris.core import ExecutionContext, as_reader
from osiris.errors import DataError


class WriterInput(Protocol):
    """The rows to write, in whichever form they come."""

    schema: pa.Schema

    def copy(self, part: Path, options: str, ctx: ExecutionContext) -> int:
        """Have DuckDB write all rows to a file, with options of its COPY; the answer is how many."""


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format's name and the COPY options that make a file of it."""

    name: str
    copy_options: str
    holds_rows: Callable[[Path], bool]


def already_committed(publication: Publication, ctx: ExecutionContext) -> bool:
    """Whether this run key has published the file before; then nothing is to be written."""
    rows = publication.committed_rows()
    if rows is None:
        return False
    ctx.log_event("already_committed", target=publication.name, rows=rows)
    return True


def write_file(
    publication: Publication,
    source: WriterInput,
    form: FileFormat,
    ctx: ExecutionContext,
    *,
    allow_empty: bool,
    write_mode: str,
) -> None:
    """Replace the target with the rows of `source`, completely or not at all, and say what was written."""
    name = publication.name
    with publication.staged() as part:
        applied = _copy(source, part, name, form, ctx)
        if applied == 0 and not allow_empty:
            _refuse_emptying(publication, form)
        publication.check_folder()
        sidecar = _sidecar(part, applied, source, form, ctx)
        publication.publish(sidecar)
    ctx.log_event(
        "target_written", target="file", path=name, rows=applied, bytes=sidecar.size, write_mode=write_mode
    )
    ctx.log_metric("rows_written", applied)
    ctx.log_metric("bytes_written", sidecar.size, "bytes")


def writer_input(
    given: pa.RecordBatchReader | SqlRows, converts: dict[int, Convert] | None = None
) -> WriterInput:
    """What the runner hands over: a stream, or rows that the writer's own statement can compute."""
    return SqlInput(given) if isinstance(given, SqlRows) else InputStream(as_reader(given), converts)


def _copy(source: WriterInput, part: Path, name: str, form: FileFormat, ctx: ExecutionContext) -> int:
    try:
        return source.copy(part, form.copy_options, ctx)
    except (duckdb.Error, OSError) as exc:
        raise write_failure(exc, name, cancelled=ctx.cancelled) from exc


def _refuse_emptying(publication: Publication, form: FileFormat) -> None:
    if publication.target.exists() and form.holds_rows(publication.target):
        message = f"No rows arrived, and {publication.name} has rows; it was left as it is."
        raise DataError("FIL009", message, hint="Set allow_empty: true if an empty result may replace it.")


def _sidecar(part: Path, rows: int, source: WriterInput, form: FileFormat, ctx: ExecutionContext) -> Sidecar:
    return Sidecar(
        rows=rows,
        size=part.stat().st_size,
        sha256=sha256_of(part),
        columns=columns_of(source.schema),
        run_key=ctx.run_key,
        pipeline=ctx.pipeline,
        step_id=ctx.step_id,
        fingerprint=ctx.fingerprint,
        format=form.name,
    )
