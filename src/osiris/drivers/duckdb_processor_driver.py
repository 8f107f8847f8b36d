"""duckdb.processor: SQL over the step's inputs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field

from osiris.connectors.duckdb.checking import (
    BindValue,
    Sql,
    parse,
    problem,
    refuse_bad_inputs,
    refuse_reserved,
    unknown_tables,
)
from osiris.connectors.duckdb.engine import interrupt, open_engine
from osiris.connectors.duckdb.files import absolute_files, is_declared
from osiris.connectors.duckdb.processing import InputTables, confine, result_stream
from osiris.connectors.duckdb.projection import named_columns
from osiris.core import ArrowStream, ConfigProblem, DriverConfig, ExecutionContext, bound_values
from osiris.errors import PipelineError

ProjectPath = Annotated[str, Field(min_length=1, json_schema_extra={"format": "project-path"})]


class ProcessorConfig(DriverConfig):
    """The config of a `duckdb.processor` step."""

    query: Sql
    bind: dict[str, BindValue] = Field(default={})
    memory_limit: Annotated[str, Field(pattern=r"^[1-9][0-9]*(\.[0-9]+)? ?[KMGT]i?B$")] = "1GB"
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    read_files: list[ProjectPath] = Field(default=[])


class DuckDBProcessorDriver:
    """Runs one SELECT; the names of the inputs are the names of its tables."""

    Config: ClassVar[type[DriverConfig]] = ProcessorConfig

    def check(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> list[ConfigProblem]:
        """Syntax errors, other statements than one SELECT, unknown tables and names that are not bound."""
        settings = ProcessorConfig.model_validate(dict(config))
        try:
            refuse_bad_inputs(input_names)
            select = parse("query", settings.query, settings.bind)
            refuse_reserved(select)
        except PipelineError as error:
            return [problem(error, "query")]
        files = tuple(table.text for table in select.tables if is_declared(table.text, settings.read_files))
        return list(unknown_tables("query", select, (*input_names, *files)))

    def columns_read(self, config: Mapping[str, Any]) -> frozenset[str] | None:
        """All names in the SQL, which may be columns of any input; None where it has a `*`, say."""
        try:
            return named_columns(parse("query", config["query"], config.get("bind", {})))
        except PipelineError:
            return None  # `run` says what is wrong

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, pa.RecordBatchReader] | None,
        ctx: ExecutionContext,
    ) -> Mapping[str, ArrowStream]:
        """The result as a stream; inputs that the query reads twice are loaded before it starts."""
        settings = ProcessorConfig.model_validate(dict(config))
        refuse_bad_inputs(tuple(inputs or {}))
        select = parse("query", settings.query, settings.bind)
        refuse_reserved(select)
        sql = absolute_files(select, settings.read_files)
        con = open_engine(settings.memory_limit, settings.threads, ctx.work_dir)
        ctx.closing(con)
        ctx.on_cancel(partial(interrupt, con))
        tables = InputTables(con, inputs or {})
        confine(con, tuple(settings.read_files))
        reader, unused = result_stream(con, tables, sql, bound_values(settings.bind), lambda: ctx.cancelled)
        for name in unused:
            ctx.log_event("warning", code="SQL013", message=f'The SQL does not read the input "{name}".')
        return {"df": reader}
