"""One write into one table: staged, fenced, applied, counted and committed, or as if it had never begun."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from osiris.connectors.duckdb.assignment import Assignment, assign, duplicate_keys, refuse_missing_key
from osiris.connectors.duckdb.connection import DuckDBConnector
from osiris.connectors.duckdb.engine import first_row, folded, quote_identifier
from osiris.connectors.duckdb.errors import EngineMessage, map_engine_error
from osiris.connectors.duckdb.tables import TableName, Target, create_table, find_target
from osiris.core.ledger import Ledger
from osiris.errors import DataError, OutcomeUnknown, PipelineError, RunError, TargetState

if TYPE_CHECKING:
    from osiris.connectors.duckdb.inputs import Input

_STREAM = "_osiris_stream"
_STAGE = "_osiris_stage"
_EXAMPLES = 3
_EXAMPLE_LENGTH = 60
_ROLLED_BACK = ("transactioncontext error", "constraint error")


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """What to write where and how; the fields are those of the writer's config."""

    table: TableName
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


class TableWrite:
    """Writes one stream; `failpoint` is where fault tests strike."""

    def __init__(
        self,
        connector: DuckDBConnector,
        ledger: Ledger,
        request: WriteRequest,
        source: Input,
        failpoint: Callable[[str], None],
    ) -> None:
        self._connector = connector
        self._ledger = ledger
        self._request = request
        self._source = source
        self._failpoint = failpoint

    def run(self) -> Applied:
        """Write everything and commit; any exception leaves the table as it was."""
        self._source.first_batch()
        con = self._connector.con
        incoming = register(con, self._source)
        target = find_target(con, self._request.table)
        check_columns(self._request, incoming, target)
        if self._request.write_mode == "merge":
            self._stage(con, target)
        self._ledger.create()
        self._failpoint("commit.before_begin")
        with self._connector.transaction():
            applied = self._apply(con, incoming)
            commit(con, str(self._request.table))
        self._failpoint("commit.after_commit")
        return applied

    def _apply(self, con: duckdb.DuckDBPyConnection, incoming: Sequence[tuple[str, Any]]) -> Applied:
        request = self._request
        self._ledger.fence(str(request.table), request.write_mode)
        self._failpoint("commit.after_fence")
        target = self._ensure_target(con, incoming)
        pairs = assign(incoming, target.columns)
        if request.write_mode == "merge" and not target.keeps_unique(request.primary_key):
            _refuse_ambiguous_target(con, request)
        applied = _MODES[request.write_mode](con, request, pairs)
        self._refuse_emptying(applied)
        self._reconcile(applied)
        self._failpoint("commit.after_apply")
        self._ledger.complete(
            rows_in=self._source.rows, rows_applied=applied.rows, rows_deleted=applied.deleted
        )
        self._failpoint("commit.before_commit")
        return applied

    def _ensure_target(self, con: duckdb.DuckDBPyConnection, incoming: Sequence[tuple[str, Any]]) -> Target:
        table = self._request.table
        if find_target(con, table) is None:
            create_table(con, table, incoming, self._request.primary_key)
        target = find_target(con, table)
        if target is None:
            raise _no_table(table)
        return target

    def _stage(self, con: duckdb.DuckDBPyConnection, target: Target | None) -> None:
        """Keep the rows aside, in the target's types so that equal keys are seen as equal."""
        kinds = {} if target is None else {folded(column.name): column.type for column in target.columns}
        columns = (_as_type(name, kinds.get(folded(name), kind)) for name, kind in _columns(con, _STREAM))
        con.execute(f"CREATE OR REPLACE TEMP TABLE {_STAGE} AS SELECT {', '.join(columns)} FROM {_STREAM}")
        key = self._request.primary_key
        _refuse_null_keys(con, key)
        examples = _repeated(con, _STAGE, key)
        if examples:
            raise duplicate_keys(examples, key)

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
            hint="Report this as a bug; nothing was committed.",
        )


def register(con: duckdb.DuckDBPyConnection, source: Input) -> list[tuple[str, Any]]:
    """Let the connection read the input; its columns with DuckDB's types."""
    con.register(_STREAM, source.reader)
    return _columns(con, _STREAM)


def check_columns(
    request: WriteRequest, incoming: Sequence[tuple[str, Any]] | None, target: Target | None
) -> None:
    """Raise what the write is refused for before a row moves; columns that are not known are taken to fit."""
    if incoming is not None:
        refuse_missing_key(incoming, request.primary_key)
        if target is not None:
            assign(incoming, target.columns)
    if target is None and request.create == "never":
        raise _no_table(request.table)


def _no_table(table: TableName) -> PipelineError:
    return PipelineError(
        "TGT001", f"The table {table} does not exist.", hint="Create it, or set create: if_missing."
    )


