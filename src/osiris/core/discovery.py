"""What a system holds, in one shape for every family."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class DiscoveryRequest:
    """What to look for: names (all when empty) and how many relations at most."""

    names: tuple[str, ...] = ()
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type as the source calls it and as Arrow carries it."""

    name: str
    source_type: str
    arrow_type: str
    nullable: bool = True
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, a view, or files of one shape; `rows` is an estimate unless `rows_exact`.

    `rows_sampled` says from how many rows the types were inferred; None where the source declares them.
    """

    name: str
    kind: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    rows: int | None = None
    rows_exact: bool = False
    comment: str | None = None
    files: int | None = None
    bytes: int | None = None
    rows_sampled: int | None = None


@dataclass(frozen=True, slots=True)
class Discovery:
    """The relations found, in name order; `truncated` when there are more than are listed."""

    relations: tuple[Relation, ...] = field(default=())
    truncated: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)
