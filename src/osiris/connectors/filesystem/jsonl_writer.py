"""Rows to one JSON Lines file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from osiris.connectors.filesystem.columns import check_names, check_types, decimal_text, json_problem
from osiris.connectors.filesystem.csv_dialect import codec_of
from osiris.connectors.filesystem.csv_header import known_columns
from osiris.connectors.filesystem.file_writer import FileFormat, WriterInput
from osiris.connectors.filesystem.input_stream import Convert, InputStream
from osiris.connectors.filesystem.jsonl_columns import json_line
from osiris.connectors.filesystem.jsonl_text import BadLine, in_one_line
from osiris.errors import DataError

_JSON = pa.json_(pa.string())
_PIECE = 1 << 20
_EXCERPT = 40


def jsonl_input(source: pa.RecordBatchReader, json_columns: Sequence[str], name: str) -> WriterInput:
    """The input of a JSON Lines file. Raises `DataError` DAT013 or DAT014 for what JSON cannot hold."""
    schema = source.schema
    check_jsonl(schema, name)
    known_columns(json_columns, schema.names, "json_columns", name)
    checks = ((index, _check(field, json_columns)) for index, field in enumerate(schema))
    fields = [field.with_type(_JSON) if field.name in json_columns else field for field in schema]
    converts = {index: check for index, check in checks if check is not None}
    return InputStream(source, converts, json_line(pa.schema(fields)))


def check_jsonl(schema: pa.Schema, name: str) -> None:
    """Raise `DataError` DAT013 or DAT014 for what JSON cannot hold."""
    check_names(schema, name)
    check_types(schema, json_problem, name, "JSON")


def jsonl_format(target: Path, compression: str) -> FileFormat:
    """How DuckDB writes the lines: as they are."""
    codec = codec_of(target, compression)
    options = f"FORMAT csv, HEADER false, QUOTE '', ESCAPE '', COMPRESSION {codec}, USE_TMP_FILE false"
    return FileFormat("jsonl", options, lambda path: _holds_rows(path, compression))


def _check(field: pa.Field, json_columns: Sequence[str]) -> Convert | None:
    """What the values of a column must pass, since JSON has no place for all that its type can hold."""
    if field.name in json_columns or field.type == _JSON:
        return lambda column: _json_values(column, field.name)
    if pt.is_decimal256(field.type):
        return decimal_text
    if any(pt.is_floating(leaf.type) for leaf in _leaves(pa.nulls(0, field.type))):
        return lambda column: _finite(column, field.name)
    return None


def _json_values(column: pa.Array, name: str) -> pa.Array:
    """JSON texts, each in one line. Raises `DataError` DAT034 for a text that is none."""
    texts = column.storage if isinstance(column, pa.ExtensionArray) else column
    if not (pt.is_string(texts.type) or pt.is_large_string(texts.type)):
        message = f"json_columns names {name!r}, which is no text: its type is {texts.type}."
        raise DataError(
            "DAT034", message, hint="Name text columns only; lists and structs are written as JSON."
        )
    return pa.array(
        [None if text is None else _json_value(text, name) for text in texts.to_pylist()], pa.string()
    )


def _json_value(text: str, name: str) -> str:
    try:
        return in_one_line(text)
    except BadLine as problem:
        short = text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"
        message = f"The value {short!r} of column {name!r} {problem.message}."
        hint = (
            "Mend it, or write it as a string: cast the column to VARCHAR and leave it out of json_columns."
        )
        raise DataError("DAT034", message, hint=hint, details={"column": name}) from problem


def _finite(column: pa.Array, name: str) -> pa.Array:
    """The column itself. Raises `DataError` DAT033 for NaN and infinity."""
    for leaf in _leaves(column):
        if pt.is_floating(leaf.type) and pc.all(pc.is_finite(leaf)).as_py() is False:
            message = f"Column {name!r} holds a number that is not finite, which JSON does not have."
            hint = "Replace it in SQL before, with CASE WHEN isfinite(x) THEN x END, or cast it to VARCHAR."
            raise DataError("DAT033", message, hint=hint, details={"column": name})
    return column


def _leaves(column: pa.Array) -> Iterator[pa.Array]:
    """The arrays that hold the values of a column, however deep."""
    if pt.is_dictionary(column.type):
        yield from _leaves(column.dictionary)
    elif pt.is_struct(column.type):
        for child in column.flatten():
            yield from _leaves(child)
    elif pt.is_map(column.type):
        yield from _leaves(column.view(pa.list_(column.type.field(0))))
    elif pt.is_nested(column.type):
        yield from _leaves(column.flatten())
    else:
        yield column


def _holds_rows(path: Path, compression: str) -> bool:
    codec = codec_of(path, compression)
    try:
        with pa.input_stream(str(path), compression=None if codec == "none" else codec) as source:
            return any(piece.strip() for piece in iter(lambda: source.read(_PIECE), b""))
    except OSError:
        return path.stat().st_size > 0