def commit(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """COMMIT; a conflict means that nothing happened, any other failure that nobody knows."""
    try:
        con.execute("COMMIT")
    except duckdb.Error as exc:
        error = map_engine_error(exc)
        if EngineMessage.of(exc).kind in _ROLLED_BACK:
            raise error from exc
        raise OutcomeUnknown(
            "TGT016",
            f"COMMIT of {table} failed: {error.message}",
            hint="Run the same command again: the ledger in the database says whether it happened.",
            target=TargetState.UNKNOWN,
        ) from exc


def _columns(con: duckdb.DuckDBPyConnection, name: str) -> list[tuple[str, Any]]:
    relation = con.sql(f"SELECT * FROM {name}")
    return list(zip(relation.columns, relation.types, strict=True))


def _as_type(name: str, kind: Any) -> str:
    quoted = quote_identifier(name)
    return quoted if kind.id == "null" else f"CAST({quoted} AS {kind}) AS {quoted}"


def _append(con: duckdb.DuckDBPyConnection, request: WriteRequest, pairs: Sequence[Assignment]) -> Applied:
    return Applied(inserted=_count(con, _insert(request, pairs)))


def _replace(con: duckdb.DuckDBPyConnection, request: WriteRequest, pairs: Sequence[Assignment]) -> Applied:
    deleted = _count(con, f"DELETE FROM {request.table.sql}")
    return Applied(inserted=_count(con, _insert(request, pairs)), deleted=deleted)


def _merge(con: duckdb.DuckDBPyConnection, request: WriteRequest, pairs: Sequence[Assignment]) -> Applied:
    key = request.primary_key
    match = " AND ".join(f"t.{quote_identifier(name)} = s.{quote_identifier(name)}" for name in key)
    updated = _count(
        con, f"SELECT count(*) FROM {_STAGE} s WHERE EXISTS (FROM {request.table.sql} t WHERE {match})"
    )
    total = _count(con, _merge_statement(request, pairs, match))
    return Applied(inserted=total - updated, updated=updated)


_MODES = {"append": _append, "replace": _replace, "merge": _merge}


def _insert(request: WriteRequest, pairs: Sequence[Assignment]) -> str:
    into = ", ".join(quote_identifier(pair.target.name) for pair in pairs)
    taken = ", ".join(quote_identifier(pair.source) for pair in pairs)
    return f"INSERT INTO {request.table.sql} ({into}) SELECT {taken} FROM {_STREAM}"


def _merge_statement(request: WriteRequest, pairs: Sequence[Assignment], match: str) -> str:
    """A matched row without other columns is set to its own key, so that it counts as applied."""
    key = {folded(name) for name in request.primary_key}
    others = [pair for pair in pairs if folded(pair.source) not in key] or pairs[:1]
    changes = ", ".join(f"{quote_identifier(p.target.name)} = s.{quote_identifier(p.source)}" for p in others)
    into = ", ".join(quote_identifier(pair.target.name) for pair in pairs)
    values = ", ".join(f"s.{quote_identifier(pair.source)}" for pair in pairs)
    return (
        f"MERGE INTO {request.table.sql} t USING {_STAGE} s ON {match} "
        f"WHEN MATCHED THEN UPDATE SET {changes} WHEN NOT MATCHED THEN INSERT ({into}) VALUES ({values})"
    )


def _count(con: duckdb.DuckDBPyConnection, statement: str) -> int:
    row = first_row(con, statement)
    if row is None:
        raise RunError("SQL012", "DuckDB gave no row count.")
    return int(row[0])


def _refuse_null_keys(con: duckdb.DuckDBPyConnection, key: Sequence[str]) -> None:
    for name in key:
        nulls = _count(con, f"SELECT count(*) FROM {_STAGE} WHERE {quote_identifier(name)} IS NULL")
        if nulls:
            raise DataError(
                "TGT007",
                f'The key column "{name}" is NULL in {nulls} input rows.',
                hint="Filter such rows out in the step before, or choose another primary_key.",
            )


def _refuse_ambiguous_target(con: duckdb.DuckDBPyConnection, request: WriteRequest) -> None:
    examples = _repeated(con, request.table.sql, request.primary_key)
    if examples:
        raise DataError(
            "TGT009",
            f"{request.table} already holds several rows with the same key: {'; '.join(examples)}.",
            hint="Remove the duplicates from the table, or choose another primary_key.",
        )


def _repeated(con: duckdb.DuckDBPyConnection, table: str, key: Sequence[str]) -> list[str]:
    columns = ", ".join(map(quote_identifier, key))
    rows = con.execute(
        f"SELECT {columns} FROM {table} GROUP BY {columns} HAVING count(*) > 1 ORDER BY ALL LIMIT {_EXAMPLES}"
    ).fetchall()
    return [_shortened(", ".join(map(str, row))) for row in rows]


def _shortened(text: str) -> str:
    return text if len(text) <= _EXAMPLE_LENGTH else text[: _EXAMPLE_LENGTH - 1] + "…"
