"""What the declared type of a column means.

SQLite keeps any text as the type of a column and derives only an affinity from it, which decides what becomes
of a value that is stored (https://sqlite.org/datatype3.html). The names that people write say more than that:
`DECIMAL(12,2)` and `DATE` both have numeric affinity. Names are read here as they are meant, and by their
affinity where they mean nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from osiris.errors import PipelineError
from osiris.findings import nearest

_MAX_DIGITS = 76
"""The longest decimal of Arrow."""


class Kind(StrEnum):
    """What the values of a column are meant to be."""

    INTEGER = "INTEGER"
    REAL = "REAL"
    TEXT = "TEXT"
    BLOB = "BLOB"
    BOOLEAN = "BOOLEAN"
    DECIMAL = "DECIMAL"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"
    TIMESTAMPTZ = "TIMESTAMPTZ"
    NUMERIC = "NUMERIC"
    """Numeric affinity and no more: numbers, and texts that do not look like one."""
    ANY = "ANY"
    """No type at all: every value is kept as it is."""


_NAMED = {
    "BOOL": Kind.BOOLEAN,
    "BOOLEAN": Kind.BOOLEAN,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "DATETIME": Kind.TIMESTAMP,
    "TIMESTAMP": Kind.TIMESTAMP,
    "TIMESTAMP WITHOUT TIME ZONE": Kind.TIMESTAMP,
    "TIMESTAMPTZ": Kind.TIMESTAMPTZ,
    "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMPTZ,
}

_AFFINITIES = (
    (Kind.INTEGER, ("INT",)),
    (Kind.TEXT, ("CHAR", "CLOB", "TEXT")),
    (Kind.BLOB, ("BLOB",)),
    (Kind.REAL, ("REAL", "FLOA", "DOUB")),
)
"""Parts of a name in the order in which SQLite looks for them."""

_SCHEMA_NAMES = (
    *(
        "INTEGER",
        "INT",
        "BIGINT",
        "SMALLINT",
        "TINYINT",
        "REAL",
        "DOUBLE",
        "FLOAT",
        "TEXT",
        "VARCHAR",
        "CHAR",
    ),
    *("BLOB", "DECIMAL", "NUMERIC", *_NAMED),
)
_SHOWN = "BIGINT, DOUBLE, DECIMAL(p,s), VARCHAR, BLOB, BOOLEAN, DATE, TIME, TIMESTAMP, TIMESTAMPTZ"

_FORM = re.compile(r"(?P<name>[^()]*)(?:\((?P<first>\d+)(?:,(?P<second>\d+))?\))?")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The meaning of a declared type; precision and scale are those of a decimal.

    `takes_numbers` says of text that numbers are wanted as text too, which only a pipeline can say.
    """

    kind: Kind
    precision: int = 0
    scale: int = 0
    takes_numbers: bool = False

    @property
    def is_certain(self) -> bool:
        """Whether it says which one Arrow type the values have."""
        return self.kind not in (Kind.NUMERIC, Kind.ANY)

    @property
    def name(self) -> str:
        """The type as `schema` takes it."""
        sized = f"({self.precision},{self.scale})" if self.kind is Kind.DECIMAL else ""
        return _NAMES.get(self.kind, str(self.kind)) + sized


_NAMES = {Kind.INTEGER: "BIGINT", Kind.REAL: "DOUBLE", Kind.TEXT: "VARCHAR"}


def declared_type(text: str, *, strict: bool = False) -> ColumnType:
    """What a column's declared type means; in a STRICT table ANY is no type, elsewhere it is numeric."""
    name, first, second = _taken_apart(text)
    if name in ("DECIMAL", "NUMERIC") and 1 <= first <= _MAX_DIGITS and second <= first:
        return ColumnType(Kind.DECIMAL, first, second)
    return ColumnType(_NAMED.get(name) or _by_affinity(name, strict=strict))


def schema_type(column: str, text: str) -> ColumnType:
    """The type that `schema` gives a column. Raises `PipelineError` DAT010 for one that is not certain."""
    name, *_ = _taken_apart(text)
    found = declared_type(text)
    if name in _SCHEMA_NAMES and found.is_certain:
        return replace(found, takes_numbers=found.kind is Kind.TEXT)
    close = nearest(name, _SCHEMA_NAMES)
    meant = f"Did you mean {close[0]}? " if close and close[0] != name else ""
    raise PipelineError(
        "DAT010",
        f"The type {text!r} of column {column!r} is not known.",
        hint=f"{meant}The types are: {_SHOWN}.",
    )


def _taken_apart(text: str) -> tuple[str, int, int]:
    """Name and sizes: `decimal( 12, 2)` is DECIMAL, 12, 2."""
    plain = re.sub(r"\s*([(),])\s*", r"\1", " ".join(text.upper().split()))
    found = _FORM.fullmatch(plain)
    return (found["name"], int(found["first"] or 0), int(found["second"] or 0)) if found else (plain, 0, 0)


def _by_affinity(name: str, *, strict: bool) -> Kind:
    if not name or (strict and name == "ANY"):
        return Kind.ANY
    return next((kind for kind, parts in _AFFINITIES if any(part in name for part in parts)), Kind.NUMERIC)
