"""Writes one stream to one file, whatever the format: stage, reconcile, publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from osiris.connectors.duckdb.engine import open_engine, quote_literal
from osiris.connectors.filesystem.cancel import interrupter
from osiris.connectors.filesystem.input_stream import InputStream
from osiris.connectors.filesystem.os_errors import write_failure
from osiris.connectors.filesystem.publish import Publication
from osiris.connectors.filesystem.sidecar import Sidecar, schema_of, sha256_of
from osiris.core import ExecutionContext
from osiris.errors import DataError

MEMORY_LIMIT = "256MB"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format's name and the COPY options that make a file of it."""

    name: str
    copy_options: str
    select: str
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
    source: InputStream,
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
        source.check_applied(applied)
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


def _copy(source: InputStream, part: Path, name: str, form: FileFormat, ctx: ExecutionContext) -> int:
    con = open_engine(MEMORY_LIMIT, temp_dir=ctx.work_dir)
    ctx.on_cancel(interrupter(con))
    try:
        con.register("source", source.reader)
        sql = f"COPY (SELECT {form.select} FROM source) TO {quote_literal(str(part))} ({form.copy_options})"
        rows: int = con.execute(sql).fetchall()[0][0]
    except (duckdb.Error, OSError) as exc:
        source.raise_failure()
        raise write_failure(exc, name, cancelled=ctx.cancelled) from exc
    finally:
        con.close()
    return rows


def _refuse_emptying(publication: Publication, form: FileFormat) -> None:
    if publication.target.exists() and form.holds_rows(publication.target):
        message = f"No rows arrived, and {publication.name} has rows; it was left as it is."
        raise DataError("FIL009", message, hint="Set allow_empty: true if an empty result may replace it.")


def _sidecar(part: Path, rows: int, source: InputStream, form: FileFormat, ctx: ExecutionContext) -> Sidecar:
    return Sidecar(
        rows=rows,
        size=part.stat().st_size,
        sha256=sha256_of(part),
        schema=schema_of(source.schema),
        run_key=ctx.run_key,
        pipeline=ctx.pipeline,
        step_id=ctx.step_id,
        fingerprint=ctx.fingerprint,
        format=form.name,
    )
