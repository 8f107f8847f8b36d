"""What a writer is asked to do, and what it did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """What to write where and how; the fields are those of the writer's config."""

    table: str
    write_mode: str
    primary_key: tuple[str, ...]
    create: str
    allow_empty: bool


@dataclass(frozen=True, slots=True)
class Applied:
    """What a write did to the table."""

    inserted: int
    updated: int = 0
    deleted: int = 0

    @property
    def rows(self) -> int:
        """The rows of the input that are now in the table."""
        return self.inserted + self.updated
