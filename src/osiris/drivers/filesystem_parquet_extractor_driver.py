"""Reads Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from osiris.connectors.filesystem.config_checks import source_problems
from osiris.core import ArrowStream, Columns, ConfigProblem, DriverConfig, ExecutionContext

if TYPE_CHECKING:
    import pyarrow as pa


class ParquetExtractorConfig(DriverConfig):
    """Config of `filesystem.parquet_extractor`."""

    path: Annotated[str, Field(min_length=1)]
    columns: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), json_schema_extra={"uniqueItems": True}
    )


class FilesystemParquetExtractorDriver:
    """Streams the rows of one or many Parquet files, each value exact or refused."""

    Config: ClassVar[type[DriverConfig]] = ParquetExtractorConfig

    def check(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> list[ConfigProblem]:
        """Paths out of the folder or to secrets."""
        return source_problems(config)

    def preview_output(
        self, config: Mapping[str, Any], inputs: Mapping[str, Columns | None]
    ) -> Columns | None:
        """The columns that the files' footers tell."""
        from osiris.connectors.filesystem.connection import FilesystemConnector
        from osiris.connectors.filesystem.file_rows import source_schema
        from osiris.connectors.filesystem.parquet_reader import ParquetSource

        settings = ParquetExtractorConfig.model_validate(config)
        connector = FilesystemConnector(config["resolved_connection"])
        connector.connect()
        source = ParquetSource(connector.expand(settings.path), connector.shown, settings.columns)
        schema = source_schema(source)
        return dict(zip(schema.names, schema.types, strict=True))

    def fuses(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> bool:
        """The rows are a SELECT that a later step's statement can take in."""
        return True

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, pa.RecordBatchReader] | None,
        ctx: ExecutionContext,
    ) -> Mapping[str, ArrowStream]:
        """A lazy stream `df` with the files' own types."""
        from osiris.connectors.filesystem.connection import FilesystemConnector
        from osiris.connectors.filesystem.file_rows import FileRows
        from osiris.connectors.filesystem.parquet_reader import ParquetSource
        from osiris.connectors.filesystem.sidecar import expected_rows

        settings = ParquetExtractorConfig.model_validate(config)
        connector = FilesystemConnector(config["resolved_connection"])
        connector.connect()
        paths = connector.expand(settings.path)
        expected_rows(paths, connector.shown)
        source = ParquetSource(paths, connector.shown, settings.columns)
        return {"df": FileRows(source, paths, source.rows, connector.shown, ctx)}
