"""Values that are bound to SQL parameters, never pasted into text.

A manifest is JSON, so a typed value that JSON lacks is written as `{"type": "date", "value": "2024-01-31"}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from osiris.errors import PipelineError

_MAX_DIGITS = 38


def _decimal(text: str) -> Decimal:
    """The number; SQL008 where a database would round it to a float."""
    value = Decimal(text)
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or max(len(digits) + max(exponent, 0), -exponent) > _MAX_DIGITS:
        raise PipelineError(
            "SQL008",
            f"A decimal in bind has more than {_MAX_DIGITS} digits or is no number.",
            hint=f"Give a decimal of at most {_MAX_DIGITS} digits.",
        )
    return value


_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "decimal": _decimal,
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
