"""One write into one table: fenced, applied, counted and committed, or as if it had never begun.

Rows go straight into the table, inside the transaction, as they arrive. They are kept aside first where the
whole input must be known (merge), and where somebody reads a file that is not in WAL mode yet: there a
writer that outgrows its cache would have to wait for its own reader.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.connectors.sqlite.assignment import Assignment, assign, refuse_missing_key
from osiris.connectors.sqlite.catalogue import RelationInfo
from osiris.connectors.sqlite.connection import SQLiteConnector
from osiris.connectors.sqlite.errors import is_busy, map_engine_error, primary_code
from osiris.connectors.sqlite.inputs import Input
from osiris.connectors.sqlite.merging import merge, prepare_merge
from osiris.connectors.sqlite.names import quote_identifier
from osiris.connectors.sqlite.requests import Applied, WriteRequest
from osiris.connectors.sqlite.staging import Stage
from osiris.connectors.sqlite.tables import create_table, find_target, planned_table, refuse_followers
from osiris.core.ledger import Ledger
from osiris.errors import DataError, OutcomeUnknown, PipelineError, TargetBusy, TargetState

_CERTAINLY_UNDONE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_INTERRUPT)
"""Failures of COMMIT before its last write, besides those that leave the transaction open."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The table as it was before the transaction, None if missing; how it is, or would be, filled."""

    existing: RelationInfo | None
    target: RelationInfo
    pairs: tuple[Assignment, ...]


