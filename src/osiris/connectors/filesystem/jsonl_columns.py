"""How a row is written as JSON: the SQL for each Arrow type."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyarrow as pa
import pyarrow.types as pt

from osiris.connectors.duckdb.engine import quote_literal

_Text = Callable[[pa.DataType, str, int], str]


def json_line(schema: pa.Schema) -> str:
    """SQL for the line of a row whose columns are called c0, c1, ...; NULL is written as null."""
    members = [
        f"{_key(field.name)} || {_or_null(field.type, f'c{index}', 0)}" for index, field in enumerate(schema)
    ]
    return _between("{", members, "}")


def _json(arrow_type: pa.DataType, value: str, depth: int) -> str:
    """SQL for the JSON text of a value; NULL for NULL. `json_problem` says which types have one."""
    kind = arrow_type.value_type if pt.is_dictionary(arrow_type) else arrow_type
    write = next((text for is_kind, text in _TEXTS if is_kind(kind)), _as_it_is)
    return write(kind, value, depth)


def _or_null(arrow_type: pa.DataType, value: str, depth: int) -> str:
    return f"coalesce({_json(arrow_type, value, depth)}, 'null')"


def _as_it_is(_type: pa.DataType, value: str, _depth: int) -> str:
    """Numbers, booleans, and what is JSON already."""
    return f"CAST({value} AS VARCHAR)"


def _decimal(arrow_type: pa.DataType, value: str, _depth: int) -> str:
    """Plain digits; DuckDB leaves out the zero before the point where no other digit can stand there."""
    text = f"CAST({value} AS VARCHAR)"
    is_fraction = arrow_type.precision == arrow_type.scale
    return rf"regexp_replace({text}, '^(-?)[.]', '\10.')" if is_fraction else text


def _string(_type: pa.DataType, value: str, _depth: int) -> str:
    return f"CAST(to_json({value}) AS VARCHAR)"


def _quoted(_type: pa.DataType, value: str, _depth: int) -> str:
    return f"'\"' || CAST({value} AS VARCHAR) || '\"'"


def _timestamp(_type: pa.DataType, value: str, _depth: int) -> str:
    """ISO 8601, in UTC with a Z where there is a zone; years before 1 keep DuckDB's own form."""
    text = f"replace(CAST({value} AS VARCHAR), '+00', 'Z')"
    return f"'\"' || CASE WHEN contains({text}, '(') THEN {text} ELSE replace({text}, ' ', 'T') END || '\"'"


def _list(arrow_type: pa.DataType, value: str, depth: int) -> str:
    item = f"e{depth}"
    items = f"list_transform({value}, lambda {item}: {_or_null(arrow_type.value_type, item, depth + 1)})"
    return f"'[' || array_to_string({items}, ',') || ']'"


def _map(arrow_type: pa.DataType, value: str, depth: int) -> str:
    item = f"e{depth}"
    key = _string(arrow_type.key_type, f"{item}.key", depth)
    member = f"{key} || ':' || {_or_null(arrow_type.item_type, f'{item}.value', depth + 1)}"
    items = f"list_transform(map_entries({value}), lambda {item}: {member})"
    return f"'{{' || array_to_string({items}, ',') || '}}'"


def _struct(arrow_type: pa.DataType, value: str, depth: int) -> str:
    members = [
        f"{_key(field.name)} || "
        + _or_null(field.type, f"struct_extract({value}, {quote_literal(field.name)})", depth)
        for field in arrow_type
    ]
    return f"CASE WHEN {value} IS NOT NULL THEN {_between('{', members, '}')} END"


def _between(opening: str, members: list[str], closing: str) -> str:
    inside = " || ',' || ".join(members)
    return f"'{opening}' || {inside} || '{closing}'"


def _key(name: str) -> str:
    return quote_literal(json.dumps(name, ensure_ascii=False) + ":")


def _is_list(arrow_type: pa.DataType) -> bool:
    return any(check(arrow_type) for check in (pt.is_list, pt.is_large_list, pt.is_fixed_size_list))


def _is_text(arrow_type: pa.DataType) -> bool:
    return any(check(arrow_type) for check in (pt.is_string, pt.is_large_string, pt.is_string_view))


def _is_quoted(arrow_type: pa.DataType) -> bool:
    is_uuid = getattr(arrow_type, "extension_name", "") == "arrow.uuid"
    return is_uuid or bool(pt.is_date(arrow_type) or pt.is_time(arrow_type))


_TEXTS: tuple[tuple[Callable[[pa.DataType], bool], _Text], ...] = (
    (_is_text, _string),
    (_is_quoted, _quoted),
    (pt.is_decimal, _decimal),
    (pt.is_timestamp, _timestamp),
    (_is_list, _list),
    (pt.is_map, _map),
    (pt.is_struct, _struct),
)
