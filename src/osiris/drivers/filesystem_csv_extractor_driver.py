"""Reads CSV files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from osiris.connectors.filesystem.config_checks import character_problems, source_problems, type_problems
from osiris.connectors.filesystem.csv_dialect import CsvDialect
from osiris.core import ArrowStream, Columns, ConfigProblem, DriverConfig, ExecutionContext

if TYPE_CHECKING:
    import pyarrow as pa

    from osiris.connectors.filesystem.csv_reader import CsvSource


class CsvExtractorConfig(DriverConfig):
    """Config of `filesystem.csv_extractor`."""

    path: Annotated[str, Field(min_length=1)]
    columns: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), json_schema_extra={"uniqueItems": True}
    )
    column_types: dict[str, str] = Field(
        default_factory=dict, alias="schema", json_schema_extra={"default": {}}
    )
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(max_length=1)] = '"'
    header: bool = True
    null_values: tuple[str, ...] = ()
    compression: Literal["auto", "none", "gzip", "zstd"] = "auto"
    max_line_bytes: Annotated[int, Field(ge=1000, le=1_000_000_000)] = 2_000_000

    @property
    def dialect(self) -> CsvDialect:
        """How the files are written."""
        return CsvDialect(
            delimiter=self.delimiter,
            quote=self.quote,
            header=self.header,
            null_values=self.null_values,
            compression=self.compression,
            max_line_bytes=self.max_line_bytes,
        )


class FilesystemCsvExtractorDriver:
    """Streams the rows of one or many CSV files, each value exact or refused."""

    Config: ClassVar[type[DriverConfig]] = CsvExtractorConfig

    def check(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> list[ConfigProblem]:
        """Paths out of the folder or to secrets, characters that tell nothing apart, unknown types."""
        problems = source_problems(config) + character_problems(config)
        return problems + type_problems(config.get("schema", {}))

    def preview_output(
        self, config: Mapping[str, Any], inputs: Mapping[str, Columns | None]
    ) -> Columns | None:
        """The columns of the first file, which all of them must have; undeclared types are not known."""
        from osiris.connectors.filesystem.connection import FilesystemConnector
        from osiris.connectors.filesystem.csv_reader import CsvRequest
        from osiris.connectors.filesystem.preview import head_columns

        settings = CsvExtractorConfig.model_validate(config)
        connector = FilesystemConnector(config["resolved_connection"])
        connector.connect()
        first = connector.expand(settings.path)[0]
        request = CsvRequest(settings.columns, settings.column_types)
        return head_columns(first, connector.shown(first), settings.dialect, request)

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
        """A lazy stream `df`; columns without a declared type get one from the first rows."""
        from osiris.connectors.filesystem.connection import FilesystemConnector
        from osiris.connectors.filesystem.csv_reader import CsvRequest, CsvSource
        from osiris.connectors.filesystem.file_rows import FileRows
        from osiris.connectors.filesystem.sidecar import expected_rows

        settings = CsvExtractorConfig.model_validate(config)
        connector = FilesystemConnector(config["resolved_connection"])
        connector.connect()
        paths = connector.expand(settings.path)
        promised = expected_rows(paths, connector.shown)
        request = CsvRequest(settings.columns, settings.column_types)
        source = CsvSource(paths, settings.dialect, connector.shown, request)
        source.glance(lambda: ctx.cancelled)
        if source.undeclared:
            _infer(source, ctx)
        return {"df": FileRows(source, paths, promised, connector.shown, ctx)}


def _infer(source: CsvSource, ctx: ExecutionContext) -> None:
    """Find the missing types and put them into the session; the text to pin has the declared ones too."""
    from osiris.connectors.filesystem.csv_inference import pin_text
    from osiris.connectors.filesystem.engine import reading_engine

    undeclared = source.undeclared
    with closing(reading_engine(ctx, source.buffer_bytes)) as con:
        found = source.infer(con, ctx)
    if not found.rows_sampled:
        ctx.log_event("warning", message="There are no rows, so columns without a declared type are text.")
    normalised = [source.names[position] for position in found.normalised]
    pin = pin_text(source.types)
    ctx.log_event(
        "schema_inferred",
        columns={name: source.types[name] for name in undeclared},
        normalised=normalised,
        rows_sampled=found.rows_sampled,
        pin=pin,
    )
    (ctx.artifacts_dir / "schema.yaml").write_text(pin, encoding="utf-8")
    if normalised:
        ctx.logger.warning(
            "Numbers in %s have differing numbers of decimals; their values are kept, their text is not. "
            "Declare the columns as VARCHAR to keep the text.",
            ", ".join(normalised),
        )
