"""Writes one Parquet file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from osiris.connectors.filesystem.config_checks import target_problems
from osiris.core import (
    ArrowStream,
    Columns,
    ConfigProblem,
    DriverConfig,
    ExecutionContext,
    PlannedStep,
    TargetPreview,
)

if TYPE_CHECKING:
    import pyarrow as pa

WRITE_MODE = {"enum": ["replace"], "x-aliases": {"overwrite": "replace"}}


class ParquetWriterConfig(DriverConfig):
    """Config of `filesystem.parquet_writer`."""

    path: Annotated[str, Field(min_length=1)]
    write_mode: Annotated[str, Field(json_schema_extra=WRITE_MODE)] = "replace"
    compression: Literal["zstd", "snappy", "gzip", "none"] = "zstd"
    row_group_rows: Annotated[int, Field(ge=2048, le=10_000_000)] = 122_880
    allow_empty: bool = False


class FilesystemParquetWriterDriver:
    """Publishes its input as one Parquet file, completely or not at all."""

    Config: ClassVar[type[DriverConfig]] = ParquetWriterConfig

    def check(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> list[ConfigProblem]:
        """Paths out of the folder or into the project itself."""
        return target_problems(config)

    def preview_write(
        self, config: Mapping[str, Any], columns: Columns | None, step: PlannedStep
    ) -> TargetPreview:
        """The file as the run would find it; nothing is written."""
        from osiris.connectors.filesystem.connection import FilesystemConnector
        from osiris.connectors.filesystem.parquet_writer import check_parquet
        from osiris.connectors.filesystem.preview import preview_file

        connector = FilesystemConnector(config["resolved_connection"])
        connector.connect()
        target = connector.resolve(ParquetWriterConfig.model_validate(config).path)
        return preview_file(target, connector.shown(target), columns, step, check_parquet)

    def fuses(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> bool:
        """One statement can compute the rows and write them."""
        return True

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, pa.RecordBatchReader] | None,
        ctx: ExecutionContext,
    ) -> Mapping[str, ArrowStream]:
        """Write the input `df`; nothing is read when this run key has already published the file."""
        from osiris.connectors.filesystem.connection import FilesystemConnector
        from osiris.connectors.filesystem.file_writer import already_committed, write_file
        from osiris.connectors.filesystem.parquet_writer import parquet_format, parquet_input
        from osiris.connectors.filesystem.publish import Publication

        settings = ParquetWriterConfig.model_validate(config)
        connector = FilesystemConnector(config["resolved_connection"])
        connector.connect()
        target = connector.resolve(settings.path)
        publication = Publication(target, connector.shown(target), ctx)
        if already_committed(publication, ctx):
            return {}
        source = parquet_input((inputs or {})["df"], publication.name)
        form = parquet_format(settings.compression, settings.row_group_rows)
        write_file(
            publication, source, form, ctx, allow_empty=settings.allow_empty, write_mode=settings.write_mode
        )
        return {}
