"""A finding: one problem of one text, as data that every front end shows alike."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """Errors stop a compile; warnings and notes do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Mark:
    """A position in a text, counted from 1."""

    line: int
    column: int


class Safety(StrEnum):
    """Whether a patch may be applied unseen; docs/adr/0010-repairs.md has the rule."""

    SAFE = "safe"
    NEEDS_REVIEW = "needs-review"


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of the document that removes a finding: RFC 6902 operations, and what they do in one line."""

    title: str
    operations: tuple[dict[str, Any], ...]
    safety: Safety = Safety.NEEDS_REVIEW

    @property
    def is_safe(self) -> bool:
        """Whether it cannot change what a correct reading of the document meant."""
        return self.safety is Safety.SAFE

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "title": self.title,
            "safety": self.safety.value,
            "operations": [dict(operation) for operation in self.operations],
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem: a stable code, where it is, what is wrong, what was probably meant, and what mends it."""

    code: str
    message: str
    severity: Severity = Severity.ERROR
    pointer: str = ""
    file: str | None = None
    mark: Mark | None = None
    candidates: tuple[str, ...] = ()
    hint: str | None = None
    step_id: str | None = field(default=None, compare=False)
    patch: Patch | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; `line` and `column` count from 1, `pointer` is an RFC 6901 JSON pointer."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "file": self.file,
            "line": self.mark.line if self.mark else None,
            "column": self.mark.column if self.mark else None,
            "pointer": self.pointer,
            "step_id": self.step_id,
            "candidates": list(self.candidates),
            "hint": self.hint,
            "patch": self.patch.to_dict() if self.patch else None,
        }

    @property
    def order(self) -> tuple[int, int, str, str]:
        """Sort key: position in the file, then code."""
        mark = self.mark or Mark(0, 0)
        return mark.line, mark.column, self.code, self.pointer


def nearest(name: str, choices: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The choices that `name` was probably meant to be, best first."""
    by_folded = {choice.casefold(): choice for choice in choices}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=limit, cutoff=0.6)
    return tuple(by_folded[match] for match in close)


def shortened(text: str, length: int = 60) -> str:
    """The text, cut with an ellipsis where it is longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def as_written(value: Any) -> str:
    """A value as it may stand in YAML: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def pointer(*tokens: str | int) -> str:
    """An RFC 6901 JSON pointer from path tokens."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def tokens(text: str) -> tuple[str, ...]:
    """The path tokens of an RFC 6901 JSON pointer."""
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:])
