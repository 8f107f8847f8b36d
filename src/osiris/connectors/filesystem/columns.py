"""Column names and types that a file can carry exactly; everything else is refused before a row moves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import pyarrow as pa
import pyarrow.types as pt

from osiris.errors import DataError


def check_names(schema: pa.Schema, name: str) -> None:
    """Refuse names that a file of this kind, or DuckDB that writes it, cannot keep apart (DAT014)."""
    seen: dict[str, str] = {}
    for column in schema.names:
        if not column.strip() or "\0" in column:
            raise _bad_name(f"A column of {name} has no usable name: {column!r}.")
        other = seen.setdefault(folded(column), column)
        if schema.names.count(column) > 1 or other != column:
            raise _bad_name(f"The columns {other!r} and {column!r} of {name} have the same name.")


def folded(name: str) -> str:
    """The name as DuckDB compares it: ASCII letters without their case."""
    return name.encode().lower().decode()


def kept(names: Sequence[str], wanted: Collection[str]) -> tuple[str, ...]:
    """The names whose folded form is wanted, at least one: rows without a column cannot be handed over."""
    return tuple(name for name in names if folded(name) in wanted) or tuple(names[:1])


def check_types(
    schema: pa.Schema, problem: Callable[[pa.DataType], str | None], name: str, format_: str
) -> None:
    """Refuse the first column that `problem` objects to; its answer is the hint (DAT013)."""
    for field in schema:
        hint = problem(field.type)
        if hint:
            message = (
                f"{format_} cannot hold column {field.name!r} of {name} exactly: its type is {field.type}."
            )
            raise DataError(
                "DAT013", message, hint=hint, details={"column": field.name, "type": str(field.type)}
            )


def csv_problem(arrow_type: pa.DataType) -> str | None:
    """What to do about a type that CSV cannot hold; None when it can."""
    if pt.is_dictionary(arrow_type):
        return csv_problem(arrow_type.value_type)
    if pt.is_nested(arrow_type):
        return "Turn it into text in SQL before: to_json(column)."
    if _is_binary(arrow_type):
        return "Turn it into text in SQL before: base64(column) or hex(column)."
    if pt.is_null(arrow_type):
        return "Give it a type in SQL before: CAST(column AS VARCHAR)."
    return None if pt.is_decimal256(arrow_type) and arrow_type.scale >= 0 else _scalar_problem(arrow_type)


def parquet_problem(arrow_type: pa.DataType) -> str | None:
    """What to do about a type that DuckDB cannot write to Parquet exactly; None when it can."""
    if pt.is_dictionary(arrow_type) or _is_list(arrow_type):
        return parquet_problem(arrow_type.value_type)
    if pt.is_struct(arrow_type):
        return _struct_problem(arrow_type, parquet_problem)
    if pt.is_map(arrow_type):
        return parquet_problem(arrow_type.key_type) or parquet_problem(arrow_type.item_type)
    if _is_binary(arrow_type):
        return None
    return _scalar_problem(arrow_type)


def json_problem(arrow_type: pa.DataType) -> str | None:
    """What to do about a type that JSON cannot hold; None when it can."""
    if _is_json(arrow_type) or (pt.is_decimal256(arrow_type) and arrow_type.scale >= 0):
        return None
    return _json_value_problem(arrow_type)


def _json_value_problem(arrow_type: pa.DataType) -> str | None:
    if pt.is_dictionary(arrow_type) or _is_list(arrow_type):
        return _json_value_problem(arrow_type.value_type)
    if pt.is_struct(arrow_type):
        return _struct_problem(arrow_type, _json_value_problem)
    if pt.is_map(arrow_type):
        is_text = pt.is_string(arrow_type.key_type) or pt.is_large_string(arrow_type.key_type)
        not_text = "Cast the keys of the map to VARCHAR in SQL before: JSON has no others."
        return _json_value_problem(arrow_type.item_type) if is_text else not_text
    if _is_binary(arrow_type):
        return "Turn it into text in SQL before: base64(column) or hex(column)."
    if _is_json(arrow_type):
        return "Take the JSON out of the list, map or struct in SQL before."
    return _scalar_problem(arrow_type)


def _struct_problem(arrow_type: pa.StructType, problem: Callable[[pa.DataType], str | None]) -> str | None:
    if len({folded(field.name) for field in arrow_type}) < arrow_type.num_fields:
        return "Rename the members of the struct that differ only by case."
    return next((hint for field in arrow_type if (hint := problem(field.type))), None)


def decimal_text(column: pa.Array) -> pa.Array:
    """Decimals of any length as plain digits, never with an exponent."""
    return pa.array(
        [None if value is None else format(value, "f") for value in column.to_pylist()], pa.string()
    )


def csv_converts(schema: pa.Schema) -> dict[int, Callable[[pa.Array], pa.Array]]:
    """The columns that DuckDB cannot take, and how they become text."""
    return {index: decimal_text for index, field in enumerate(schema) if pt.is_decimal256(field.type)}


def _scalar_problem(arrow_type: pa.DataType) -> str | None:
    for refused, hint in _REFUSED:
        if refused(arrow_type):
            return hint
    return (
        None if any(held(arrow_type) for held in _HELD) else "Cast it in SQL before, for example to VARCHAR."
    )


def _is_binary(arrow_type: pa.DataType) -> bool:
    checks = (pt.is_binary, pt.is_large_binary, pt.is_fixed_size_binary, pt.is_binary_view)
    return any(check(arrow_type) for check in checks)


def _is_list(arrow_type: pa.DataType) -> bool:
    return any(check(arrow_type) for check in (pt.is_list, pt.is_large_list, pt.is_fixed_size_list))


def _is_json(arrow_type: pa.DataType) -> bool:
    return getattr(arrow_type, "extension_name", "") == "arrow.json"


def _is_negative_scale(arrow_type: pa.DataType) -> bool:
    return bool(pt.is_decimal(arrow_type)) and arrow_type.scale < 0


def _is_known_extension(arrow_type: pa.DataType) -> bool:
    return getattr(arrow_type, "extension_name", "") in ("arrow.json", "arrow.uuid", "arrow.bool8")


_REFUSED: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pt.is_decimal256, "Cast it in SQL before: to DECIMAL(38,s) where every value fits, or to VARCHAR."),
    (_is_negative_scale, "Cast it in SQL before to a decimal without a negative scale."),
    (pt.is_float16, "Cast it to FLOAT in the step before."),
    (pt.is_date64, "Cast it to DATE or TIMESTAMP in the step before."),
    (pt.is_duration, "Turn it into a number in SQL before: epoch_us(column)."),
    (pt.is_interval, "Turn it into text in SQL before: CAST(column AS VARCHAR)."),
)

_HELD: tuple[Callable[[pa.DataType], bool], ...] = (
    pt.is_integer, pt.is_floating, pt.is_boolean, pt.is_decimal, pt.is_date32, pt.is_time, pt.is_timestamp,
    pt.is_string, pt.is_large_string, pt.is_string_view, pt.is_null, _is_known_extension,
)  # fmt: skip


def _bad_name(message: str) -> DataError:
    hint = "Rename it in the step before with AS; names that differ only by case count as the same."
    return DataError("DAT014", message, hint=hint)
