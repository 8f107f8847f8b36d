"""Column types of CSV files, each with the guard that lets only exact values pass.

DuckDB converts text silently where that loses something: '1.5' read as BIGINT gives 2, '1.239' as
DECIMAL(12,2) gives 1.24, a time in a DATE or an offset in a TIMESTAMP is dropped. So every field is read as
text and converted under a guard: first a cheap check that nearly all values pass, then the full legal form.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from osiris.errors import PipelineError
from osiris.findings import nearest

_SAME_TEXT = "CAST({v} AS VARCHAR) = {t}"
_SAME_TIMESTAMP = "strlen({t}) >= 19 AND " + _SAME_TEXT
"""`infinity` would be the same text too, and Arrow has none."""
_INTEGER = r" *[+-]?[0-9]+ *"
_NUMBER = r" *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)? *"
_NOT_FINITE = r" *[+-]?(?i:nan|inf|infinity) *"
_DATE = r"[0-9]{4,6}-[0-9]{1,2}-[0-9]{1,2}( [(]BC[)])?"
_TIME = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?"
_OFFSET = r" ?(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)"
_TIME_OF_DAY = " *" + _TIME + " *"
_BEFORE_MIDNIGHT = " AND {v} < TIME '24:00:00'"
"""DuckDB has a 24:00:00, Arrow has not."""

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_OTHER_NAMES = {
    "INT": "INTEGER", "INT1": "TINYINT", "INT2": "SMALLINT", "INT4": "INTEGER", "INT8": "BIGINT",
    "LONG": "BIGINT", "TEXT": "VARCHAR", "STRING": "VARCHAR", "CHAR": "VARCHAR", "BOOL": "BOOLEAN",
    "REAL": "FLOAT", "FLOAT4": "FLOAT", "FLOAT8": "DOUBLE", "DATETIME": "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ", "NUMERIC": "DECIMAL",
}  # fmt: skip
_DECIMAL = re.compile(r"DECIMAL\((\d{1,3})(?:,(\d{1,3}))?\)")
_MAX_PRECISION = 38
_INT64_DIGITS = 18
"""Decimals up to here are as fast as whole numbers."""


@dataclass(frozen=True, slots=True)
class Form:
    """A column type and the texts it accepts.

    `fast` and `legal` are SQL conditions over `{t}`, the text, and `{v}`, its converted value. Without `fast`
    the text is taken as it stands.
    """

    type: str
    says: str = ""
    fast: str = ""
    legal: str = "false"
    inferred: bool = False

    @property
    def is_text(self) -> bool:
        """Whether values are taken as they stand."""
        return not self.fast

    def guarded(self, text: str, value: str, place: str) -> str:
        """SQL for one value: converted, or an error that carries its place and the text."""
        fast, legal = (condition.format(t=text, v=value) for condition in (self.fast, self.legal))
        return (
            f"CASE WHEN {fast} THEN {value} WHEN {text} IS NULL THEN NULL "
            f"WHEN {value} IS NOT NULL AND {legal} THEN {value} "
            f"ELSE error('{MARK}{place}:' || hex(left({text}, {MARKED_TEXT}))) END"
        )


MARK = f"osiris-value-{secrets.token_hex(8)}:"
"""Starts the message of a guard's error; step, column number and the text in hexadecimal follow.

