"""Canonical YAML: one text for equal values, easy to review, read back to exactly the same value.

Mappings and lists are in block form with sorted keys. Scalars are JSON, which YAML contains; text of several
lines is a literal block where that keeps every character.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from osiris.yamledit.scalars import READABLE, key_text, quoted

_LITERAL_LINE = re.compile(f"{READABLE.pattern}*(?<! )")
_LONGEST_SIMPLE_KEY = 1000
"""YAML 1.2.2, section 7.4.2, allows an implicit key 1024 characters; longer ones are written with `?`."""


def canonical_yaml(value: dict[str, Any]) -> str:
    """The one YAML text of a JSON-ready mapping."""
    return "\n".join(_block(value, 0) if value else ["{}"]) + "\n"


def _block(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, dict):
        for key in sorted(value):
            head = key_text(key)
            if len(head) > _LONGEST_SIMPLE_KEY:
                yield f"{pad}? {head}"
                head = ""
            yield from _entry(f"{pad}{head}:", value[key], depth)
    else:
        for item in value:
            yield from _item(item, depth)


def _entry(head: str, value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, (dict, list, tuple)) and value:
        yield head
        yield from _block(value, depth + 1)
    else:
        yield from _scalar_lines(head + " ", value, depth)


def _item(item: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(item, (dict, list, tuple)) and item:
        lines = _block(item, depth + 1)
        yield f"{pad}- {next(lines).lstrip(' ')}"
        yield from lines
    else:
        yield from _scalar_lines(f"{pad}- ", item, depth)


def _scalar_lines(head: str, value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str) and _fits_literal(value):
        body = value.removesuffix("\n")
        yield head + ("|" if value.endswith("\n") else "|-")
        for line in body.split("\n"):
            yield "  " * (depth + 1) + line if line else ""
    else:
        yield head + (quoted(value) if isinstance(value, str) else json.dumps(value, allow_nan=False))


def _fits_literal(text: str) -> bool:
    first, *more = text.removesuffix("\n").split("\n")
    if not more or not first or not more[-1] or first.startswith(" "):
        return False
    return all(_LITERAL_LINE.fullmatch(line) for line in (first, *more))
