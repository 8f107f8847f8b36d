"""Which column of a stream goes into which column of a table, decided before any row moves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from osiris.connectors.duckdb.engine import folded
from osiris.connectors.duckdb.lossless import is_lossless
from osiris.errors import DataError, OsirisError, PipelineError
from osiris.findings import nearest


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """A column of the table; `required` means neither nullable nor defaulted."""

    name: str
    type: Any
    required: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """A column of the stream and the column of the table that takes it."""

    source: str
    target: TargetColumn


def assign(incoming: Sequence[tuple[str, Any]], columns: Sequence[TargetColumn]) -> tuple[Assignment, ...]:
    """Pairs by name, letter case aside as in DuckDB; an error for each thing that would lose data."""
    by_name = {folded(column.name): column for column in columns}
    pairs = tuple(
        Assignment(name, _lossless(name, kind, _column(name, by_name, columns))) for name, kind in incoming
    )
    _refuse_missing(pairs, columns)
    return pairs


def refuse_missing_key(incoming: Sequence[tuple[str, Any]], primary_key: Sequence[str]) -> None:
    """TGT013 for a key column that the stream does not have."""
    names = {folded(name) for name, _ in incoming}
    for key in primary_key:
        if folded(key) not in names:
            raise PipelineError(
                "TGT013",
                f'The primary_key column "{key}" is missing in the input.',
                hint=f"Columns of the input: {_listed(name for name, _ in incoming)}.",
            )


def _column(name: str, by_name: dict[str, TargetColumn], columns: Sequence[TargetColumn]) -> TargetColumn:
    column = by_name.get(folded(name))
    if column is not None:
        return column
    close = nearest(name, (column.name for column in columns))
    meant = f' Did you mean "{close[0]}"?' if close else ""
    raise PipelineError(
        "TGT002",
        f'The target has no column "{name}".{meant}',
        hint=f"Columns of the target: {_listed(column.name for column in columns)}.",
        details={"candidates": list(close)},
    )


def _lossless(name: str, kind: Any, column: TargetColumn) -> TargetColumn:
    if is_lossless(kind, column.type):
        return column
    raise PipelineError(
        "TGT004",
        f'Column "{name}" is {kind} in the input and {column.type} in the target: that may lose information.',
        hint=f"Change the target's column to {kind}, or give the input its type where it is read; "
        "a CAST in the step before changes values that do not fit.",
    )


def _refuse_missing(pairs: Sequence[Assignment], columns: Sequence[TargetColumn]) -> None:
    given = {pair.target.name for pair in pairs}
    missing = [column.name for column in columns if column.required and column.name not in given]
    if missing:
        raise PipelineError(
            "TGT003",
            f"The target needs {_listed(missing)}, which the input does not have.",
            hint="Add the column in the step before; it may not be NULL and has no default.",
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def duplicate_keys(examples: Sequence[str], primary_key: Sequence[str]) -> OsirisError:
    """TGT008 with a few of the keys."""
    return DataError(
        "TGT008",
        f"Several input rows have the same key ({_listed(primary_key)}): {'; '.join(examples)}.",
        hint="Keep one row per key in the step before, for example with QUALIFY row_number() OVER (...) = 1.",
    )