It is another one in each process, so that no SQL can raise an error that looks like it.
"""

MARKED_TEXT = 1000
"""At most so many characters of the text are in the message."""

TEXT = Form("VARCHAR")


def type_names() -> str:
    """The types that a schema may name, for hints."""
    names = [
        *_INTEGERS,
        "DECIMAL(p,s)",
        "FLOAT",
        "DOUBLE",
        "BOOLEAN",
        "DATE",
        "TIME",
        "TIMESTAMP",
        "TIMESTAMPTZ",
    ]
    return ", ".join([*names, "VARCHAR"])


def declared(column: str, type_name: str) -> Form:
    """The form of a declared column. Raises `PipelineError` DAT010 for an unknown type."""
    name = _canonical(type_name)
    form = _FORMS.get(name) or _decimal(name)
    if form is None:
        close = nearest(name, [*_FORMS, "DECIMAL(18,2)"])
        hint = (f"Did you mean {close[0]}? " if close else "") + f"The types are: {type_names()}."
        raise PipelineError("DAT010", f"The type {type_name!r} of column {column!r} is not known.", hint=hint)
    return form


def inferred_decimal(integer_digits: int, scale: int, *, same_scale: bool) -> Form | None:
    """The narrowest decimal for values with so many digits; None when they are too long."""
    digits = integer_digits + scale
    if digits > _MAX_PRECISION:
        return None
    precision = _INT64_DIGITS if digits <= _INT64_DIGITS else _MAX_PRECISION
    name = f"DECIMAL({precision},{scale})"
    if same_scale:
        return Form(name, f"a number with exactly {scale} decimals", _SAME_TEXT, inferred=True)
    return Form(name, f"a plain number with at most {scale} decimals", _normalised(scale), inferred=True)


def _normalised(scale: int) -> str:
    """Plain numbers without a superfluous sign or zero in front, with at most `scale` decimals."""
    plain = f"-?(0|[1-9][0-9]*)([.][0-9]{{1,{scale}}})?"
    return f"{{v}} IS NOT NULL AND {_matches(plain)} AND ({{v}} <> 0 OR {{t}} >= '0')"


def _canonical(type_name: str) -> str:
    name = re.sub(r"\s*([(),])\s*", r"\1", " ".join(type_name.upper().split()))
    head, bracket, tail = name.partition("(")
    return _OTHER_NAMES.get(head, head) + bracket + tail


def _decimal(name: str) -> Form | None:
    found = _DECIMAL.fullmatch(name)
    if not found:
        return None
    precision, scale = int(found[1]), int(found[2] or 0)
    if not 1 <= precision <= _MAX_PRECISION or scale > precision:
        return None
    decimals = f"([.][0-9]{{0,{scale}}})?" if scale else "[.]?"
    pattern = rf" *[+-]?([0-9]+{decimals}|[.][0-9]{{1,{max(scale, 1)}}}) *"
    return Form(
        f"DECIMAL({precision},{scale})",
        f"a number with at most {scale} decimals",
        _SAME_TEXT,
        _matches(pattern),
    )


def _matches(pattern: str) -> str:
    escaped = pattern.replace("{", "{{").replace("}", "}}")
    return f"regexp_full_match({{t}}, '{escaped}')"


def _timestamps() -> dict[str, Form]:
    naive = f" *{_DATE}([ T]{_TIME})? *"
    zoned = f" *{_DATE}[ T]{_TIME}{_OFFSET} *"
    return {
        "TIMESTAMP": Form(
            "TIMESTAMP", "YYYY-MM-DD HH:MM:SS without a zone", _SAME_TIMESTAMP, _matches(naive)
        ),
        "TIMESTAMPTZ": Form(
            "TIMESTAMPTZ", "YYYY-MM-DD HH:MM:SS with Z or an offset", _SAME_TEXT, _matches(zoned)
        ),
    }


def _floats() -> dict[str, Form]:
    fast = "isfinite({v}) AND NOT contains({t}, '_')"
    legal = _matches(_NOT_FINITE)
    return {name: Form(name, "a number that the type can hold", fast, legal) for name in ("FLOAT", "DOUBLE")}


_FORMS: dict[str, Form] = {
    **{name: Form(name, "a whole number in range", _SAME_TEXT, _matches(_INTEGER)) for name in _INTEGERS},
    **_floats(),
    **_timestamps(),
    "VARCHAR": TEXT,
    "BOOLEAN": Form(
        "BOOLEAN", "true or false", "{t} IN ('true', 'false')", _matches(" *(?i:true|false|t|f|1|0) *")
    ),
    "DATE": Form(
        "DATE", "a date YYYY-MM-DD", "strlen({t}) = 10 AND {v} IS NOT NULL", _matches(f" *{_DATE} *")
    ),
    "TIME": Form(
        "TIME", "a time HH:MM:SS", _SAME_TEXT + _BEFORE_MIDNIGHT, _matches(_TIME_OF_DAY) + _BEFORE_MIDNIGHT
    ),
}

INFERRED = {
    "BOOLEAN": Form("BOOLEAN", "true or false", "{t} IN ('true', 'false')", inferred=True),
    "BIGINT": Form("BIGINT", "a whole number without leading zeros or +", _SAME_TEXT, inferred=True),
    "DATE": Form("DATE", "a date YYYY-MM-DD", "strlen({t}) = 10 AND " + _SAME_TEXT, inferred=True),
    "TIMESTAMP": Form("TIMESTAMP", "YYYY-MM-DD HH:MM:SS", _SAME_TIMESTAMP, inferred=True),
}
"""Forms that inference may choose: each value can be written back exactly as it stood."""
