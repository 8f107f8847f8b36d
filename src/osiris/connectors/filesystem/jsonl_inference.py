"""Types for keys without a declaration, chosen so that no value changes.

Strings stay text, whatever they look like. A number becomes a double only where a double's shortest form is
that number as it was written; else a decimal; else it stays the JSON text that it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import duckdb

from osiris.connectors.filesystem.csv_types import inferred_decimal
from osiris.connectors.filesystem.jsonl_text import is_written_double

_NUMBER = "regexp_matches({v}, '^[-0-9]')"
_INTEGER = "coalesce(CAST(TRY_CAST({v} AS BIGINT) AS VARCHAR), '') = {v}"
_PLAIN = (
    "regexp_full_match({v}, '-?(0|[1-9][0-9]*)([.][0-9]{{1,38}})?')"
    " AND NOT regexp_full_match({v}, '-0([.]0*)?')"
)
_DOUBLE = "coalesce(CAST(TRY_CAST({v} AS DOUBLE) AS VARCHAR), '') = {v}"
_SCALE = "CASE WHEN contains({v}, '.') THEN strlen({v}) - instr({v}, '.') WHEN {v} IS NOT NULL THEN 0 END"
_FACTS = (
    "count({v})",
    "bool_and(starts_with({v}, '\"'))",
    "bool_and({v} IN ('true', 'false'))",
    f"bool_and({_INTEGER})",
    f"bool_and({_NUMBER})",
    f"bool_and({_PLAIN})",
    f"min({_SCALE})",
    f"max({_SCALE})",
    "max(strlen(regexp_extract({v}, '^-?([0-9]*)', 1)))",
    f"list({{v}}) FILTER ({_NUMBER} AND NOT ({_DOUBLE}) AND NOT (strlen({{v}}) <= 15 AND {_INTEGER}))",
)


class _Facts(NamedTuple):
    """What a sample says about one key; None where it has no value."""

    values: int
    text: bool | None
    boolean: bool | None
    integer: bool | None
    number: bool | None
    plain: bool | None
    min_scale: int | None
    max_scale: int | None
    integer_digits: int | None
    unclear: list[str] | None
    """The numbers that are not at first sight a double's shortest form."""


@dataclass(frozen=True, slots=True)
class InferredTypes:
    """Types by key, and the keys whose numbers are written with differing numbers of decimals."""

    types: dict[str, str]
    normalised: tuple[str, ...]


def infer(con: duckdb.DuckDBPyConnection, rows: str, positions: Mapping[str, int]) -> InferredTypes:
    """Types for keys, from all of `rows`: their list `v` has a key's value, as JSON text, at its position."""
    values = [f"nullif(v[{position + 1}], 'null')" for position in positions.values()]
    facts = ", ".join(fact.format(v=value) for value in values for fact in _FACTS)
    row: tuple[Any, ...] = con.execute(f"SELECT {facts} FROM {rows}").fetchall()[0]
    width = len(_FACTS)
    by_key = {key: _Facts(*row[i * width : (i + 1) * width]) for i, key in enumerate(positions)}
    types = {key: _type(seen) for key, seen in by_key.items()}
    normalised = tuple(
        key for key, seen in by_key.items() if "(" in types[key] and seen.min_scale != seen.max_scale
    )
    return InferredTypes(types, normalised)


def _type(seen: _Facts) -> str:
    if seen.values == 0 or seen.text:
        return "VARCHAR"
    if seen.boolean:
        return "BOOLEAN"
    if seen.integer:
        return "BIGINT"
    return _number_type(seen) if seen.number else "JSON"


def _number_type(seen: _Facts) -> str:
    is_fraction = not seen.plain or bool(seen.max_scale)
    if is_fraction and all(is_written_double(number) for number in seen.unclear or ()):
        return "DOUBLE"
    same_scale = seen.min_scale == seen.max_scale
    decimal = seen.plain and inferred_decimal(
        seen.integer_digits or 1, seen.max_scale or 0, same_scale=same_scale
    )
    return decimal.type if decimal else "JSON"
