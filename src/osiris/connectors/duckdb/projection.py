"""Which columns a SELECT can take from its tables, and which it gives, read off its parsed form.

A stream that leaves out what no query takes is cheaper to read and to hand over. The answer is a superset: a
name counts wherever it stands. Where a query may take columns without naming them, there is no answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osiris.connectors.duckdb.engine import folded
from osiris.connectors.duckdb.statements import Select, nodes

_NAMING = frozenset(
    [
        "BETWEEN",
        "CASE",
        "CAST",
        "COLLATE",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "LAMBDA",
        "OPERATOR",
        "PARAMETER",
        "SUBQUERY",
        "TYPE",
        "WINDOW",
    ]
)
"""Kinds of expression that take a column by its name only; a STAR, say, is none of them."""

_TABLES = frozenset(["BASE_TABLE", "EMPTY", "JOIN", "SUBQUERY"])
_JOINS = frozenset(["ASOF", "CROSS", "DEPENDENT", "POSITIONAL", "REGULAR"])


def named_columns(select: Select) -> frozenset[str] | None:
    """Every name that may be a column, folded; None where columns may be taken without being named."""
    tree = list(nodes(select.tree))
    tables = [node for node in tree if _is_table(node)]
    expressions = [node for node in tree if "class" in node]
    if not all(map(_joins_by_name, tables)) or any(node["class"] not in _NAMING for node in expressions):
        return None
    references = [node["column_names"] for node in expressions if node["class"] == "COLUMN_REF"]
    rows = {folded(name) for table in tables for name in _row_names(table)}
    if any(folded(names[-1]) in rows for names in references):
        return None  # the name of a table stands for its whole row
    used = [name for table in tables for name in table.get("using_columns", ())]
    return frozenset(folded(name) for name in (*used, *(name for names in references for name in names)))


def result_columns(select: Select) -> tuple[str, ...] | None:
    """The names of the result's columns; None where the SQL alone does not say all of them."""
    root = select.tree["statements"][0]["node"]
    names = [_result_name(item) for item in root["select_list"]] if root["type"] == "SELECT_NODE" else [None]
    return None if None in names else tuple(filter(None, names))


def _result_name(item: dict[str, Any]) -> str | None:
    """None where DuckDB makes the name up, or where the item may become several columns."""
    if any(node.get("type") == "STAR" or node.get("function_name") == "unnest" for node in nodes(item)):
        return None
    name = item["alias"] or (item["column_names"][-1] if item["type"] == "COLUMN_REF" else None)
    return str(name) if name else None


def _is_table(node: dict[str, Any]) -> bool:
    return "sample" in node and "alias" in node


def _joins_by_name(table: dict[str, Any]) -> bool:
    if table["type"] == "JOIN":
        return table["ref_type"] in _JOINS
    renames_by_position = table["type"] == "BASE_TABLE" and table["column_name_alias"]
    return table["type"] in _TABLES and not renames_by_position


def _row_names(table: dict[str, Any]) -> Iterator[str]:
    yield from filter(None, (table.get("alias"), table.get("table_name")))
