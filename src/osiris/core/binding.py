"""Values that are bound to SQL parameters, never pasted into text.

A manifest is JSON, so a typed value that JSON lacks is written as `{"type": "date", "value": "2024-01-31"}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from osiris.errors import PipelineError
from osiris.findings import shortened

_MAX_DIGITS = 38


def _decimal(text: str) -> Decimal:
    """The number; `ValueError` where a database would round it to a float."""
    value = Decimal(text)
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or max(len(digits) + max(exponent, 0), -exponent) > _MAX_DIGITS:
        raise ValueError
    return value


_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "decimal": _decimal,
}


_EXPECTED = {
    "date": "Write a date as 2024-01-31.",
    "timestamp": "Write a timestamp as 2024-01-31 12:30:00.",
    "decimal": f"Write a decimal of at most {_MAX_DIGITS} digits, in quotes.",
}
_KINDS = f"Types are: {', '.join(_FROM_TEXT)}."


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
    """Python values for a config's `bind` mapping, ready for a database driver.

    Raises `PipelineError` SQL008 for a typed value that is not of its type.
    """
    return {name: _from_manifest(name, value) for name, value in bind.items()}


def _from_manifest(name: str, value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    kind, given = value["type"], value["value"]
    try:
        return _FROM_TEXT[kind](given)
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        message = f"The value {name!r} of bind is no {shortened(str(kind))}."
        raise PipelineError("SQL008", message, hint=_EXPECTED.get(str(kind), _KINDS)) from error
