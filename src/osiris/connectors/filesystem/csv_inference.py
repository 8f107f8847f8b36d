"""Types for columns without a declaration, chosen so that nothing is changed.

A column gets a type only where every value of the sample can be written back exactly as it stood; the one
exception, decimals written with differing numbers of decimals, keeps each value and is reported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import duckdb

from osiris.connectors.filesystem.csv_types import INFERRED, TEXT, Form, inferred_decimal

SAMPLE_ROWS = 200_000

_SCALE = "CASE WHEN contains({t}, '.') THEN strlen({t}) - instr({t}, '.') WHEN {t} IS NOT NULL THEN 0 END"
_FACTS = (
    "count({t})",
    "bool_and({t} IN ('true', 'false'))",
    "bool_and(regexp_full_match({t}, '-?(0|[1-9][0-9]{{0,17}})') AND {t} <> '-0')",
    "bool_and(regexp_full_match({t}, '-?(0|[1-9][0-9]{{0,37}})([.][0-9]{{1,38}})?')"
    " AND NOT regexp_full_match({t}, '-0([.]0*)?'))",
    "bool_and(strlen({t}) = 10 AND coalesce(CAST(TRY_CAST({t} AS DATE) AS VARCHAR), '') = {t})",
    "bool_and(strlen({t}) >= 19 AND coalesce(CAST(TRY_CAST({t} AS TIMESTAMP) AS VARCHAR), '') = {t})",
    f"min({_SCALE})",
    f"max({_SCALE})",
    "max(strlen(regexp_extract({t}, '^-?([0-9]*)', 1)))",
)
_PLAIN_KEY = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[A-Za-z_][A-Za-z0-9_]*", re.IGNORECASE)


class _Facts(NamedTuple):
    """What the sample says about one column; None where it has no value."""

    values: int
    boolean: bool | None
    integer: bool | None
    decimal: bool | None
    date: bool | None
    timestamp: bool | None
    min_scale: int | None
    max_scale: int | None
    integer_digits: int | None


@dataclass(frozen=True, slots=True)
class InferredSchema:
    """Forms by column position, the positions whose text is normalised, and the size of the sample."""

    forms: dict[int, Form]
    normalised: tuple[int, ...]
    rows_sampled: int

    @property
    def is_whole(self) -> bool:
        """Whether the sample was all there is."""
        return self.rows_sampled < SAMPLE_ROWS


def infer(con: duckdb.DuckDBPyConnection, text_rows: str, positions: Sequence[int]) -> InferredSchema:
    """Look at the first rows of `text_rows`, a SELECT of text columns c0, c1, ... Raises DuckDB's errors."""
    facts = ", ".join(fact.format(t=f"c{position}") for position in positions for fact in _FACTS)
    sql = f"SELECT count(*), {facts} FROM (SELECT * FROM ({text_rows}) LIMIT {SAMPLE_ROWS})"
    row: tuple[Any, ...] = con.execute(sql).fetchall()[0]
    width = len(_FACTS)
    by_column = {p: _Facts(*row[1 + i * width : 1 + (i + 1) * width]) for i, p in enumerate(positions)}
    forms = {position: _form(seen) for position, seen in by_column.items()}
    normalised = tuple(p for p, seen in by_column.items() if forms[p] is not TEXT and _is_normalised(seen))
    return InferredSchema(forms, normalised, row[0])


def pin_text(types: Mapping[str, str]) -> str:
    """A `schema:` block to paste into the step's config."""
    lines = [f"  {yaml_key(column)}: {type_name}" for column, type_name in types.items()]
    return "\n".join(["schema:", *lines]) + "\n"


def yaml_key(column: str) -> str:
    """A column name as a YAML key, quoted unless it is a plain word."""
    return column if _PLAIN_KEY.fullmatch(column) else json.dumps(column, ensure_ascii=False)


def _form(seen: _Facts) -> Form:
    if seen.values == 0:
        return TEXT
    for name, fits in (
        ("BOOLEAN", seen.boolean),
        ("BIGINT", seen.integer),
        ("DATE", seen.date),
        ("TIMESTAMP", seen.timestamp),
    ):
        if fits:
            return INFERRED[name]
    if seen.decimal and seen.max_scale:
        same_scale = seen.min_scale == seen.max_scale
        return inferred_decimal(seen.integer_digits or 1, seen.max_scale, same_scale=same_scale) or TEXT
    return TEXT


def _is_normalised(seen: _Facts) -> bool:
    return bool(seen.decimal) and not seen.integer and seen.min_scale != seen.max_scale
