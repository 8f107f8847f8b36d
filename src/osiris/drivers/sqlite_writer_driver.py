"""sqlite.writer: the step's input into a table of an SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from osiris.connectors.sqlite.connection import SQLiteConnector
from osiris.connectors.sqlite.errors import map_engine_error
from osiris.connectors.sqlite.names import folded, refuse_reserved
from osiris.connectors.sqlite.requests import Applied, WriteRequest
from osiris.core import (
    ArrowStream,
    Columns,
    ConfigProblem,
    DriverConfig,
    ExecutionContext,
    PlannedStep,
    TargetPreview,
)
from osiris.core.ledger import COMMITS, Commit, Ledger
from osiris.errors import PipelineError

if TYPE_CHECKING:
    import pyarrow as pa

    from osiris.connectors.sqlite.inputs import Input

WriteMode = Annotated[
    Literal["append", "replace", "merge"],
    Field(json_schema_extra={"x-aliases": {"overwrite": "replace", "upsert": "merge"}}),
]


class WriterConfig(DriverConfig):
    """The config of a `sqlite.writer` step."""

    model_config = DriverConfig.model_config | {
        "json_schema_extra": {
            "if": {"properties": {"write_mode": {"const": "merge"}}, "required": ["write_mode"]},
            "then": {"required": ["primary_key"]},
        }
    }

    table: Annotated[str, Field(min_length=1)]
    write_mode: WriteMode = "append"
    primary_key: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)] | None = None
    create: Literal["if_missing", "never"] = "if_missing"
    allow_empty: bool = False


class SQLiteWriterDriver:
    """Writes in one transaction that also holds the ledger row, so a run key has the effect of one run."""

    Config: ClassVar[type[DriverConfig]] = WriterConfig

    def check(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> list[ConfigProblem]:
        """A table name that is reserved, and a key that names a column twice."""
        problems = []
        try:
            refuse_reserved(config["table"])
        except PipelineError as error:
            problems.append(ConfigProblem("table", error.code, error.message, error.hint))
        key = config.get("primary_key") or ()
        if len({folded(name) for name in key}) < len(key):
            hint = "Name each column once; letter case does not tell columns apart."
            problems.append(ConfigProblem("primary_key", "CMP005", "primary_key names a column twice.", hint))
        return problems

    def preview_write(
        self, config: Mapping[str, Any], columns: Columns | None, step: PlannedStep
    ) -> TargetPreview:
        """The table as the run would find it, read from a file that is opened for reading only."""
        from osiris.connectors.sqlite.preview import preview_table

        settings = WriterConfig.model_validate(dict(config))
        try:
            with closing(SQLiteConnector(config["resolved_connection"], read_only=True)) as connector:
                commit = _earlier_commit(connector, Ledger(_executor(connector), step))
                return preview_table(connector, _request(settings), columns, commit)
        except sqlite3.Error as exc:
            raise map_engine_error(exc) from exc

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, pa.RecordBatchReader] | None,
        ctx: ExecutionContext,
    ) -> Mapping[str, ArrowStream]:
        """`{}` once everything is committed."""
        from osiris.connectors.sqlite.inputs import Input

        settings = WriterConfig.model_validate(dict(config))
        refuse_reserved(settings.table)
        source = Input((inputs or {})["df"])
        connector = SQLiteConnector(config["resolved_connection"])
        ctx.closing(connector)
        ctx.on_cancel(connector.interrupt)
        try:
            self._write(connector, settings, source, ctx)
        except sqlite3.Error as exc:
            raise map_engine_error(exc, cancelled=ctx.cancelled) from exc
        finally:
            connector.close()
        return {}

    def _write(
        self, connector: SQLiteConnector, settings: WriterConfig, source: Input, ctx: ExecutionContext
    ) -> None:
        from osiris.connectors.sqlite.writing import TableWrite

        ledger = Ledger(_executor(connector), ctx)
        commit = _earlier_commit(connector, ledger)
        if commit is not None:
            place = {"path": connector.path.name, "table": commit.target}
            ctx.log_event("already_committed", target="table", rows=commit.rows, **place)
            return
        request = _request(settings)
        applied = TableWrite(connector, ledger, request, source, ctx.work_dir, ctx.failpoint).run()
        _report(ctx, connector, request, applied)


def _request(settings: WriterConfig) -> WriteRequest:
    key = tuple(settings.primary_key or ())
    return WriteRequest(settings.table, settings.write_mode, key, settings.create, settings.allow_empty)


def _executor(connector: SQLiteConnector) -> Any:
    def execute(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        return connector.con.execute(sql, tuple(params)).fetchall()

    return execute


def _earlier_commit(connector: SQLiteConnector, ledger: Ledger) -> Commit | None:
    """What the ledger says; a file that does not exist yet is not made for the question."""
    if not connector.path.exists():
        return None
    return connector.patiently(lambda: ledger.committed() if connector.has_table(COMMITS) else None)


def _report(
    ctx: ExecutionContext, connector: SQLiteConnector, request: WriteRequest, applied: Applied
) -> None:
    ctx.log_event(
        "target_written",
        target="table",
        path=connector.path.name,
        table=request.table,
        rows=applied.rows,
        write_mode=request.write_mode,
        rows_inserted=applied.inserted,
        rows_updated=applied.updated,
        rows_deleted=applied.deleted,
    )
    ctx.log_metric("rows_written", applied.rows, "rows")
