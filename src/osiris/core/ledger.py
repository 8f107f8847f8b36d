"""The ledger: which writes a database holds, in the database itself.

The SQL is plain enough for every database with transactions; a family gives `execute` in its own dialect of
placeholders and types. Committed in the transaction that applies the rows, a ledger row proves the write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from osiris.errors import PipelineError

COMMITS = "_osiris_commits"
CURSORS = "_osiris_cursors"
RESERVED_PREFIX = "_osiris_"

Execute = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs one statement with `?` placeholders and gives its rows."""

_TABLES = (
    f"""CREATE TABLE IF NOT EXISTS {COMMITS} (
  pipeline_id varchar(64), step_id varchar(64), run_key varchar(64),
  target varchar(200) NOT NULL, write_mode varchar(16) NOT NULL, manifest_fp varchar(80) NOT NULL,
  state varchar(10) NOT NULL, rows_in bigint, rows_applied bigint, rows_deleted bigint, checksum varchar(64),
  cursor_json text, epoch bigint NOT NULL, attempt int, committed_at timestamp NOT NULL,
  PRIMARY KEY (pipeline_id, step_id, run_key))""",
    f"""CREATE TABLE IF NOT EXISTS {CURSORS} (
  pipeline_id varchar(64), step_id varchar(64), cursor_json text, epoch bigint NOT NULL,
  PRIMARY KEY (pipeline_id, step_id))""",
)

_FENCE = f"""INSERT INTO {COMMITS}
  (pipeline_id, step_id, run_key, target, write_mode, manifest_fp, state, epoch, attempt, committed_at)
VALUES (?, ?, ?, ?, ?, ?, 'prepared', 0, ?, CURRENT_TIMESTAMP)"""

_COMPLETE = f"""UPDATE {COMMITS}
SET state = 'committed', rows_in = ?, rows_applied = ?, rows_deleted = ?, committed_at = CURRENT_TIMESTAMP
WHERE pipeline_id = ? AND step_id = ? AND run_key = ?"""

_FIND = f"""SELECT target, rows_applied FROM {COMMITS}
WHERE pipeline_id = ? AND step_id = ? AND run_key = ? AND state = 'committed'"""

_FIND_OTHER = f"""SELECT count(*) FROM {COMMITS}
WHERE pipeline_id = ? AND run_key = ? AND manifest_fp <> ?"""


class Run(Protocol):
    """What the ledger needs of an execution context."""

    run_key: str
    pipeline: str
    fingerprint: str
    step_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A write that the database holds."""

    target: str
    rows: int


class Ledger:
    """The ledger rows of one step's write."""

    def __init__(self, execute: Execute, run: Run) -> None:
        self._execute = execute
        self._run = run
        self._key = (run.pipeline, run.step_id, run.run_key)

    def create(self) -> None:
        """Make the ledger's tables where they are missing.

        Call it before the transaction of the write, unless DDL is transactional and a lock keeps others out.
        """
        for table in _TABLES:
            self._execute(table, ())

    def committed(self) -> Commit | None:
        """The write of this run key if it has happened.

        Raises `PipelineError` RUN009 if another version of the pipeline used the key, in whichever step.
        """
        run = self._run
        if self._execute(_FIND_OTHER, (run.pipeline, run.run_key, run.fingerprint))[0][0]:
            raise PipelineError(
                "RUN009",
                f'The run key "{run.run_key}" was used for another version of the pipeline.',
                hint="Use --new, or another --run-key, to write with this version.",
            )
        rows = self._execute(_FIND, self._key)
        return Commit(*rows[0]) if rows else None

    def fence(self, target: str, write_mode: str) -> None:
        """First statement of the transaction: of two writers with one key only one can commit."""
        run = self._run
        self._execute(_FENCE, (*self._key, target, write_mode, run.fingerprint, run.attempt))

    def complete(self, *, rows_in: int, rows_applied: int, rows_deleted: int) -> None:
        """Last statement before COMMIT: the counts."""
        self._execute(_COMPLETE, (rows_in, rows_applied, rows_deleted, *self._key))
