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

from osiris.connectors.sqlite.assignment import Assignment, assign, refuse_missing_key
from osiris.connectors.sqlite.catalogue import RelationInfo
from osiris.connectors.sqlite.connection import SQLiteConnector
from osiris.connectors.sqlite.errors import is_busy, map_engine_error, primary_code
from osiris.connectors.sqlite.inputs import Input
from osiris.connectors.sqlite.merging import merge, prepare_merge
from osiris.connectors.sqlite.names import quote_identifier
from osiris.connectors.sqlite.staging import Stage
from osiris.connectors.sqlite.tables import create_table, find_target, planned_table, refuse_followers
from osiris.core.ledger import Ledger
from osiris.errors import DataError, OutcomeUnknown, PipelineError, TargetBusy, TargetState

_CERTAINLY_UNDONE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_INTERRUPT)
"""Failures of COMMIT before its last write, besides those that leave the transaction open."""


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """What to write where and how; the fields are those of the writer's config."""

    table: str
    write_mode: str
    primary_key: tuple[str, ...]
    create: str
    allow_empty: bool


@dataclass(frozen=True, slots=True)
class Applied:
    """What a write did to the table."""

    inserted: int
    updated: int = 0
    deleted: int = 0

    @property
    def rows(self) -> int:
        """The rows of the input that are now in the table."""
        return self.inserted + self.updated


@dataclass(frozen=True, slots=True)
class Staged:
    """Rows kept aside, as the table that was seen then takes them."""

    target: RelationInfo
    stage: Stage


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
        refuse_missing_key(self._source.schema.names, request.primary_key)
        self._source.first_batch()
        if request.create == "never" and not self._connector.path.exists():
            raise self._no_table()
        with self._connector.alone(), self._aside() as staged:
            self._failpoint("commit.before_begin")
            with self._connector.transaction() as con:
                applied = self._apply(con, staged)
                commit(con, request.table, self._connector.patiently)
        self._failpoint("commit.after_commit")
        return applied

    @contextmanager
    def _aside(self) -> Iterator[Staged | None]:
        """The rows kept aside, if they must be; the file is in WAL mode then, or the step has failed."""
        if self._request.write_mode != "merge" and self._is_in_wal():
            yield None
            return
        con = self._connector.con
        existing = self._connector.patiently(lambda: find_target(con, self._request.table))
        target = self._or_planned(existing)
        with closing(Stage(con, self._work_dir, assign(self._source.schema, target))) as stage:
            stage.fill(self._encoded(stage.pairs))
            if self._request.write_mode == "merge":
                prepare_merge(con, stage, existing, self._request.primary_key)
            self._connector.patiently(self._connector.use_write_ahead_log)
            yield Staged(target, stage)

    def _is_in_wal(self) -> bool:
        try:
            self._connector.use_write_ahead_log()
        except sqlite3.OperationalError as exc:
            if is_busy(exc):
                return False
            raise
        return True

    def _or_planned(self, existing: RelationInfo | None) -> RelationInfo:
        """The table as it is, or as it is to be made."""
        request = self._request
        if existing is None and request.create == "never":
            raise self._no_table()
        return existing or planned_table(request.table, self._source.schema, request.primary_key)

    def _apply(self, con: sqlite3.Connection, staged: Staged | None) -> Applied:
        con.execute("PRAGMA defer_foreign_keys = ON")
        self._fence()
        self._failpoint("commit.after_fence")
        existing = find_target(con, self._request.table)
        target = self._or_planned(existing)
        if staged is not None and staged.target != target:
            raise TargetBusy("TGT015", f"{target.name} was changed by another program meanwhile.")
        if existing is None:
            create_table(con, target, self._source.schema)
        applied = self._apply_rows(con, target, staged)
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

    def _apply_rows(self, con: sqlite3.Connection, target: RelationInfo, staged: Staged | None) -> Applied:
        mode, key = self._request.write_mode, self._request.primary_key
        if mode == "merge" and staged is not None:
            updated, inserted = merge(con, staged.stage, target, key)
            return Applied(inserted, updated)
        deleted = 0
        if mode == "replace":
            refuse_followers(con, target.name)
            deleted = con.execute(f"DELETE FROM {quote_identifier(target.name)}").rowcount
        inserted = staged.stage.insert_into(target.name) if staged else self._insert(con, target)
        return Applied(inserted, deleted=deleted)

    def _insert(self, con: sqlite3.Connection, target: RelationInfo) -> int:
        """The statement says OR ABORT, so that no conflict clause of the table drops or replaces a row."""
        pairs = assign(self._source.schema, target)
        into = ", ".join(quote_identifier(pair.target.name) for pair in pairs)
        holes = ", ".join("?" * len(pairs))
        statement = f"INSERT OR ABORT INTO {quote_identifier(target.name)} ({into}) VALUES ({holes})"
        return sum(con.executemany(statement, rows).rowcount for rows in self._encoded(pairs))

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

    def _no_table(self) -> PipelineError:
        return PipelineError(
            "TGT001",
            f"The table {self._request.table} does not exist.",
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
