"""duckdb.extractor: a table or a query of a DuckDB file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from osiris.connectors.duckdb.checking import (
    BindValue,
    Sql,
    bind_problems,
    parse,
    problem,
    refuse_reserved,
    reserved,
)
from osiris.connectors.duckdb.connection import DuckDBConnector
from osiris.connectors.duckdb.engine import quote_identifier
from osiris.connectors.duckdb.errors import EngineFailure, map_engine_error
from osiris.connectors.duckdb.files import files_read
from osiris.connectors.duckdb.projection import result_columns
from osiris.connectors.duckdb.statements import Select, placed
from osiris.core import ArrowStream, Columns, ConfigProblem, DriverConfig, ExecutionContext, bound_values
from osiris.errors import PipelineError

if TYPE_CHECKING:
    import pyarrow as pa


_RESERVED = "Names that start with _osiris_ are for the ledger; read another table."


class ExtractorConfig(DriverConfig):
    """The config of a `duckdb.extractor` step."""

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


class DuckDBExtractorDriver:
    """Reads one snapshot of the database; memory does not grow with the rows."""

    Config: ClassVar[type[DriverConfig]] = ExtractorConfig

    def check(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> list[ConfigProblem]:
        """Syntax errors, other statements than one SELECT, what is out of reach, and bad bindings."""
        settings = ExtractorConfig.model_validate(dict(config))
        problems = list(bind_problems(settings.bind))
        try:
            _select(settings)
        except PipelineError as error:
            return [*problems, problem(error, "query")]
        return problems

    def output_columns(self, config: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The columns that are asked for, or the names in the query's list where it has no *."""
        settings = ExtractorConfig.model_validate(dict(config))
        return tuple(settings.columns) if settings.columns else result_columns(_select(settings))

    def preview_output(
        self, config: Mapping[str, Any], inputs: Mapping[str, Columns | None]
    ) -> Columns | None:
        """The columns of the table or the query, as the file has them now."""
        from osiris.connectors.duckdb.reading import described

        settings = ExtractorConfig.model_validate(dict(config))
        with closing(DuckDBConnector(config["resolved_connection"], read_only=True)) as connector:
            connector.connect_existing()
            schema = described(
                connector.con,
                _select(settings),
                bound_values(settings.bind),
                lines_before=0 if settings.query is not None else 1,
            )
        return dict(zip(schema.names, schema.types, strict=True))

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, pa.RecordBatchReader] | None,
        ctx: ExecutionContext,
    ) -> Mapping[str, ArrowStream]:
        """The rows as a stream; the file stays open until it ends."""
        from osiris.connectors.duckdb.reading import counting, read

        settings = ExtractorConfig.model_validate(dict(config))
        select = _select(settings)
        connector = DuckDBConnector(config["resolved_connection"])
        ctx.closing(connector)
        ctx.on_cancel(connector.interrupt)
        connector.connect_existing()
        try:
            reader = read(
                connector.con,
                select,
                bound_values(settings.bind),
                lines_before=0 if settings.query is not None else 1,
                cancelled=lambda: ctx.cancelled,
            )
        except EngineFailure as exc:
            raise map_engine_error(exc, cancelled=ctx.cancelled) from exc
        return {"df": counting(reader, lambda rows: ctx.log_metric("rows_read", rows, "rows"))}


def _select(settings: ExtractorConfig) -> Select:
    if settings.query is not None:
        select = parse("query", settings.query, settings.bind)
        _refuse_out_of_reach("query", select)
        return select
    if settings.where is not None:
        _refuse_bad_condition(settings.where, settings.bind)
    table = settings.table or ""
    select = parse(
        "where", _table_query(table, settings.columns or (), settings.where, settings.limit), settings.bind
    )
    if select.reserved:
        raise reserved("table", table, _RESERVED)
    return select


def _table_query(table: str, columns: Sequence[str], where: str | None, limit: int | None) -> str:
    """The SELECT for a table; `where` stands on lines of its own, so that a comment in it ends there."""
    chosen = ", ".join(map(quote_identifier, columns)) or "*"
    source = ".".join(map(quote_identifier, table.split(".")))
    condition = f" WHERE (\n{where}\n)" if where else ""
    return f"SELECT {chosen} FROM {source}{condition}" + ("" if limit is None else f" LIMIT {int(limit)}")


def _refuse_bad_condition(where: str, bind: Mapping[str, Any]) -> None:
    """Check the condition by itself, so that the place of an error is the place in it."""
    select = parse("where", where, bind, before="SELECT 1 WHERE (\n", after="\n)")
    if not select.is_condition:
        raise PipelineError(
            "SQL002",
            "where is not one condition.",
            hint="Write one condition, such as amount > 10 AND status = 'paid'; write more as query.",
            details={"field": "where"},
        )
    _refuse_out_of_reach("where", select, lines_before=1)


def _refuse_out_of_reach(field: str, select: Select, *, lines_before: int = 0) -> None:
    """Refuse the ledger, and files: the SQL reads the tables of its database."""
    refuse_reserved(field, select, _RESERVED, lines_before=lines_before)
    for spot in files_read(select):
        hint = "A duckdb.processor may read files: those in its read_files."
        message = f"The SQL may not read the file {spot.text!r}."
        error = PipelineError("SQL007", message, hint=hint, details={"field": field})
        raise placed(error, select.sql, spot.offset, lines_before)
