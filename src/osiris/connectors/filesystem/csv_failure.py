"""What went wrong in a CSV file, found after the fact: the file, the line, the column, the value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from osiris.connectors.duckdb.engine import map_engine_error
from osiris.connectors.filesystem.csv_dialect import CsvDialect
from osiris.connectors.filesystem.csv_inference import yaml_key
from osiris.connectors.filesystem.csv_text import Record, damaged, line_too_long, not_utf8, records
from osiris.connectors.filesystem.csv_types import MARK, Form
from osiris.errors import DataError, OsirisError, Where

EXCERPT = 40
"""At most so many characters of a value stand in an error."""

_GUARD = re.compile(re.escape(MARK) + r"(\d+):(.*)", re.DOTALL)
_LINE = re.compile(r"CSV Error on Line: (\d+)")
_FILE = re.compile(r"^\s*file = (.*)$", re.MULTILINE)
_COUNTS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


@dataclass(frozen=True, slots=True)
class CsvFiles:
    """What is being read: the files, their fields in file order, and the form of each named column."""

    paths: Sequence[Path]
    fields: Mapping[Path, Sequence[str]]
    forms: Mapping[str, Form]
    dialect: CsvDialect
    shown: Callable[[Path], str]


def explain(exc: Exception, columns: Sequence[str], files: CsvFiles, *, cancelled: bool) -> OsirisError:
    """The coded error for what DuckDB raised while it read `files`; `columns` are numbered as in its SQL."""
    text = str(exc)
    guard = _GUARD.search(text)
    if guard and not cancelled:
        return _bad_value(files, columns[int(guard[1])], guard[2])
    for sign, build in _STRUCTURE.items():
        if sign in text and not cancelled:
            return build(text, files)
    return map_engine_error(exc, cancelled=cancelled)


def _bad_value(files: CsvFiles, column: str, value: str) -> DataError:
    form = files.forms[column]
    name, line = _place_of(files, column, value)
    short = value if len(value) <= EXCERPT else value[: EXCERPT - 1] + "…"
    why = "was taken for" if form.inferred else "is declared as"
    message = f"The value {short!r} does not fit column {column!r}, which {why} {form.type}: {form.says}."
    pin = f"schema: {{{yaml_key(column)}: VARCHAR}}"
    hint = f"Pin the column as text with {pin}" + (
        ", or mend the value." if form.inferred else " and convert it in SQL."
    )
    code = "DAT012" if form.inferred else "DAT011"
    return DataError(
        code, message, hint=hint, where=Where(name, line), details={"column": column, "line": line}
    )


def _place_of(files: CsvFiles, column: str, value: str) -> tuple[str | None, int | None]:
    """The first record whose field reads exactly like the value."""
    for path in files.paths:
        name, position = files.shown(path), files.fields[path].index(column)
        for record in _data_records(files, path):
            if _holds(record, position, value):
                return name, record.line
    return None, None


def _holds(record: Record, position: int, value: str) -> bool:
    if len(record.fields) <= position:
        return False
    found = record.fields[position]
    return found == value if value else not found and '""' in record.text


def _data_records(files: CsvFiles, path: Path) -> Iterator[Record]:
    found = records(path, files.dialect, files.shown(path))
    if files.dialect.header:
        next(found, None)
    return found


def _ragged(text: str, files: CsvFiles) -> DataError:
    where = _where(text, files)
    counts = _COUNTS.search(text)
    fields = f"{counts[2]} fields where {counts[1]} are expected" if counts else "another number of fields"
    hint = "Quote fields that hold the delimiter or a line break; check delimiter and quote."
    return DataError("DAT001", f"A line of {where.file} has {fields}.", hint=hint, where=where)


def _quote(text: str, files: CsvFiles) -> DataError:
    where = _where(text, files)
    hint = (
        "Inside quotes, write a quote as two quotes; set quote to the file's own character, or '' for none."
    )
    return DataError(
        "DAT002", f"A quoted field of {where.file} does not end as it should.", hint=hint, where=where
    )


def _encoding(text: str, files: CsvFiles) -> DataError:
    where = _where(text, files)
    return not_utf8(where.file or "The file", where.line)


def _too_long(text: str, files: CsvFiles) -> DataError:
    where = _where(text, files)
    return line_too_long(where.file or "the file", where.line, files.dialect.max_line_bytes)


def _irregular(text: str, files: CsvFiles) -> DataError:
    where = _where(text, files)
    path = next((path for path in files.paths if files.shown(path) == where.file), None)
    mixed = path and _first_other_line_end(files, path)
    if mixed:
        message = f"{where.file} mixes different line ends; they differ from line {mixed} on."
        hint = "Write the file with one kind of line end, for example with dos2unix."
        return DataError("DAT005", message, hint=hint, where=Where(where.file, mixed))
    hint = "Check delimiter and quote; the file must be CSV as RFC 4180 describes it."
    return DataError(
        "DAT005", f"{where.file} is not CSV of the form that is declared.", hint=hint, where=where
    )


def _unpack(text: str, files: CsvFiles) -> DataError:
    return damaged(_where(text, files).file or ", ".join(files.shown(path) for path in files.paths[:3]))


_STRUCTURE: dict[str, Callable[[str, CsvFiles], DataError]] = {
    "Expected Number of Columns": _ragged,
    "unterminated quote": _quote,
    "not utf-8 encoded": _encoding,
    "Invalid unicode": _encoding,
    "Maximum line size": _too_long,
    "invalid state": _irregular,
    "GZIP": _unpack,
    "ZSTD": _unpack,
    "gzip": _unpack,
    "zstd": _unpack,
}


def _where(text: str, files: CsvFiles) -> Where:
    file, line = _FILE.search(text), _LINE.search(text)
    name = files.shown(Path(file[1])) if file else None
    if name is None and len(files.paths) == 1:
        name = files.shown(files.paths[0])
    return Where(name, int(line[1]) if line else None)


def _first_other_line_end(files: CsvFiles, path: Path) -> int | None:
    ends = (
        (record.line, _line_end(record.text)) for record in records(path, files.dialect, files.shown(path))
    )
    for (line, end), (_, following) in pairwise(ends):
        if following and end != following:
            return line + 1
    return None


def _line_end(text: str) -> str:
    return text[len(text.rstrip("\r\n")) :]
