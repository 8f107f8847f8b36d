"""Rows that a writer's own statement computes, straight into the file."""

from __future__ import annotations

from pathlib import Path

import duckdb

from osiris.connectors.duckdb.engine import quote_literal
from osiris.connectors.duckdb.sql_rows import Scans, SqlRows, open_confined
from osiris.core import ExecutionContext


class SqlInput:
    """An input that nobody has read yet; what fails on behalf of an earlier step is that step's failure."""

    def __init__(self, rows: SqlRows) -> None:
        self._rows = rows
        self.schema = rows.schema

    def copy(self, part: Path, options: str, ctx: ExecutionContext) -> int:
        """Compute all rows into a file; the answer is how many."""
        con = open_confined(self._rows, ctx, (part,))
        try:
            return self._copied(
                con, f"COPY ({self._rows.statement}) TO {quote_literal(str(part))} ({options})"
            )
        finally:
            con.close()

    def _copied(self, con: duckdb.DuckDBPyConnection, sql: str) -> int:
        try:
            rows: int = con.execute(sql, dict(self._rows.params) or None).fetchall()[0][0]
        except duckdb.Error as exc:
            failure = self._rows.failure(exc, sql)
            if failure is None:
                raise
            raise failure from exc
        self._rows.report(Scans.of(con))
        return rows
