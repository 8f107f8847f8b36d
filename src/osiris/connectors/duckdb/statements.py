"""The SQL of a step, parsed by DuckDB itself and refused unless it is exactly one SELECT."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb

from osiris.connectors.duckdb.engine import first_row, folded
from osiris.connectors.duckdb.errors import EngineMessage, map_engine_error, mark_at
from osiris.errors import OsirisError, PipelineError
from osiris.findings import Mark

_READING_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_CHANGING = frozenset(
    [
        "checkpoint",
        "force_checkpoint",
        "truncate_duckdb_logs",
        "write_log",
        "copy_database",
        "import_database",
        "create_external_resource",
        "add_parquet_key",
        "setval",
    ]
)
_HIDING = frozenset({"query", "query_table", "json_execute_serialized_sql", "seq_scan"})
"""Functions whose text is SQL or a table again, which nobody would have looked at."""

_RESERVED = "_osiris_"
_ONE_SELECT = (
    "Write one SELECT statement; tables, files and settings are changed by writer steps and config keys."
)


@dataclass(frozen=True, slots=True)
class Spot:
    """A piece of the SQL and where it stands, in bytes; `offset` is None if DuckDB does not say."""

    text: str
    offset: int | None
    length: int


@dataclass(frozen=True, slots=True)
class Select:
    """One parsed SELECT: the tables it names (CTEs are not tables), the texts its table functions get.

    `reserved` are names that Osiris keeps for itself; `is_condition` says that it has a WHERE and no other
    clause. `tree` is DuckDB's parsed form (`json_serialize_sql`).
    """

    sql: str
    tables: tuple[Spot, ...]
    texts: tuple[Spot, ...]
    parameters: frozenset[str]
    reserved: tuple[Spot, ...] = ()
    is_condition: bool = False
    tree: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


def parse_select(con: duckdb.DuckDBPyConnection, sql: str, *, lines_before: int = 0) -> Select:
    """The parsed statement; `PipelineError` with `details` line and column if it is anything but one SELECT.

    `lines_before` are not the author's, so they do not count in the place of an error.
    DuckDB calls `WITH x AS (DELETE ... RETURNING ...) SELECT` a SELECT too, so the parsed tree is looked at.
    """
    try:
        statements = con.extract_statements(sql)
    except duckdb.Error as exc:
        raise placed(map_engine_error(exc), sql, EngineMessage.of(exc).offset, lines_before) from exc
    if len(statements) != 1:
        raise PipelineError(
            "SQL002", f"The SQL holds {len(statements)} statements instead of one.", hint=_ONE_SELECT
        )
    kind = statements[0].type.name
    if kind != "SELECT":
        raise PipelineError("SQL002", f"{_KIND_NAMES.get(kind, kind)} is not allowed here.", hint=_ONE_SELECT)
    tree = _tree(con, sql)
    found = list(nodes(tree))
    if spot := _changing(found):
        error = PipelineError("SQL002", f"The function {spot.text} is not allowed here.", hint=_ONE_SELECT)
        raise placed(error, sql, spot.offset, lines_before)
    return _select(sql, tree, found, frozenset(statements[0].named_parameters))


_KIND_NAMES = {"MULTI": "A PIVOT without listed values", "EXTENSION": "An extension's statement"}


def placed(error: OsirisError, sql: str, offset: int | None, lines_before: int = 0) -> OsirisError:
    """The error with the line and column of the SQL in message and details."""
    if offset is None:
        return error
    mark = mark_at(sql, offset)
    line = mark.line - lines_before
    if line < 1:
        return error
    error.details |= {"line": line, "column": mark.column}
    says, asks, candidate = error.message.rpartition(" Did you mean ")
    says = says or candidate
    question = f"{asks}{candidate}" if asks else ""
    error.message = f"{says.rstrip('.')}{place_in_words(line, mark.column)}.{question}"
    error.args = (error.message,)
    return error


def place_in_words(line: int, column: int) -> str:
    """The end of a sentence that says where in the SQL something is wrong."""
    return f" (line {line}, column {column} of the SQL)"


def mark_of(select: Select, spot: Spot) -> Mark | None:
    """Where the piece stands."""
    return None if spot.offset is None else mark_at(select.sql, spot.offset)


def _tree(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    row = first_row(con, "SELECT json_serialize_sql($sql)", {"sql": sql})
    tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if tree["error"]:
        raise PipelineError(
            "SQL002", f"The SQL is not one plain SELECT: {tree.get('error_message', '')}.", hint=_ONE_SELECT
        )
    return tree


def _select(
    sql: str, tree: dict[str, Any], found: list[dict[str, Any]], parameters: frozenset[str]
) -> Select:
    for node in found:
        kind = str(node.get("type", ""))
        if kind.endswith("_NODE") and kind not in _READING_NODES:
            verb = kind.removesuffix("_NODE").removesuffix("_QUERY")
            raise PipelineError("SQL002", f"{verb} inside a WITH is not allowed here.", hint=_ONE_SELECT)
    ctes = {folded(entry["key"]) for node in found for entry in node.get("cte_map", {}).get("map", ())}
    tables = [_table(node) for node in found if node.get("type") == "BASE_TABLE"]
    texts = [spot for node in found if node.get("type") == "TABLE_FUNCTION" for spot in _texts(node)]
    named = tuple(table for table in tables if folded(table.text) not in ctes)
    reserved = tuple(table for table in tables if folded(table.text.rpartition(".")[2]).startswith(_RESERVED))
    is_condition = _is_condition(tree["statements"][0]["node"])
    return Select(sql, named, tuple(texts), parameters, reserved, is_condition, tree)


_OTHER_CLAUSES = ("modifiers", "group_expressions", "group_sets", "having", "qualify", "sample")


def _is_condition(root: dict[str, Any]) -> bool:
    where = root.get("where_clause")
    if root["type"] != "SELECT_NODE" or not where or any(root.get(clause) for clause in _OTHER_CLAUSES):
        return False
    return not (where.get("function_name") == "row" and not where["arguments"])


def _changing(found: list[dict[str, Any]]) -> Spot | None:
    """The first function that changes the engine, or that hides SQL in a text."""
    for node in found:
        function = node["function"] if node.get("type") == "TABLE_FUNCTION" else node
        name = folded(str(function.get("function_name", "")))
        if name in _CHANGING | _HIDING or name.startswith(("enable_", "disable_")):
            return spot_of(node, name)
    return None


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """All mappings of a parsed tree; a loop, because SQL may nest deeper than Python recurses."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _table(node: dict[str, Any]) -> Spot:
    path = [part for part in (node["catalog_name"], node["schema_name"], node["table_name"]) if part]
    return spot_of(node, ".".join(path))


def _texts(function: dict[str, Any]) -> Iterator[Spot]:
    for node in nodes(function["function"]["arguments"]):
        yield from text_of(node)


def text_of(node: dict[str, Any]) -> Iterator[Spot]:
    """The text of a node that is a text in quotes; else nothing."""
    literal = node.get("literal")
    if isinstance(literal, dict) and literal.get("kind") == "STRING":
        yield spot_of(node, literal["text"])


def spot_of(node: dict[str, Any], text: str) -> Spot:
    """Where a node of the tree stands, with the text that counts of it."""
    offset, length = node["query_location"], node["query_location_length"]
    return Spot(text, offset if length else None, length)
