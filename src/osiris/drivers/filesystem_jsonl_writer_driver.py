"""Writes one JSON Lines file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from osiris.connectors.filesystem.config_checks import target_problems
from osiris.connectors.filesystem.connection import FilesystemConnector
from osiris.connectors.filesystem.file_writer import already_committed, write_file
from osiris.connectors.filesystem.jsonl_writer import check_jsonl, jsonl_format, jsonl_input
from osiris.connectors.filesystem.preview import preview_file
from osiris.connectors.filesystem.publish import Publication
from osiris.core import (
    ArrowStream,
    Columns,
    ConfigProblem,
    DriverConfig,
    ExecutionContext,
    PlannedStep,
    TargetPreview,
)

WRITE_MODE = {"enum": ["replace"], "x-aliases": {"overwrite": "replace"}}


class JsonlWriterConfig(DriverConfig):
    """Config of `filesystem.jsonl_writer`."""

    path: Annotated[str, Field(min_length=1)]
    write_mode: Annotated[str, Field(json_schema_extra=WRITE_MODE)] = "replace"
    json_columns: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), json_schema_extra={"uniqueItems": True}
    )
    compression: Literal["auto", "none", "gzip", "zstd"] = "auto"
    allow_empty: bool = False


class FilesystemJsonlWriterDriver:
    """Publishes its input as one JSON Lines file, completely or not at all."""

    Config: ClassVar[type[DriverConfig]] = JsonlWriterConfig

    def check(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> list[ConfigProblem]:
        """Paths that leave the folder."""
        return target_problems(config)

    def preview_write(
        self, config: Mapping[str, Any], columns: Columns | None, step: PlannedStep
    ) -> TargetPreview:
        """The file as the run would find it; nothing is written."""
        connector = FilesystemConnector(config["resolved_connection"])
        connector.connect()
        target = connector.resolve(JsonlWriterConfig.model_validate(config).path)
        return preview_file(target, connector.shown(target), columns, step, check_jsonl)

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, pa.RecordBatchReader] | None,
        ctx: ExecutionContext,
    ) -> Mapping[str, ArrowStream]:
        """Write the input `df`; nothing is read when this run key has already published the file."""
        settings = JsonlWriterConfig.model_validate(config)
        connector = FilesystemConnector(config["resolved_connection"])
        connector.connect()
        target = connector.resolve(settings.path)
        publication = Publication(target, connector.shown(target), ctx)
        if already_committed(publication, ctx):
            return {}
        source = jsonl_input((inputs or {})["df"], settings.json_columns, publication.name)
        form = jsonl_format(target, settings.compression)
        write_file(
            publication, source, form, ctx, allow_empty=settings.allow_empty, write_mode=settings.write_mode
        )
        return {}
