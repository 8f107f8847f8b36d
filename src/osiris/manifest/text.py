"""Canonical YAML: one text for equal values, easy to review, read back to exactly the same value.

Mappings and lists are in block form with sorted keys. Scalars are JSON, which YAML contains; text of several
lines is a literal block where that keeps every character.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_RESERVED = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_READABLE = re.compile(r"[\x20-\x7e\xa1-\xac\xae-\u1fff\u2c00-\u2fff\u3001-\ud7ff]")
"""Characters that stand for themselves: no controls, no bidi or zero-width marks, no line separators."""
_LITERAL_LINE = re.compile(f"{_READABLE.pattern}*(?<! )")
_LONGEST_SIMPLE_KEY = 1000
"""YAML 1.2.2, section 7.4.2, allows an implicit key 1024 characters; longer ones are written with `?`."""
_LAST_OF_PLANE_0 = 0xFFFF
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def canonical_yaml(value: dict[str, Any]) -> str:
    """The one YAML text of a JSON-ready mapping."""
    return "\n".join(_block(value, 0) if value else ["{}"]) + "\n"


def _block(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, dict):
        for key in sorted(value):
            head = _key(key)
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
        yield head + (_quoted(value) if isinstance(value, str) else json.dumps(value, allow_nan=False))


def _fits_literal(text: str) -> bool:
    first, *more = text.removesuffix("\n").split("\n")
    if not more or not first or not more[-1] or first.startswith(" "):
        return False
    return all(_LITERAL_LINE.fullmatch(line) for line in (first, *more))


def _key(key: str) -> str:
    plain = _PLAIN_KEY.fullmatch(key) and key.casefold() not in _RESERVED
    return key if plain else _quoted(key)


def _quoted(text: str) -> str:
    """A double-quoted scalar; JSON's surrogate pairs are no YAML, so characters are escaped one by one."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    if _READABLE.fullmatch(char):
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= _LAST_OF_PLANE_0 else f"\\U{code:08x}"
