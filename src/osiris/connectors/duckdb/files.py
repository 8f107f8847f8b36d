"""Files that a processor's SQL may read: written relative to the project, opened by their full path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from osiris.connectors.duckdb.engine import folded, quote_literal
from osiris.connectors.duckdb.statements import Select, Spot, nodes, text_of


def is_declared(text: str, read_files: Sequence[str]) -> bool:
    """Whether the text names one of the files, in full or by the end of its path."""
    return _match(text, read_files) is not None


def files_read(select: Select) -> Iterator[Spot]:
    """The files that the SQL gives to functions as their first argument: a text or a list of texts."""
    for node in nodes(select.tree):
        if node.get("type") == "TABLE_FUNCTION" and _reads_files(node["function"]["function_name"]):
            for argument in node["function"]["arguments"][:1]:
                first = argument["expression"]
                listed = first["arguments"] if first.get("function_name") == "list_value" else [argument]
                for item in listed:
                    yield from text_of(item["expression"]) if not item["expression"]["alias"] else ()


def _reads_files(function: str) -> bool:
    return folded(function).startswith(("read_", "parquet_")) or folded(function) in ("glob", "sniff_csv")


def undeclared(select: Select, read_files: Sequence[str]) -> Iterator[Spot]:
    """The files that the SQL reads and that are certainly none of the declared ones."""
    for spot in files_read(select):
        parts = PurePath(spot.text).parts
        ends = (
            PurePath(path).parts for path in read_files
        )  # the text may say more of a path than the config
        if not is_declared(spot.text, read_files) and not any(parts[-len(end) :] == end for end in ends):
            yield spot


def absolute_files(select: Select, read_files: Sequence[str]) -> str:
    """The SQL with each declared file that it names in FROM or gives to a table function written in full.

    DuckDB looks relative paths up from the folder of the process, which is not the project's.
    """
    sql = select.sql.encode()
    for spot in sorted((*select.tables, *select.texts), key=lambda spot: spot.offset or 0, reverse=True):
        path = _match(spot.text, read_files)
        if path is not None and _is_literal(sql, spot):
            start = spot.offset or 0
            sql = sql[:start] + quote_literal(path).encode() + sql[start + spot.length :]
    return sql.decode()


def _is_literal(sql: bytes, spot: Spot) -> bool:
    start = spot.offset or 0
    return sql[start : start + spot.length] == quote_literal(spot.text).encode()


def _match(text: str, read_files: Sequence[str]) -> str | None:
    parts = PurePath(text).parts
    if not parts or ".." in parts:
        return None
    matches = [path for path in read_files if PurePath(path).parts[-len(parts) :] == parts]
    return matches[0] if len(matches) == 1 else None