class TableWrite:
    """Writes one stream; `failpoint` is where fault tests strike."""

    def __init__(
        self,
        connector: SQLiteConnector,
        ledger: Ledger,
        request: WriteRequest,
        source: Input,
        work_dir: Path,
        failpoint: Callable[[str], None],
    ) -> None:
        self._connector = connector
        self._ledger = ledger
        self._request = request
        self._source = source
        self._work_dir = work_dir
        self._failpoint = failpoint

    def run(self) -> Applied:
        """Write everything and commit; any exception leaves the table as it was."""
        request = self._request
        self._source.first_batch()
        if not self._connector.path.exists():
            refuse_missing_table(request, None)
        with self._connector.alone():
            con = self._connector.con
            existing = self._connector.patiently(lambda: find_target(con, request.table))
            seen = look(request, self._source.schema, existing)
            with self._aside(seen) as stage:
                self._failpoint("commit.before_begin")
                with self._connector.transaction() as con:
                    applied = self._apply(con, seen, stage)
                    commit(con, request.table, self._connector.patiently)
        self._failpoint("commit.after_commit")
        return applied

    @contextmanager
    def _aside(self, seen: Seen) -> Iterator[Stage | None]:
        """The rows kept aside, if they must be; the file is in WAL mode then, or the step has failed."""
        if self._request.write_mode != "merge" and self._is_in_wal():
            yield None
            return
        con = self._connector.con
        with closing(Stage(con, self._work_dir, seen.pairs)) as stage:
            stage.fill(self._encoded(seen.pairs))
            if self._request.write_mode == "merge":
                prepare_merge(con, stage, seen.existing, self._request.primary_key)
            self._connector.patiently(self._connector.use_write_ahead_log)
            yield stage

    def _is_in_wal(self) -> bool:
        try:
            self._connector.use_write_ahead_log()
        except sqlite3.OperationalError as exc:
            if is_busy(exc):
                return False
            raise
        return True

    def _apply(self, con: sqlite3.Connection, seen: Seen, stage: Stage | None) -> Applied:
        con.execute("PRAGMA defer_foreign_keys = ON")
        self._fence()
        self._failpoint("commit.after_fence")
        if find_target(con, self._request.table) != seen.existing:
            raise TargetBusy(
                "TGT015",
                f"Another program has changed the table {self._request.table} meanwhile.",
                hint="Run the same command again.",
            )
        if seen.existing is None:
            create_table(con, seen.target, self._source.schema)
        applied = self._apply_rows(con, seen, stage)
        self._refuse_emptying(applied)
        self._reconcile(applied)
        self._failpoint("commit.after_apply")
        self._ledger.complete(
            rows_in=self._source.rows, rows_applied=applied.rows, rows_deleted=applied.deleted
        )
        self._failpoint("commit.before_commit")
        return applied

    def _fence(self) -> None:
        """The ledger's tables are made in the same transaction: SQLite undoes that too."""
        self._ledger.create()
        try:
            self._ledger.fence(self._request.table, self._request.write_mode)
        except sqlite3.IntegrityError as exc:
            raise TargetBusy(
                "TGT015",
                "Another run has written under the same run key meanwhile.",
                hint="Run the same command again.",
            ) from exc

    def _apply_rows(self, con: sqlite3.Connection, seen: Seen, stage: Stage | None) -> Applied:
        mode, table = self._request.write_mode, seen.target.name
        if mode == "merge" and stage is not None:
            updated, inserted = merge(con, stage, seen.target, self._request.primary_key)
            return Applied(inserted, updated)
        deleted = 0
        if mode == "replace":
            refuse_followers(con, table)
            deleted = con.execute(f"DELETE FROM {quote_identifier(table)}").rowcount
        inserted = self._insert(con, seen) if stage is None else stage.insert_into(table)
        return Applied(inserted, deleted=deleted)

    def _insert(self, con: sqlite3.Connection, seen: Seen) -> int:
        """The statement says OR ABORT, so that no conflict clause of the table drops or replaces a row."""
        into = ", ".join(quote_identifier(pair.target.name) for pair in seen.pairs)
        holes = ", ".join("?" * len(seen.pairs))
        statement = f"INSERT OR ABORT INTO {quote_identifier(seen.target.name)} ({into}) VALUES ({holes})"
        return sum(con.executemany(statement, rows).rowcount for rows in self._encoded(seen.pairs))

    def _encoded(self, pairs: Sequence[Assignment]) -> Iterator[Iterator[tuple[Any, ...]]]:
        """Rows as SQLite keeps them, a limited number at a time."""
        for batch in self._source:
            yield zip(*(pair.encode(batch, self._source.rows) for pair in pairs), strict=True)

    def _refuse_emptying(self, applied: Applied) -> None:
        if self._source.rows == 0 and applied.deleted and not self._request.allow_empty:
            raise DataError(
                "TGT010",
                f"No rows would replace the {applied.deleted} rows of {self._request.table}.",
                hint="Set allow_empty: true if an empty result is right.",
            )

    def _reconcile(self, applied: Applied) -> None:
        if self._source.ended and self._source.rows == applied.rows:
            return
        raise DataError(
            "RUN007",
            f"{self._source.rows} rows were received and {applied.rows} applied to {self._request.table}.",
            hint="Look for a trigger of the table that drops rows; nothing was committed.",
        )


def look(request: WriteRequest, schema: pa.Schema, existing: RelationInfo | None) -> Seen:
    """Raises for everything that would go wrong with any row, before the file is touched."""
    refuse_missing_table(request, existing)
    refuse_missing_key(schema.names, request.primary_key)
    target = existing or planned_table(request.table, schema, request.primary_key)
    return Seen(existing, target, assign(schema, target))


def refuse_missing_table(request: WriteRequest, existing: RelationInfo | None) -> None:
    """TGT001 where the table is not there and is not to be made."""
    if existing is None and request.create == "never":
        raise PipelineError(
            "TGT001",
            f"The table {request.table} does not exist.",
            hint="Create it, or set create: if_missing.",
        )


def commit(con: sqlite3.Connection, table: str, patiently: Callable[[Callable[[], Any]], Any]) -> None:
    """COMMIT; a failure that leaves the transaction open has changed nothing, any other nobody knows."""
    try:
        patiently(lambda: con.execute("COMMIT"))
    except sqlite3.Error as exc:
        error = map_engine_error(exc)
        if con.in_transaction or primary_code(exc) in _CERTAINLY_UNDONE:
            raise error from exc
        raise OutcomeUnknown(
            "TGT016",
            f"COMMIT of {table} failed: {error.message}",
            hint="Run the same command again: the ledger in the database says whether it happened.",
            target=TargetState.UNKNOWN,
        ) from exc
