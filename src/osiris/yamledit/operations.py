"""The operations of RFC 6902 that patches consist of, and what they do to a value."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from osiris.findings import pointer, tokens

Path_ = tuple[str | int, ...]
Operation = dict[str, Any]


def renamed(path: Path_, key: str) -> Operation:
    """Give the key at a path another name."""
    return {"op": "move", "from": pointer(*path), "path": pointer(*path[:-1], key)}


def replaced(path: Path_, value: Any) -> Operation:
    """Put a value in the place of the one at a path."""
    return {"op": "replace", "path": pointer(*path), "value": value}


def added(path: Path_, value: Any) -> Operation:
    """Add a key to a mapping."""
    return {"op": "add", "path": pointer(*path), "value": value}


def removed(path: Path_) -> Operation:
    """Take a key out of its mapping, or an item out of its list."""
    return {"op": "remove", "path": pointer(*path)}


def place(value: Any, text: str) -> Path_:
    """The path that a JSON pointer means in a value: tokens that lead into a list are positions."""
    path: list[str | int] = []
    for token in tokens(text):
        step = int(token) if isinstance(value, list) else token
        path.append(step)
        value = _child(value, step)
    return tuple(path)


def patched(value: Any, operations: Iterable[Mapping[str, Any]]) -> Any:
    """A copy of the value after the operations. Raises `LookupError` where one of them does not fit."""
    value = copy.deepcopy(value)
    for operation in operations:
        *parents, last = place(value, operation["path"])
        owner = _at(value, parents)
        if operation["op"] == "move":
            *_, source = place(value, operation["from"])
            owner[last] = owner.pop(source)
        elif operation["op"] == "remove":
            del owner[last]
        else:
            if operation["op"] == "replace":
                _at(owner, [last])
            owner[last] = copy.deepcopy(operation["value"])
    return value


def _at(value: Any, path: Iterable[str | int]) -> Any:
    for token in path:
        value = value[token]
    return value


def _child(value: Any, token: str | int) -> Any:
    try:
        return value[token]
    except (LookupError, TypeError):
        return None
