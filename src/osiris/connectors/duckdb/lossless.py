"""Whether each value of one DuckDB type is held exactly by another, or refused by DuckDB when it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_INTEGER_BITS = {
    "tinyint": 8, "utinyint": 8, "smallint": 16, "usmallint": 16, "integer": 32, "uinteger": 32,
    "bigint": 64, "ubigint": 64, "hugeint": 128, "uhugeint": 128,
}  # fmt: skip

_FLOAT_BITS = {"float": 24, "double": 53}
"""Integers of so many bits are exact in a float."""

_WIDENING = {
    "date": {"timestamp"},
    "timestamp_s": {"timestamp_ms", "timestamp", "timestamp_ns"},
    "timestamp_ms": {"timestamp", "timestamp_ns"},
    "timestamp": {"timestamp_ns"},
    "time": {"time_ns"},
    "timestamp with time zone": {"timestamptz_ns"},
    "float": {"double"},
    "varchar": {"uuid", "enum"},
    "uuid": {"varchar"},
    "enum": {"varchar", "enum"},
}

_TEXT_FORM = {*_INTEGER_BITS, "decimal", "boolean", "date", "time", "timestamp"}
"""Types whose text is exact and has one form."""


def is_lossless(source: Any, target: Any) -> bool:
    """True also where DuckDB raises for the values that do not fit, as for a BIGINT into an INTEGER."""
    if str(source) == str(target) or source.id == "null":
        return True
    rule = _BY_SOURCE.get(source.id, _scalar_fits)
    return rule(source, target)


def _scalar_fits(source: Any, target: Any) -> bool:
    if target.id == "varchar" and source.id in _TEXT_FORM:
        return True
    return (source.id == target.id and source.id != "enum") or target.id in _WIDENING.get(source.id, ())


def _integer_fits(source: Any, target: Any) -> bool:
    if target.id in _FLOAT_BITS:
        return _INTEGER_BITS[source.id] <= _FLOAT_BITS[target.id]
    return target.id in _INTEGER_BITS or target.id in ("decimal", "varchar")


def _decimal_fits(source: Any, target: Any) -> bool:
    scale = _scale(source)
    if target.id == "decimal":
        return _scale(target) >= scale
    return target.id == "varchar" or (scale == 0 and target.id in _INTEGER_BITS)


def _scale(kind: Any) -> int:
    return int(dict(kind.children)["scale"])


def _nested_fits(source: Any, target: Any) -> bool:
    if source.id != target.id:
        return False
    ours, theirs = source.children, target.children
    if len(ours) != len(theirs) or [name for name, _ in ours] != [name for name, _ in theirs]:
        return False
    return all(
        a == b if isinstance(a, int) or isinstance(b, int) else is_lossless(a, b)
        for (_, a), (_, b) in zip(ours, theirs, strict=True)
    )


_BY_SOURCE: dict[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(_INTEGER_BITS, _integer_fits),
    **dict.fromkeys(("list", "array", "struct", "map"), _nested_fits),
    "decimal": _decimal_fits,
}
