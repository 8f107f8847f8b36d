"""Values for SQL parameters: exact, or refused with what was expected."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from osiris.core import bound_values, typed_value
from osiris.errors import PipelineError

VALUES = [1, "x", None, True, date(2024, 1, 31), datetime(2024, 1, 31, 12, 30), Decimal("0.10")]  # noqa: DTZ001


@pytest.mark.parametrize("value", VALUES)
def test_what_a_manifest_keeps_is_bound_as_it_was(value: Any) -> None:
    assert bound_values({"v": typed_value(value)}) == {"v": value}


BAD = {
    "day": ("date", "31.1.2024", "2024-01-31"),
    "number for a day": ("date", 20240131, "2024-01-31"),
    "time": ("timestamp", "noon", "12:30:00"),
    "word": ("decimal", "ten", "at most 38 digits"),
    "infinity": ("decimal", "Infinity", "at most 38 digits"),
    "too long": ("decimal", "1" * 39, "at most 38 digits"),
    "too fine": ("decimal", "1e-39", "at most 38 digits"),
    "type": ("money", "1", "date, timestamp, decimal"),
    "no type": (["date"], "1", "date, timestamp, decimal"),
}


@pytest.mark.parametrize(("kind", "value", "hint"), BAD.values(), ids=BAD)
def test_what_is_not_of_its_type_is_refused(kind: Any, value: Any, hint: str) -> None:
    with pytest.raises(PipelineError, match="'since' of bind") as caught:
        bound_values({"since": {"type": kind, "value": value}})
    assert caught.value.code == "SQL008"
    assert hint in (caught.value.hint or "")
