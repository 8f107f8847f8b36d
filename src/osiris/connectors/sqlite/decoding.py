"""Values of SQLite as Arrow: each one exactly what the column's type means, or refused.

SQLite hands over int, float, str, bytes or None, whatever the column's type. A column's values are converted
together; only where that fails are they looked at one by one, to say which of them does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from osiris.connectors.sqlite.column_types import ColumnType, Kind

_EXACT_DIGITS = 15
"""A decimal of so many digits comes back from a double as it was written (DBL_DIG)."""

_ARROW: dict[Kind, pa.DataType] = {
    Kind.INTEGER: pa.int64(),
    Kind.REAL: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.BLOB: pa.binary(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.date32(),
    Kind.TIME: pa.time64("us"),
    Kind.TIMESTAMP: pa.timestamp("us"),
    Kind.TIMESTAMPTZ: pa.timestamp("us", "UTC"),
}

SAYS: dict[Kind, str] = {
    Kind.INTEGER: "a whole number",
    Kind.REAL: "a number that a double holds exactly",
    Kind.TEXT: "text",
    Kind.BLOB: "bytes",
    Kind.BOOLEAN: "0 or 1",
    Kind.DATE: "a text YYYY-MM-DD",
    Kind.TIME: "a text HH:MM:SS",
    Kind.TIMESTAMP: "a text YYYY-MM-DD HH:MM:SS without a zone",
    Kind.TIMESTAMPTZ: "a text YYYY-MM-DD HH:MM:SS with Z or an offset",
}
"""What a value must be, for messages."""

Values = Sequence[Any]


class MisfitError(Exception):
    """A value that its column's type does not mean; `index` counts from 0 within what was converted."""

    def __init__(self, index: int, value: Any) -> None:
        super().__init__(index)
        self.index = index
        self.value = value


def arrow_type(column: ColumnType) -> pa.DataType:
    """The Arrow type of a certain column type."""
    if column.kind is not Kind.DECIMAL:
        return _ARROW[column.kind]
    decimal = pa.decimal128 if column.precision <= 38 else pa.decimal256  # noqa: PLR2004 - what 128 bits hold
    return decimal(column.precision, column.scale)


def says(column: ColumnType) -> str:
    """What a value of the column must be, for messages."""
    if column.kind is Kind.DECIMAL:
        whole = column.precision - column.scale
        return f"a number of at most {whole} digits and {column.scale} decimals"
    return SAYS[column.kind]


def decode(values: Values, column: ColumnType) -> pa.Array:
    """The values as an array. Raises `MisfitError` for the first one that does not fit."""
    convert = _CONVERTS[column.kind]
    try:
        return convert(values, column)
    except (pa.ArrowException, _UnfitError, OverflowError) as exc:
        raise _first_misfit(values, column, convert) from exc


class _UnfitError(Exception):
    """Some of the values do not fit."""


def _first_misfit(
    values: Values, column: ColumnType, convert: Callable[[Values, ColumnType], pa.Array]
) -> MisfitError:
    for index, value in enumerate(values):
        try:
            convert((value,), column)
        except (pa.ArrowException, _UnfitError, OverflowError):
            return MisfitError(index, value)
    raise AssertionError("values that fit alone fit together")


def _require(values: Values, *classes: type) -> set[type]:
    """The classes of the values that are no NULL, if they are among these."""
    found = set(map(type, values))
    found.discard(type(None))
    if not found <= set(classes):
        raise _UnfitError
    return found


def _plain(*classes: type) -> Callable[[Values, ColumnType], pa.Array]:
    def convert(values: Values, column: ColumnType) -> pa.Array:
        _require(values, *classes)
        return pa.array(values, _ARROW[column.kind], from_pandas=False)

    return convert


def _text(values: Values, column: ColumnType) -> pa.Array:
    """A number that is wanted as text becomes the shortest one that means the same number."""
    numbers = (int, float) if column.takes_numbers else ()
    if _require(values, str, *numbers) - {str}:
        values = [value if value is None else str(value) for value in values]
    return pa.array(values, pa.string())


def _boolean(values: Values, _: ColumnType) -> pa.Array:
    _require(values, int)
    if not set(values) <= {0, 1, None}:
        raise _UnfitError
    return pa.array(values, pa.int8()).cast(pa.bool_())


def _iso(values: Values, column: ColumnType) -> pa.Array:
    """Arrow reads ISO 8601 and refuses what its unit cannot hold, a missing zone and one too many."""
    _require(values, str)
    return pa.array(values, pa.string()).cast(_ARROW[column.kind])


def _time(values: Values, _: ColumnType) -> pa.Array:
    """Arrow casts no text to a time, but to a timestamp, whose time is then taken."""
    _require(values, str)
    dated = [None if value is None else f"1970-01-01 {value}" for value in values]
    return pa.array(dated, pa.string()).cast(pa.timestamp("us")).cast(pa.time64("us"))


def _decimal(values: Values, column: ColumnType) -> pa.Array:
    """Each storage class by itself, then put together: numeric affinity mixes them in one column."""
    found = _require(values, *_DECIMALS)
    if len(found) < 2:  # noqa: PLR2004 - nothing to put together
        return _DECIMALS[next(iter(found), int)](values, column)
    import pyarrow.compute as pc

    parts = (
        _DECIMALS[kind]([value if type(value) is kind else None for value in values], column)
        for kind in found
    )
    return pc.coalesce(*parts)


def _decimal_of_texts(texts: Values, column: ColumnType) -> pa.Array:
    return pa.array(texts, pa.string()).cast(arrow_type(column))


def _decimal_of_integers(integers: Values, column: ColumnType) -> pa.Array:
    return pa.array(integers, pa.int64()).cast(_WHOLE).cast(arrow_type(column))


def _decimal_of_doubles(values: Values, column: ColumnType) -> pa.Array:
    """The decimals whose nearest doubles these are: there is one at most, as they have at most 15 digits.

    A whole number below 10**15 divided by a power of ten up to 10**22 is rounded once, so it is the double
    nearest to the decimal; equality proves that the stored value is just that.
    """
    import pyarrow.compute as pc  # slow to import, and few columns need it

    doubles = pa.array(values, pa.float64(), from_pandas=False)
    shift = 10.0**column.scale
    whole = pc.round(pc.multiply(doubles, shift))
    digits = min(column.precision, _EXACT_DIGITS)
    fits = pc.and_(pc.equal(pc.divide(whole, shift), doubles), pc.less(pc.abs(whole), 10.0**digits))
    if column.scale > 22 or pc.all(fits).as_py() is False:  # noqa: PLR2004 - 10**22 is the last exact double
        raise _UnfitError
    integers = whole.cast(pa.int64()).cast(_WHOLE)
    shifted = pa.decimal128(_WHOLE.precision, column.scale)
    return pa.Array.from_buffers(shifted, len(integers), integers.buffers()).cast(arrow_type(column))


_WHOLE = pa.decimal128(38, 0)

_DECIMALS: dict[type, Callable[[Values, ColumnType], pa.Array]] = {
    int: _decimal_of_integers,
    float: _decimal_of_doubles,
    str: _decimal_of_texts,
}

_CONVERTS: dict[Kind, Callable[[Values, ColumnType], pa.Array]] = {
    Kind.INTEGER: _plain(int),
    Kind.REAL: _plain(float, int),
    Kind.TEXT: _text,
    Kind.BLOB: _plain(bytes),
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _iso,
    Kind.TIME: _time,
    Kind.TIMESTAMP: _iso,
    Kind.TIMESTAMPTZ: _iso,
    Kind.DECIMAL: _decimal,
}
