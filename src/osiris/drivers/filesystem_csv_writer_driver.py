"""Writes one CSV file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from osiris.connectors.filesystem.config_checks import character_problems, target_problems
from osiris.connectors.filesystem.csv_dialect import CsvDialect
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


class CsvWriterConfig(DriverConfig):
    """Config of `filesystem.csv_writer`."""

    path: Annotated[str, Field(min_length=1)]
    write_mode: Annotated[str, Field(json_schema_extra=WRITE_MODE)] = "replace"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    header: bool = True
    compression: Literal["auto", "none", "gzip", "zstd"] = "auto"
    allow_empty: bool = False

    @property
    def dialect(self) -> CsvDialect:
        """How the file is written."""
        return CsvDialect(self.delimiter, self.quote, self.header, compression=self.compression)


class FilesystemCsvWriterDriver:
    """Publishes its input as one CSV file, completely or not at all."""

    Config: ClassVar[type[DriverConfig]] = CsvWriterConfig

    def check(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> list[ConfigProblem]:
        """Paths out of the folder or into the project itself, characters that tell nothing apart."""
        return target_problems(config) + character_problems(config)

    def preview_write(
        self, config: Mapping[str, Any], columns: Columns | None, step: PlannedStep
    ) -> TargetPreview:
        """The file as the run would find it; nothing is written."""
        from osiris.connectors.filesystem.connection import FilesystemConnector
        from osiris.connectors.filesystem.csv_writer import check_csv
        from osiris.connectors.filesystem.preview import preview_file

        connector = FilesystemConnector(config["resolved_connection"])
        connector.connect()
        target = connector.resolve(CsvWriterConfig.model_validate(config).path)
        return preview_file(target, connector.shown(target), columns, step, check_csv)

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
        from osiris.connectors.filesystem.csv_writer import csv_format, csv_input
        from osiris.connectors.filesystem.file_writer import already_committed, write_file
        from osiris.connectors.filesystem.publish import Publication

        settings = CsvWriterConfig.model_validate(config)
        connector = FilesystemConnector(config["resolved_connection"])
        connector.connect()
        target = connector.resolve(settings.path)
        publication = Publication(target, connector.shown(target), ctx)
        if already_committed(publication, ctx):
            return {}
        source = csv_input((inputs or {})["df"], publication.name)
        form = csv_format(target, settings.dialect)
        write_file(
            publication, source, form, ctx, allow_empty=settings.allow_empty, write_mode=settings.write_mode
        )
        return {}
