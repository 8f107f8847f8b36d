"""Arrow values as SQLite keeps them: each pair of types is exact, or it is not in the table below.

Times are ISO 8601 text: `YYYY-MM-DD`, `HH:MM:SS`, `YYYY-MM-DD HH:MM:SS`, the last one with `+00:00` where the
Arrow type has a zone. A fraction of a second has six digits (nine if it needs them) and is left out where it
is zero, so that equal moments are equal texts and texts sort as the moments do.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pyarrow as pa

from osiris.connectors.sqlite.column_types import ColumnType, Kind

_DAYS = (-719_162, 2_932_896)
"""0001-01-01 and 9999-12-31 as days since 1970: the dates with four digits of a year."""

_SPACES = r"[\t\n\v\f\r ]*"
_LOOKS_LIKE_A_NUMBER = rf"^{_SPACES}[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?{_SPACES}$"
"""What numeric affinity makes a number of."""

Encode = Callable[[pa.Array], list[Any]]


class ValueKind(StrEnum):
    """What the values of an Arrow type are, in words for messages."""

    INTEGER = "whole number"
    BOOLEAN = "boolean"
    DOUBLE = "double"
    DECIMAL = "decimal"
    WHOLE_DECIMAL = "decimal without decimals"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamp with a zone"
    TEXT = "text"
    BYTES = "bytes"
    NULL = "null"


class UnfitError(Exception):
    """Some value cannot be kept exactly."""


@dataclass(frozen=True, slots=True)
class Form:
    """A way to keep values; `refuses` completes "the value ..." for those that it cannot keep."""

    encode: Encode
    refuses: str = ""

    def misfit(self, array: pa.Array) -> int | None:
        """The index of the first value that cannot be kept."""
        lengths = range(1, len(array) + 1)
        index = bisect_left(lengths, True, key=lambda length: not self._keeps(array.slice(0, length)))
        return index if index < len(array) else None

    def _keeps(self, array: pa.Array) -> bool:
        try:
            self.encode(array)
        except (pa.ArrowInvalid, UnfitError):
            return False
        return True


def value_kind(arrow: pa.DataType) -> ValueKind | None:
    """What the type's values are; None for one that SQLite cannot keep, such as a list."""
    if pa.types.is_dictionary(arrow):
        return value_kind(arrow.value_type)
    if pa.types.is_decimal(arrow):
        return ValueKind.DECIMAL if arrow.scale > 0 else ValueKind.WHOLE_DECIMAL
    if pa.types.is_timestamp(arrow):
        return ValueKind.TIMESTAMPTZ if arrow.tz else ValueKind.TIMESTAMP
    return next((kind for is_one, kind in _TESTS if is_one(arrow)), None)


def form_for(arrow: pa.DataType, column: ColumnType) -> Form | None:
    """How a column keeps the type's values; None if it would change some of them."""
    kind = value_kind(arrow)
    return None if kind is None else FORMS[kind].get(column.kind)


_TESTS: tuple[tuple[Callable[[pa.DataType], bool], ValueKind], ...] = (
    (pa.types.is_integer, ValueKind.INTEGER),
    (pa.types.is_boolean, ValueKind.BOOLEAN),
    (pa.types.is_floating, ValueKind.DOUBLE),
    (pa.types.is_date, ValueKind.DATE),
    (pa.types.is_time, ValueKind.TIME),
    (pa.types.is_string, ValueKind.TEXT),
    (pa.types.is_large_string, ValueKind.TEXT),
    (pa.types.is_string_view, ValueKind.TEXT),
    (pa.types.is_binary, ValueKind.BYTES),
    (pa.types.is_large_binary, ValueKind.BYTES),
    (pa.types.is_binary_view, ValueKind.BYTES),
    (pa.types.is_fixed_size_binary, ValueKind.BYTES),
    (pa.types.is_null, ValueKind.NULL),
)


def _plain(array: pa.Array) -> list[Any]:
    values: list[Any] = array.to_pylist()
    return values


def _cast(arrow: pa.DataType) -> Encode:
    """A safe cast, which refuses values that would change."""
    return lambda array: _plain(array.cast(arrow))


def _doubles(array: pa.Array) -> list[Any]:
    import pyarrow.compute as pc

    array = array.cast(pa.float64())
    if pc.any(pc.is_nan(array)).as_py():
        raise UnfitError
    return _plain(array)


def _decimal_texts(array: pa.Array) -> list[Any]:
    """All decimals that the type has, never an exponent, which Arrow writes for small numbers."""
    texts = _plain(array.cast(pa.string()))
    return [format(Decimal(text), "f") if text is not None and "E" in text else text for text in texts]


def _dates(array: pa.Array) -> list[Any]:
    return _plain(_in_range(array.cast(pa.date32())).cast(pa.string()))


def _midnights(array: pa.Array) -> list[Any]:
    return [None if text is None else f"{text} 00:00:00" for text in _dates(array)]


def _moments(suffix: str) -> Encode:
    def encode(array: pa.Array) -> list[Any]:
        unit = array.type.unit
        utc = array.view(pa.timestamp(unit))
        _in_range(utc.cast(pa.date32(), safe=False))
        texts = _iso(utc, pa.timestamp("s"), pa.timestamp("ns" if unit == "ns" else "us"))
        return [None if text is None else text + suffix for text in texts] if suffix else texts

    return encode


def _times(array: pa.Array) -> list[Any]:
    return _iso(array, pa.time32("s"), pa.time64("ns" if array.type.unit == "ns" else "us"))


