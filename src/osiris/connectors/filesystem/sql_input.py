"""Rows that a writer's own statement computes, straight into the file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb

from osiris.connectors.duckdb.engine import quote_literal
from osiris.connectors.duckdb.sql_rows import Scans, SqlRows, open_confined
from osiris.core import ExecutionContext
from osiris.errors import OsirisError


class SqlInput:
    """An input that nobody has read yet; what fails on behalf of an earlier step is that step's failure."""

    def __init__(self, rows: SqlRows) -> None:
        self._rows = rows
        self.schema = rows.schema

    def copy(self, part: Path, options: str, ctx: ExecutionContext) -> int:
        """Compute all rows into a file; the answer is how many."""
        target = f"{quote_literal(str(part))} ({options})"
        try:
            return self._copied(self._rows, part, target, ctx)
        except (duckdb.Error, OsirisError):
            careful = None if ctx.cancelled else self._rows.careful()
            if careful is None:
                raise
            return self._copied(careful, part, target, ctx)

    def _copied(self, rows: SqlRows, part: Path, target: str, ctx: ExecutionContext) -> int:
        sql = f"COPY ({rows.statement}) TO {target}"
        with closing(open_confined(rows, ctx, (part,))) as con:
            try:
                count: int = con.execute(sql, dict(rows.params) or None).fetchall()[0][0]
            except duckdb.Error as exc:
                failure = rows.failure(exc, sql)
                if failure is None:
                    raise
                raise failure from exc
            rows.report(Scans.of(con))
        return count
