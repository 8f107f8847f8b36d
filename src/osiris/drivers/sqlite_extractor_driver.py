"""sqlite.extractor: a table or a query of an SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from osiris.connectors.sqlite.binding import sqlite_values
from osiris.connectors.sqlite.column_types import schema_type
from osiris.connectors.sqlite.config_checks import BindValue, Sql, problem
from osiris.connectors.sqlite.connection import SQLiteConnector
from osiris.connectors.sqlite.errors import map_engine_error
from osiris.connectors.sqlite.statements import Select, query_select, table_select
from osiris.core import ArrowStream, Columns, ConfigProblem, DriverConfig, ExecutionContext
from osiris.errors import PipelineError

if TYPE_CHECKING:
    import pyarrow as pa

    from osiris.connectors.sqlite.reading import ResultStream


class ExtractorConfig(DriverConfig):
    """The config of a `sqlite.extractor` step."""

    model_config = DriverConfig.model_config | {
        "json_schema_extra": {
            "oneOf": [{"required": ["table"]}, {"required": ["query"]}],
            "dependentSchemas": {"query": {"properties": {"columns": False, "where": False, "limit": False}}},
        }
    }

    table: Annotated[str, Field(min_length=1)] | None = None
    query: Sql | None = None
    columns: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)] | None = None
    where: Sql | None = None
    limit: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    bind: dict[str, BindValue] = Field(default={})
    column_types: dict[str, str] = Field(default={}, alias="schema")


class SQLiteExtractorDriver:
    """Reads one snapshot of the database, each value exact or refused; memory does not grow with the rows."""

    Config: ClassVar[type[DriverConfig]] = ExtractorConfig

    def check(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> list[ConfigProblem]:
        """Syntax errors, other statements than one SELECT, names that are not bound, unknown types."""
        settings = ExtractorConfig.model_validate(dict(config))
        problems = []
        try:
            _select(settings)
            sqlite_values(settings.bind)
        except PipelineError as error:
            problems.append(problem(error, "query" if settings.table is None else "table"))
        for column, name in settings.column_types.items():
            try:
                schema_type(column, name)
            except PipelineError as error:
                problems.append(problem(error, "schema"))
        return problems

    def output_columns(self, config: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The columns that are asked for; what a query gives only its database can say."""
        columns = ExtractorConfig.model_validate(dict(config)).columns
        return tuple(columns) if columns else None

    def preview_output(
        self, config: Mapping[str, Any], inputs: Mapping[str, Columns | None]
    ) -> Columns | None:
        """The columns of the table or the query, as the file has them now."""
        from osiris.connectors.sqlite.reading import described

        settings = ExtractorConfig.model_validate(dict(config))
        with closing(SQLiteConnector(config["resolved_connection"], read_only=True)) as connector:
            connector.connect_reading()
            try:
                return described(connector, _select(settings), settings.column_types, settings.table)
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
        """The rows as a stream; the file stays open until it ends."""
        from osiris.connectors.sqlite.reading import ResultStream

        settings = ExtractorConfig.model_validate(dict(config))
        select, params = _select(settings), sqlite_values(settings.bind)
        connector = SQLiteConnector(config["resolved_connection"])
        ctx.closing(connector)
        ctx.on_cancel(connector.interrupt)
        connector.connect_reading()
        try:
            stream = ResultStream(connector, select, params, settings.column_types, settings.table)
        except sqlite3.Error as exc:
            raise map_engine_error(exc) from exc
        if stream.inferred:
            _tell(stream, ctx)
        return {"df": stream.reader(lambda rows: ctx.log_metric("rows_read", rows, "rows"))}


def _select(settings: ExtractorConfig) -> Select:
    if settings.query is not None:
        return query_select(settings.query, settings.bind)
    return table_select(
        settings.table or "", settings.columns or (), settings.where, settings.limit, settings.bind
    )


def _tell(stream: ResultStream, ctx: ExecutionContext) -> None:
    """Put the types that were found into the session; the text to pin has the declared ones too."""
    from osiris.connectors.sqlite.inference import pin_text

    pin = pin_text({column.name: column.type.name for column in stream.columns})
    ctx.log_event("schema_inferred", columns=stream.inferred, rows_sampled=stream.rows_sampled, pin=pin)
    (ctx.artifacts_dir / "schema.yaml").write_text(pin, encoding="utf-8")
