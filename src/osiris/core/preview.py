"""What a run would do: the questions that `osiris plan` may ask a driver before anything moves.

Both protocols are optional. A driver answers from its config, its connection and what lies there now. It
reads no rows that the pipeline would read, and makes and changes nothing. What `run` would raise for, it
raises too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import pyarrow as pa

    from osiris.errors import OsirisError

Columns: TypeAlias = "Mapping[str, pa.DataType | None]"
"""The columns of a stream in their order; None for a type that only the rows can tell."""


@dataclass(slots=True)
class PlannedStep:
    """Under which name a write would be recorded in its target."""

    pipeline: str
    fingerprint: str
    run_key: str
    step_id: str
    attempt: int = 1


class Effect(StrEnum):
    """What a write would do to its target; `nothing` where the target holds this run key already."""

    CREATE = "create"
    APPEND = "append"
    REPLACE = "replace"
    MERGE = "merge"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column that is not in the input as it is in the target; None on the side that lacks it.

    `is_lossy` where the input's type does not fit into the target's without losing information.
    """

    name: str
    target_type: str | None
    input_type: str | None
    is_lossy: bool = False


@dataclass(frozen=True, slots=True)
class TargetPreview:
    """A target as it is, and what one write would do to it.

    `name` is what the summary of a run calls it. `rows` and `bytes` are those that are there now, None where
    the target does not say. `keys` are the columns that a merge goes by. `is_atomic`: all of the write
    happens or nothing. `repeats`: every further run would add its rows again. `refusal` is the error with
    which the run would end here.
    """

    name: str
    exists: bool
    effect: Effect
    rows: int | None = None
    bytes: int | None = None
    keys: tuple[str, ...] = ()
    is_atomic: bool = True
    repeats: bool = False
    changes: tuple[ColumnChange, ...] = ()
    refusal: OsirisError | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_destructive(self) -> bool:
        """Whether rows that are there now, or may be, would be gone."""
        return self.exists and self.effect is Effect.REPLACE and self.rows != 0


@runtime_checkable
class OutputPreviewer(Protocol):
    """A driver of one output that may know its columns before the run."""

    def preview_output(
        self, config: Mapping[str, Any], inputs: Mapping[str, Columns | None]
    ) -> Columns | None:
        """The columns of the output, None where they are not certain; `inputs` are None likewise."""


@runtime_checkable
class WritePreviewer(Protocol):
    """A driver of a writer that can say what it would do to its target."""

    def preview_write(
        self, config: Mapping[str, Any], columns: Columns | None, step: PlannedStep
    ) -> TargetPreview:
        """The target as it is, looked at without changing it, and what the step's write would do."""
