"""The contracts that authors of components use; nothing here knows how a pipeline is compiled or run."""

from osiris.core.binding import bound_values, typed_value
from osiris.core.connector import Check, Connector
from osiris.core.context import Closeable, ExecutionContext
from osiris.core.discovery import Column, Discovery, DiscoveryRequest, Relation
from osiris.core.driver import (
    ArrowStream,
    ColumnLister,
    ColumnReader,
    ConfigChecker,
    ConfigProblem,
    Driver,
    DriverConfig,
    Fusible,
)
from osiris.core.lazy_rows import LazyRows
from osiris.core.preview import (
    ColumnChange,
    Columns,
    Effect,
    OutputPreviewer,
    PlannedStep,
    TargetPreview,
    WritePreviewer,
)
from osiris.core.streams import CountedReader, as_reader, counted, source_columns, with_source_columns
from osiris.redaction import Secret

__all__ = [
    "ArrowStream",
    "Check",
    "Closeable",
    "Column",
    "ColumnChange",
    "ColumnLister",
    "ColumnReader",
    "Columns",
    "ConfigChecker",
    "ConfigProblem",
    "Connector",
    "CountedReader",
    "Discovery",
    "DiscoveryRequest",
    "Driver",
    "DriverConfig",
    "Effect",
    "ExecutionContext",
    "Fusible",
    "LazyRows",
    "OutputPreviewer",
    "PlannedStep",
    "Relation",
    "Secret",
    "TargetPreview",
    "WritePreviewer",
    "as_reader",
    "bound_values",
    "counted",
    "source_columns",
    "typed_value",
    "with_source_columns",
]
