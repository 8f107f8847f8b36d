"""Types of columns that do not declare one, and what is said about a value that does not fit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from osiris.connectors.sqlite.column_types import ColumnType, Kind
from osiris.connectors.sqlite.decoding import MisfitError, decode, says
from osiris.errors import DataError
from osiris.findings import shortened

_KINDS = {int: Kind.INTEGER, float: Kind.REAL, str: Kind.TEXT, bytes: Kind.BLOB}
_WORDS = {int: "the number", float: "the number", str: "the text", bytes: "the bytes"}


def inferred_type(values: Iterable[Any], declared: ColumnType) -> ColumnType:
    """The type of the first values of a column; integers and doubles together are doubles.

    Where the values are of several other classes it is that of the first, which the rest then does not fit.
    Without any value it is what the declaration says, text where it says nothing.
    """
    classes = [kind for kind in dict.fromkeys(map(type, values)) if kind in _KINDS]
    if not classes:
        return declared if declared.is_certain else ColumnType(Kind.TEXT)
    return ColumnType(Kind.REAL if set(classes) == {int, float} else _KINDS[classes[0]])


def pin_text(types: Mapping[str, str]) -> str:
    """A `schema:` line to paste into the step's config."""
    return f"schema: {json.dumps(types, ensure_ascii=False)}\n"


def misfit_error(
    column: str, kind: ColumnType, misfit: MisfitError, rows_before: int, *, inferred: bool
) -> DataError:
    """DAT011 or DAT012: the row, the column, the value, what it should be, and how to take it as it is."""
    row = rows_before + misfit.index + 1
    value = f"{_WORDS[type(misfit.value)]} {shortened(repr(misfit.value))}"
    by = "As its first values show" if inferred else "As it is declared"
    return DataError(
        "DAT012" if inferred else "DAT011",
        f'Row {row}: column "{column}" holds {value}. {by}, it should hold {says(kind)}.',
        hint=_way_out(column, kind, misfit.value),
        details={"column": column, "row": row, "type": kind.name},
    )


def _way_out(column: str, kind: ColumnType, value: Any) -> str:
    """`schema` with a type that the value has."""
    if isinstance(value, bytes) or kind.kind is Kind.BLOB:
        return "Convert it in the SQL, for example with hex(...) or CAST(... AS BLOB)."
    other = "VARCHAR"
    if kind.kind is Kind.INTEGER and isinstance(value, float):
        other = "DOUBLE"
    elif kind.kind is Kind.TIMESTAMP and _is_zoned(value):
        other = "TIMESTAMPTZ"
    pin = pin_text({column: other}).strip()
    return f"Mend the row, or pin the column in the step's config: {pin}."


def _is_zoned(value: Any) -> bool:
    return _fits([value], ColumnType(Kind.TIMESTAMPTZ))


def _fits(values: Sequence[Any], kind: ColumnType) -> bool:
    try:
        decode(values, kind)
    except MisfitError:
        return False
    return True
