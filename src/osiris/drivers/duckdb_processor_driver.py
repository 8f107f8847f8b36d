"""duckdb.processor: SQL over the step's inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from osiris.connectors.duckdb.checking import (
    BindValue,
    Sql,
    bind_problems,
    parse,
    problem,
    problem_at,
    refuse_bad_inputs,
    refuse_reserved,
    unknown_tables,
)
from osiris.connectors.duckdb.engine import interrupt, open_engine
from osiris.connectors.duckdb.files import absolute_files, is_declared, undeclared
from osiris.connectors.duckdb.projection import named_columns, result_columns
from osiris.connectors.duckdb.statements import Select
from osiris.core import (
    ArrowStream,
    Columns,
    ConfigProblem,
    DriverConfig,
    ExecutionContext,
    as_reader,
    bound_values,
)
from osiris.errors import PipelineError

if TYPE_CHECKING:
    import pyarrow as pa

    from osiris.connectors.duckdb.query_rows import QueryRows

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
        """Syntax errors, other statements than one SELECT, what is out of reach, and bad bindings."""
        settings = ProcessorConfig.model_validate(dict(config))
        problems = list(bind_problems(settings.bind))
        try:
            refuse_bad_inputs(input_names)
            select = parse("query", settings.query, settings.bind)
            refuse_reserved("query", select, "Read the step's inputs.")
        except PipelineError as error:
            return [*problems, problem(error, "query")]
        return [*problems, *_out_of_reach(select, input_names, settings.read_files)]

    def output_columns(self, config: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The names in the SELECT's list, where it has no * and names each column."""
        settings = ProcessorConfig.model_validate(dict(config))
        return result_columns(parse("query", settings.query, settings.bind))

    def preview_output(
        self, config: Mapping[str, Any], inputs: Mapping[str, Columns | None]
    ) -> Columns | None:
        """The result's columns: all of them where the inputs are known, else the names that the SQL gives."""
        from osiris.connectors.duckdb.preview import preview_query

        settings = ProcessorConfig.model_validate(dict(config))
        select = parse("query", settings.query, settings.bind)
        return preview_query(
            select, bound_values(settings.bind), inputs, reads_files=bool(settings.read_files)
        )

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
        """The result as a stream; inputs that the query reads twice are loaded before it starts.

        Where all inputs are rows that a SELECT can take in, so is the result.
        """
        settings = ProcessorConfig.model_validate(dict(config))
        refuse_bad_inputs(tuple(inputs or {}))
        select = parse("query", settings.query, settings.bind)
        refuse_reserved("query", select, "Read the step's inputs.")
        rows = _joined(select, settings, inputs or {}, ctx)
        return {"df": rows or _streamed(select, settings, inputs or {}, ctx)}

    def fuses(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> bool:
        """Whether the SQL can take its inputs in as parts of its own statement."""
        from osiris.connectors.duckdb.query_rows import is_joinable

        settings = ProcessorConfig.model_validate(dict(config))
        try:
            select = parse("query", settings.query, settings.bind)
        except PipelineError:
            return False  # `run` says what is wrong
        return not settings.read_files and is_joinable(select, input_names)


def _out_of_reach(
    select: Select, input_names: tuple[str, ...], read_files: list[str]
) -> Iterator[ConfigProblem]:
    files = tuple(table.text for table in select.tables if is_declared(table.text, read_files))
    yield from unknown_tables("query", select, (*input_names, *files))
    for spot in undeclared(select, read_files):
        message = f"The file {spot.text!r} is not in read_files."
        yield problem_at("query", select, spot, "SQL007", message, _way_to_read(spot.text, read_files))


def _way_to_read(file: str, read_files: list[str]) -> str:
    if "://" in file:
        return "The SQL reaches no network; fetch the file into the project first."
    add = f"Add it to the config: read_files: [{file}]."
    return f"There are: {', '.join(read_files)}." if read_files else add


def _joined(
    select: Select, settings: ProcessorConfig, inputs: Mapping[str, Any], ctx: ExecutionContext
) -> QueryRows | None:
    from osiris.connectors.duckdb.query_rows import QueryRows
    from osiris.connectors.duckdb.sql_rows import Limits, SqlRows

    sources = {name: rows for name, rows in inputs.items() if isinstance(rows, SqlRows)}
    if not sources or len(sources) < len(inputs):
        return None
    limits = Limits.of(settings.memory_limit, settings.threads)
    return QueryRows.of(ctx, select, bound_values(settings.bind), limits, sources)


def _streamed(
    select: Select, settings: ProcessorConfig, inputs: Mapping[str, Any], ctx: ExecutionContext
) -> pa.RecordBatchReader:
    from osiris.connectors.duckdb.processing import InputTables, result_stream
    from osiris.connectors.duckdb.sql_rows import confine

    con = open_engine(settings.memory_limit, settings.threads, ctx.work_dir)
    ctx.closing(con)
    ctx.on_cancel(partial(interrupt, con))
    tables = InputTables(con, {name: as_reader(source) for name, source in inputs.items()})
    confine(con, settings.read_files)
    sql, params = absolute_files(select, settings.read_files), bound_values(settings.bind)
    reader, unused = result_stream(con, tables, sql, params, lambda: ctx.cancelled)
    for name in unused:
        ctx.log_event("warning", code="SQL013", message=f'The SQL does not read the input "{name}".')
    return reader
