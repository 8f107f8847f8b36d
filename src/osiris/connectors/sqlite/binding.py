"""Values of `bind` as SQLite takes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from osiris.core import bound_values
from osiris.errors import PipelineError

_INT64 = range(-(2**63), 2**63)


def sqlite_values(bind: Mapping[str, Any]) -> dict[str, Any]:
    """The values by name: dates and timestamps as ISO 8601 text, which is how SQLite compares them.

    Raises `PipelineError` SQL008 for a number that SQLite would round.
    """
    return {name: _exact(name, value) for name, value in bound_values(bind).items()}


def _exact(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else _double(name, value)
    if isinstance(value, int) and value not in _INT64:
        raise _too_long(name)
    return value


def _double(name: str, value: Decimal) -> float:
    """The double that means the number, as it would if the number stood in the SQL."""
    double = float(value)
    if Decimal(repr(double)) != value:
        raise _too_long(name)
    return double


def _too_long(name: str) -> PipelineError:
    return PipelineError(
        "SQL008",
        f"The value of {name} in bind has more digits than SQLite's numbers hold.",
        hint="Give it as text, and compare it with a column of text.",
        details={"field": "bind"},
    )
