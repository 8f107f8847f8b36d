"""Column types of JSON Lines files: which values a type takes, and the SQL that gives them.

A declared column takes what means exactly one value of its type, by the rules of `csv_types`: strings by
their content, numbers and booleans by their text. An inferred one takes the kind of value that it was
inferred from, and no other. A JSON column takes every value, as the text that stood there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from osiris.connectors.filesystem.csv_types import INFERRED, TEXT, Form
from osiris.connectors.filesystem.csv_types import declared as declared_form
from osiris.connectors.filesystem.jsonl_text import compact, is_double, plain_number
from osiris.errors import PipelineError

JSON = Form("JSON", "a JSON value")

_CONTENT = (
    "CASE WHEN starts_with({v}, '\"') THEN"
    " CASE WHEN contains({v}, '\\') THEN json_extract_string({v}, '$') ELSE trim({v}, '\"') END"
    " WHEN {v} <> 'null' THEN {v} END"
)
_SURE_DOUBLE = "strlen({t}) <= 15 OR contains({t}, '.') OR contains({t}, 'e')"
"""Which numbers, written as DuckDB writes them, are a double's shortest form: not every long whole number."""

_OTHERWISE = r"regexp_matches({v}, '[^\x00-\x7F]|[.\\]|e-')"
"""Values that may be spelled in several ways: escapes, characters beyond ASCII, decimals."""

_NUMBER = "-0123456789"


@dataclass(frozen=True, slots=True)
class JsonColumn:
    """A column and its type; `inferred` says that nobody declared it.

    In the SQL, `v` is a value as JSON text, `t` the text that is read, `c` what came of it.
    """

    name: str
    form: Form
    inferred: bool = False

    @property
    def type(self) -> str:
        """The type as DuckDB spells it."""
        return self.form.type

    @property
    def is_json(self) -> bool:
        """Whether it holds values as they stand."""
        return self.form is JSON

    @property
    def is_decimal(self) -> bool:
        """Whether it is a DECIMAL."""
        return self.type.startswith("DECIMAL")

    @property
    def is_whole(self) -> bool:
        """Whether it holds whole numbers of a fixed size."""
        return self.type.endswith(("INT", "INTEGER"))

    def text(self, v: str) -> str:
        """SQL for the text that is read; NULL where there is no value."""
        takes_strings = self.form is TEXT or not (self.is_json or self.inferred)
        return _CONTENT.format(v=v) if takes_strings else f"nullif({v}, 'null')"

    def value(self, t: str, converted: str) -> str:
        """SQL for the value; NULL where the text does not mean exactly one."""
        if self.form.is_text:
            return t
        fast, legal = (condition.format(t=t, v=converted) for condition in (self.form.fast, self.form.legal))
        return (
            f"CASE WHEN {fast} THEN {converted} WHEN {converted} IS NOT NULL AND {legal} THEN {converted} END"
        )

    def fits(self, v: str, t: str, c: str) -> str:
        """SQL that is true where the column can take the value."""
        if self.is_json:
            return "true"
        if self.form is not TEXT:
            return f"({t} IS NULL OR {c} IS NOT NULL)"
        if self.inferred:
            return f"coalesce({v} = 'null' OR starts_with({v}, '\"'), true)"
        return f"coalesce(NOT (starts_with({v}, '{{') OR starts_with({v}, '[')), true)"

    def is_sure(self, t: str) -> str:
        """SQL that is true where a number, as DuckDB writes it, is not changed by the type."""
        looked_at = self.inferred and self.type == "DOUBLE"
        return f"coalesce({_SURE_DOUBLE.format(t=t)}, true)" if looked_at else "true"

    def keeps_text(self, v: str) -> str:
        """SQL that is true where a line that is spelled otherwise has this value as DuckDB writes it."""
        if self.is_json:
            return f"coalesce(NOT {_OTHERWISE.format(v=v)}, true)"
        if self.form is TEXT:
            return f"coalesce(starts_with({v}, '\"') OR NOT {_OTHERWISE.format(v=v)}, true)"
        return "true"

    @property
    def prepare(self) -> Callable[[str], str] | None:
        """What makes a value's JSON text fit for `value`; None where it stays. Raises `ValueError`."""
        if self.is_json:
            return compact
        if self.is_whole or self.is_decimal:
            return _plain
        return _unchanged if self.inferred and self.type == "DOUBLE" else None


def declared(name: str, type_name: str) -> JsonColumn:
    """A column of a declared type. Raises `PipelineError` DAT010 for an unknown type."""
    if type_name.strip().upper() == "JSON":
        return JsonColumn(name, JSON)
    try:
        return JsonColumn(name, declared_form(name, type_name))
    except PipelineError as error:
        hint = f"{(error.hint or '').removesuffix('.')}, JSON."
        raise PipelineError(error.code, error.message, hint=hint) from error


def inferred(name: str, type_name: str) -> JsonColumn:
    """A column of a type that its values suggest."""
    column = declared(name, type_name)
    return JsonColumn(name, INFERRED["BOOLEAN"] if type_name == "BOOLEAN" else column.form, inferred=True)


def _plain(value: str) -> str:
    """A number by its digits alone, so that 1e2 and 5.0 are whole numbers."""
    return plain_number(value) if value[0] in _NUMBER and not value.isdigit() else value


def _unchanged(value: str) -> str:
    """The value. Raises `ValueError` for a number that a double would change."""
    if value[0] in _NUMBER and not is_double(value):
        raise ValueError(value)
    return value