def _in_range(dates: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    extremes = pc.min_max(dates.view(pa.int32())).as_py()
    if extremes["min"] is not None and not (_DAYS[0] <= extremes["min"] and extremes["max"] <= _DAYS[1]):
        raise UnfitError
    return dates


def _iso(array: pa.Array, seconds: pa.DataType, fractions: pa.DataType) -> list[Any]:
    """ISO text; a fraction has six digits, or nine, and is left out where it is zero."""
    try:
        return _plain(array.cast(seconds).cast(pa.string()))
    except pa.ArrowInvalid:
        pass  # some have a fraction
    import pyarrow.compute as pc

    texts = array.cast(fractions).cast(pa.string())
    if fractions.unit == "ns":
        texts = pc.replace_substring_regex(texts, r"(\.\d{6})000$", r"\1")
    return _plain(pc.replace_substring_regex(texts, r"\.000000$", ""))


def _texts(array: pa.Array) -> list[Any]:
    import pyarrow.compute as pc

    if pc.any(pc.match_substring(array, "\0")).as_py():
        raise UnfitError
    return _plain(array)


def _texts_but_numbers(array: pa.Array) -> list[Any]:
    import pyarrow.compute as pc

    if pc.any(pc.match_substring_regex(array, _LOOKS_LIKE_A_NUMBER)).as_py():
        raise UnfitError
    return _texts(array)


_TOO_LARGE = "is beyond SQLite's integers of 64 bits"
_YEARS = "lies outside the years 1 to 9999"
_NUL = "holds a NUL character, at which SQLite's functions and most tools end a text"

_AS_IS = Form(_plain)
_INTEGERS = Form(_cast(pa.int64()), _TOO_LARGE)
_DIGITS = Form(_cast(pa.string()))
_ROUNDED = Form(_cast(pa.float64()), "is a whole number that a double does not hold exactly")
_DOUBLES = Form(_doubles, "is NaN, which SQLite turns into NULL")
_DECIMALS = Form(_decimal_texts)
_DATES = Form(_dates, _YEARS)
_MIDNIGHTS = Form(_midnights, _YEARS)
_TIMES = Form(_times)
_MOMENTS = Form(_moments(""), _YEARS)
_ZONED = Form(_moments("+00:00"), _YEARS)
_TEXTS = Form(_texts, _NUL)
_NAMES = Form(_texts_but_numbers, f"looks like a number, which SQLite would make of it here, or {_NUL}")

_NUMBERS = (Kind.INTEGER, Kind.NUMERIC, Kind.DECIMAL)

CREATED: dict[ValueKind, str] = {
    ValueKind.INTEGER: "INTEGER",
    ValueKind.BOOLEAN: "INTEGER",
    ValueKind.DOUBLE: "REAL",
    ValueKind.DECIMAL: "TEXT",
    ValueKind.WHOLE_DECIMAL: "TEXT",
    ValueKind.DATE: "TEXT",
    ValueKind.TIME: "TEXT",
    ValueKind.TIMESTAMP: "TEXT",
    ValueKind.TIMESTAMPTZ: "TEXT",
    ValueKind.TEXT: "TEXT",
    ValueKind.BYTES: "BLOB",
}
"""The types of a table that is made; a boolean is also checked to be 0 or 1."""

FORMS: dict[ValueKind, dict[Kind, Form]] = {
    ValueKind.INTEGER: {
        **dict.fromkeys((*_NUMBERS, Kind.ANY), _INTEGERS),
        Kind.REAL: _ROUNDED,
        Kind.TEXT: _DIGITS,
    },
    ValueKind.BOOLEAN: dict.fromkeys((Kind.BOOLEAN, Kind.INTEGER, Kind.NUMERIC, Kind.ANY), _AS_IS),
    ValueKind.DOUBLE: dict.fromkeys((Kind.REAL, Kind.NUMERIC, Kind.DECIMAL, Kind.ANY), _DOUBLES),
    ValueKind.DECIMAL: dict.fromkeys((Kind.TEXT, Kind.ANY), _DECIMALS),
    ValueKind.WHOLE_DECIMAL: {
        **dict.fromkeys((Kind.TEXT, Kind.ANY), _DECIMALS),
        **dict.fromkeys(_NUMBERS, _INTEGERS),
    },
    ValueKind.DATE: {
        **dict.fromkeys((Kind.DATE, Kind.TEXT, Kind.ANY), _DATES),
        Kind.TIMESTAMP: _MIDNIGHTS,
    },
    ValueKind.TIME: dict.fromkeys((Kind.TIME, Kind.TEXT, Kind.ANY), _TIMES),
    ValueKind.TIMESTAMP: dict.fromkeys((Kind.TIMESTAMP, Kind.TEXT, Kind.ANY), _MOMENTS),
    ValueKind.TIMESTAMPTZ: dict.fromkeys((Kind.TIMESTAMPTZ, Kind.TEXT, Kind.ANY), _ZONED),
    ValueKind.TEXT: {**dict.fromkeys((Kind.TEXT, Kind.ANY), _TEXTS), Kind.NUMERIC: _NAMES},
    ValueKind.BYTES: dict.fromkeys((Kind.BLOB, Kind.ANY), _AS_IS),
    ValueKind.NULL: dict.fromkeys(Kind, _AS_IS),
}
"""What each kind of column takes. A pair that is missing would change values: by affinity, or by meaning.

A decimal with decimals is in no numeric column, since SQLite keeps the numbers of all of those as doubles.
"""
