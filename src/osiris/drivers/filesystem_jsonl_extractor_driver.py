"""Reads JSON Lines files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Annotated, Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from osiris.connectors.filesystem.config_checks import source_problems, type_problems
from osiris.connectors.filesystem.connection import FilesystemConnector
from osiris.connectors.filesystem.csv_inference import pin_text
from osiris.connectors.filesystem.engine import reading_engine
from osiris.connectors.filesystem.jsonl_lines import JsonlForm
from osiris.connectors.filesystem.jsonl_reader import JsonlRequest, JsonlRows, JsonlSource
from osiris.connectors.filesystem.jsonl_types import declared
from osiris.connectors.filesystem.sidecar import expected_rows
from osiris.core import ArrowStream, ConfigProblem, DriverConfig, ExecutionContext


class JsonlExtractorConfig(DriverConfig):
    """Config of `filesystem.jsonl_extractor`."""

    path: Annotated[str, Field(min_length=1)]
    columns: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), json_schema_extra={"uniqueItems": True}
    )
    column_types: dict[str, str] = Field(
        default_factory=dict, alias="schema", json_schema_extra={"default": {}}
    )
    compression: Literal["auto", "none", "gzip", "zstd"] = "auto"
    max_line_bytes: Annotated[int, Field(ge=1000, le=1_000_000_000)] = 2_000_000


class FilesystemJsonlExtractorDriver:
    """Streams the rows of one or many JSON Lines files, each value exact or refused."""

    Config: ClassVar[type[DriverConfig]] = JsonlExtractorConfig

    def check(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> list[ConfigProblem]:
        """Paths that leave the folder and types that do not exist."""
        return source_problems(config) + type_problems(config.get("schema", {}), declared)

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, pa.RecordBatchReader] | None,
        ctx: ExecutionContext,
    ) -> Mapping[str, ArrowStream]:
        """A lazy stream `df`; keys without a declared type get one from the first rows."""
        settings = JsonlExtractorConfig.model_validate(config)
        connector = FilesystemConnector(config["resolved_connection"])
        connector.connect()
        paths = connector.expand(settings.path)
        promised = expected_rows(paths, connector.shown)
        form = JsonlForm(settings.compression, settings.max_line_bytes)
        request = JsonlRequest(settings.columns, settings.column_types)
        source = JsonlSource(paths, form, connector.shown, request)
        with closing(reading_engine(ctx)) as con:
            source.look(con, ctx)
        if source.undeclared:
            _tell(source, ctx)
        return {"df": JsonlRows(source, paths, promised, connector.shown, ctx)}


def _tell(source: JsonlSource, ctx: ExecutionContext) -> None:
    """Put the types that were found into the session; the text to pin has the declared ones too."""
    if not source.sample.rows:
        ctx.log_event("warning", message="There are no rows, so columns without a declared type are text.")
    pin = pin_text(source.types)
    ctx.log_event(
        "schema_inferred",
        columns={name: source.types[name] for name in source.undeclared},
        normalised=list(source.normalised),
        rows_sampled=source.sample.rows,
        pin=pin,
    )
    (ctx.artifacts_dir / "schema.yaml").write_text(pin, encoding="utf-8")
    if source.normalised:
        ctx.logger.warning(
            "Numbers in %s have differing numbers of decimals; their values are kept, their text is not. "
            "Declare the columns as JSON to keep the text.",
            ", ".join(source.normalised),
        )
