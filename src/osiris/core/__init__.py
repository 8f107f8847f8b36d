"""The contracts that authors of components use; nothing here knows how a pipeline is compiled or run."""

from osiris.core.binding import bound_values, typed_value
from osiris.core.connector import Check, Connector
from osiris.core.context import Closeable, ExecutionContext
from osiris.core.discovery import Column, Discovery, DiscoveryRequest, Relation
from osiris.core.driver import ArrowStream, ConfigChecker, ConfigProblem, Driver, DriverConfig
from osiris.core.streams import CountedReader, as_reader, counted
from osiris.redaction import Secret

__all__ = [
    "ArrowStream",
    "Check",
    "Closeable",
    "Column",
    "ConfigChecker",
    "ConfigProblem",
    "Connector",
    "CountedReader",
    "Discovery",
    "DiscoveryRequest",
    "Driver",
    "DriverConfig",
    "ExecutionContext",
    "Relation",
    "Secret",
    "as_reader",
    "bound_values",
    "counted",
    "typed_value",
]
