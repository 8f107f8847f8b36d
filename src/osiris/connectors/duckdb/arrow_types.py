"""Results of DuckDB as Arrow, exactly: cast where Arrow would get a type wrong, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pyarrow as pa

from osiris.connectors.duckdb.engine import BATCH_ROWS, quote_identifier
from osiris.connectors.duckdb.errors import EngineFailure, map_engine_error
from osiris.errors import DataError, OsirisError, PipelineError

EXACT_CAST = {"hugeint": "DECIMAL(38,0)", "uhugeint": "DECIMAL(38,0)"}
"""Sums of integers are HUGEINT; as a decimal they are exact, and what has 39 digits raises."""

_NO_ARROW = {
    "time with time zone": "Arrow has no time with an offset",
    "bit": "Arrow would carry DuckDB's internal form",
    "bignum": "Arrow has no integer of any length",
    "geometry": "Arrow has no geometry type",
    "variant": "Arrow has no variant type",
    "union": "few writers take an Arrow union",
}

_DAY_US = 86_400_000_000


def exact_stream(
    relation: duckdb.DuckDBPyRelation,
    *,
    wrong: Callable[[BaseException], BaseException] = map_engine_error,
    batch_rows: int = BATCH_ROWS,
) -> pa.RecordBatchReader:
    """The relation as a reader that pulls as it is read; `wrong` maps what DuckDB raises meanwhile."""
    try:
        reader = exact_relation(relation).to_arrow_reader(batch_rows)
    except EngineFailure as exc:
        raise wrong(exc) from exc
    return pa.RecordBatchReader.from_batches(reader.schema, _checked(reader, wrong))


def exact_relation(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The relation with columns that Arrow carries exactly; `PipelineError` for those it cannot."""
    types = dict(_named_types(relation))
    if not EXACT_CAST.keys() & {kind.id for kind in types.values()}:
        return relation
    return relation.project(", ".join(_projection(name, kind) for name, kind in types.items()))


def _named_types(relation: duckdb.DuckDBPyRelation) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for name, kind in zip(relation.columns, relation.types, strict=True):
        if name in seen:
            raise PipelineError(
                "SQL011",
                f'Two result columns have the name "{name}".',
                hint="List the columns instead of *, and rename one of them with AS.",
            )
        seen.add(name)
        _refuse_inexact(name, kind)
        yield name, kind


def _refuse_inexact(name: str, kind: Any, nested: bool = False) -> None:
    if reason := _NO_ARROW.get(kind.id):
        raise _inexact(name, kind, reason)
    if nested and kind.id in EXACT_CAST:
        raise _inexact(name, kind, "inside a list or struct it cannot be cast by itself")
    if kind.id in ("list", "array", "struct", "map"):
        for _, child in kind.children:
            if not isinstance(child, int):
                _refuse_inexact(name, child, nested=True)


def _inexact(name: str, kind: Any, reason: str) -> OsirisError:
    return PipelineError(
        "SQL009",
        f'Column "{name}" has the type {kind}, which cannot be carried exactly: {reason}.',
        hint=f"Cast it in the SQL, for example CAST({quote_identifier(name)} AS VARCHAR).",
    )


def _projection(name: str, kind: Any) -> str:
    quoted = quote_identifier(name)
    exact = EXACT_CAST.get(kind.id)
    return f"CAST({quoted} AS {exact}) AS {quoted}" if exact else quoted


def _checked(
    reader: pa.RecordBatchReader, wrong: Callable[[BaseException], BaseException]
) -> Iterator[pa.RecordBatch]:
    checks = [(index, field) for index, field in enumerate(reader.schema) if _has_sentinels(field.type)]
    try:
        for batch in reader:
            for index, field in checks:
                if value := sentinel(batch.column(index)):
                    raise no_such_value(field.name, value)
            yield batch
    except EngineFailure as exc:
        raise wrong(exc) from exc


def _has_sentinels(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return any(_has_sentinels(kind.field(index).type) for index in range(kind.num_fields))
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_time64(kind))


def sentinel(array: pa.Array) -> str | None:
    """What the array holds that one of DuckDB and Arrow cannot: infinite dates and the time 24:00:00."""
    if not _has_sentinels(array.type) or len(array) == array.null_count:
        return None
    if pa.types.is_nested(array.type):
        return next(filter(None, map(sentinel, _children(array))), None)
    integers = {32: pa.int32(), 64: pa.int64()}[array.type.bit_width]
    import pyarrow.compute as pc  # slow to import, and few results need it

    extremes = pc.min_max(array.view(integers)).as_py()
    infinity = 2 ** (array.type.bit_width - 1) - 1
    if pa.types.is_time64(array.type):
        late = extremes["max"] >= _DAY_US * (1000 if array.type.unit == "ns" else 1)
        return "the time 24:00:00" if late else None
    infinite = extremes["max"] == infinity or extremes["min"] == -infinity
    return "an infinite date or timestamp" if infinite else None


def _children(array: pa.Array) -> Iterator[pa.Array]:
    if pa.types.is_struct(array.type):
        yield from array.flatten()
    elif pa.types.is_map(array.type):
        yield from (array.keys, array.items)
    else:
        yield array.flatten()


def no_such_value(name: str, value: str) -> OsirisError:
    """SQL009 for a value that Arrow cannot carry."""
    return DataError(
        "SQL009",
        f'Column "{name}" holds {value}, which Arrow cannot carry.',
        hint=f"Replace it in the SQL, or cast {quote_identifier(name)} to VARCHAR.",
    )
