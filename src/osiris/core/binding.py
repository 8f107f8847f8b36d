"""Values that are bound to SQL parameters, never pasted into text.

A manifest is JSON, so a typed value that JSON lacks is written as `{"type": "date", "value": "2024-01-31"}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "decimal": Decimal,
}


def typed_value(value: Any) -> Any:
    """The JSON form of a value that is to be bound."""
    if isinstance(value, datetime):
        return {"type": "timestamp", "value": value.isoformat(sep=" ")}
    if isinstance(value, date):
        return {"type": "date", "value": value.isoformat()}
    if isinstance(value, Decimal):
        return {"type": "decimal", "value": str(value)}
    return value


def bound_values(bind: Mapping[str, Any]) -> dict[str, Any]:
    """Python values for a config's `bind` mapping, ready for a database driver."""
    return {name: _from_manifest(value) for name, value in bind.items()}


def _from_manifest(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _FROM_TEXT[value["type"]](value["value"])
    return value
