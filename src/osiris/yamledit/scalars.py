"""Values as YAML text: in the style of what stood there before, plain only where every reader agrees."""

from __future__ import annotations

import json
import re
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_PLAIN_TEXT = re.compile(r"[^\W\d][\w./-]*( [\w./-]+)*")
_RESERVED = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
READABLE = re.compile(r"[\x20-\x7e\xa1-\xac\xae-\u1fff\u2c00-\u2fff\u3001-\ud7ff]")
"""Characters that stand for themselves: no controls, no bidi or zero-width marks, no line separators."""
_LAST_OF_PLANE_0 = 0xFFFF
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def is_readable(text: str) -> bool:
    """Whether all characters stand for themselves."""
    return all(map(READABLE.fullmatch, text))


def quoted(text: str) -> str:
    """A double-quoted scalar; JSON's surrogate pairs are no YAML, so characters are escaped one by one."""
    return '"' + "".join(map(_escaped, text)) + '"'


def key_text(key: str) -> str:
    """A key, quoted unless it is a plain word."""
    plain = _PLAIN_KEY.fullmatch(key) and key.casefold() not in _RESERVED
    return key if plain else quoted(key)


def scalar_text(value: Any, quote: str = "") -> str:
    """A scalar in quotes of the given kind, or plain where none are given and none are needed."""
    if not isinstance(value, str):
        return json.dumps(value, allow_nan=False)
    if quote == "'" and is_readable(value):
        return "'" + value.replace("'", "''") + "'"
    plain = not quote and _PLAIN_TEXT.fullmatch(value) and is_readable(value)
    return value if plain and value.casefold() not in _RESERVED else quoted(value)


def flow_text(value: Any) -> str:
    """A value of any kind in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key_text(key)}: {flow_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow_text, value)) + "]"
    return scalar_text(value)


def _escaped(char: str) -> str:
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    if is_readable(char):
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= _LAST_OF_PLANE_0 else f"\\U{code:08x}"
