"""How: the protocol that every driver fulfils."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import pyarrow as pa

    from osiris.core.context import ExecutionContext


class ArrowStream(Protocol):
    """Anything that hands over an Arrow C stream: a reader, a table, a pandas or polars frame, a relation."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The PyCapsule of the Arrow PyCapsule interface."""


@runtime_checkable
class Driver(Protocol):
    """Carries out one step.

    `config` has defaults filled in, and `resolved_connection` where the component has a connection. `inputs`
    is None for a step without inputs. The result maps each declared output to an Arrow stream; a writer
    returns `{}` once everything is committed. Raise `osiris.errors` for what the reader can mend.
    """

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, pa.RecordBatchReader] | None,
        ctx: ExecutionContext,
    ) -> Mapping[str, ArrowStream]:
        """Do the step's work, or return streams that do it when they are read."""


class DriverConfig(BaseModel):
    """Base of a driver's typed config; its JSON Schema equals the spec's `configSchema`.

    Keys that the framework adds (`connection`, `resolved_connection`) are left out of the model.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """What a driver finds wrong in a config that fits its schema: `field` is a top-level key."""

    field: str
    code: str
    message: str
    hint: str | None = None
    line: int = 0
    column: int = 0
    """Position inside a text value, counted from 1; 0 means the value as a whole."""


@runtime_checkable
class ColumnReader(Protocol):
    """A driver that can say which columns of its inputs it reads, so that sources leave out the rest."""

    def columns_read(self, config: Mapping[str, Any]) -> frozenset[str] | None:
        """Folded names of which every column read is one; None for all columns."""


@runtime_checkable
class Fusible(Protocol):
    """A driver whose inputs may come as lazy rows, and whose output then is lazy rows too.

    Where neighbouring steps agree, the last of them carries out the work of all in one statement.
    """

    def fuses(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> bool:
        """Whether the outcome is the same then as with streams; asked before anything is opened."""


@runtime_checkable
class ConfigChecker(Protocol):
    """A driver that checks more than a schema can say; its spec declares `x-runtime.checks: true`."""

    def check(self, config: Mapping[str, Any], input_names: tuple[str, ...]) -> list[ConfigProblem]:
        """All problems of one step's config, found without opening a connection."""


@runtime_checkable
class ColumnLister(Protocol):
    """A driver that may know its output's columns beforehand; its spec declares `x-runtime.checks: true`."""

    def output_columns(self, config: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The columns of the step's output, None where the config does not say them; nothing is opened."""
