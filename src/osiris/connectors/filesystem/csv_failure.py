"""What went wrong in a CSV file, found after the fact: the file, the line, the column, the value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from osiris.connectors.duckdb.errors import EngineMessage, map_engine_error
from osiris.connectors.filesystem.csv_dialect import CsvDialect
from osiris.connectors.filesystem.csv_inference import yaml_key
from osiris.connectors.filesystem.csv_search import (
    Advance,
    after_header,
    look_from,
    past_other_values,
    past_regular_records,
)
from osiris.connectors.filesystem.csv_text import (
    Place,
    Record,
    bad_quotes,
    damaged,
    not_utf8,
    pieces,
    records,
)
from osiris.connectors.filesystem.csv_types import MARK, MARKED_TEXT, Form
from osiris.errors import DataError, OsirisError, Where

EXCERPT = 40
"""At most so many characters of a value stand in an error."""

Structural = Callable[[str, int | None], DataError]
"""The error for a file's name and a line."""

_GUARD = re.compile(re.escape(MARK) + r"(\w+):(\d+):([0-9A-F]*)")
_FILE = re.compile(r"^\s*file = (.*)$", re.MULTILINE)


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
    if cancelled:
        return map_engine_error(exc, cancelled=True)
    return file_failure(exc, columns, files) or map_engine_error(exc)


def is_about(exc: BaseException, step_id: str, paths: Sequence[Path]) -> bool:
    """Whether the engine failed over a value or a file that this step reads."""
    message = EngineMessage.of(exc)
    guard, file = _GUARD.search(message.full), _FILE.search(message.full)
    if guard:
        return guard[1] == step_id
    if file is not None:
        return any(str(path) == file[1] for path in paths)
    return message.full.startswith("CSV Error") or message.kind in ("io error", "serialization error")


def file_failure(exc: BaseException, columns: Sequence[str], files: CsvFiles) -> OsirisError | None:
    """What is wrong with the files; None for an error that is not about their content.

    DuckDB counts records where people count lines, so the place is looked for in a second, slow pass.
    """
    text = EngineMessage.of(exc).full
    guard = _GUARD.search(text)
    if guard:
        return _bad_value(files, columns[int(guard[2])], bytes.fromhex(guard[3]).decode())
    structural = next((error for sign, error in _STRUCTURE.items() if sign in text), None)
    if structural is None:
        return None
    suspects = _suspects(text, files)
    found = next(filter(None, (_irregularity(files, path, structural) for path in suspects)), None)
    return found or structural(", ".join(map(files.shown, suspects[:3])), None)


def _bad_value(files: CsvFiles, column: str, value: str) -> DataError:
    form = files.forms[column]
    name, line = _place_of(files, column, value)
    short = value if len(value) <= EXCERPT else value[: EXCERPT - 1] + "…"
    why = "was taken for" if form.inferred else "is declared as"
    message = f"The value {short!r} does not fit column {column!r}, which {why} {form.type}: {form.says}."
    pin = f"schema: {{{yaml_key(column)}: VARCHAR}}"
    hint = f"Mend the value, or pin the column as text with {pin}" + (
        "." if form.inferred else " and convert it in SQL."
    )
    code = "DAT012" if form.inferred else "DAT011"
    return DataError(
        code, message, hint=hint, where=Where(name, line), details={"column": column, "line": line}
    )


def _place_of(files: CsvFiles, column: str, value: str) -> tuple[str | None, int | None]:
    """The first record whose field reads exactly like the value."""
    for path in files.paths:
        name, position = files.shown(path), files.fields[path].index(column)
        is_cut = len(value) == MARKED_TEXT
        other = partial(past_other_values, position=position, value=value.encode(), cut=is_cut)
        for record in _data_records(files, path, _near(files, path, other)):
            if _holds(record, position, value):
                return name, record.line
    return None, None


def _near(files: CsvFiles, path: Path, passing: Callable[[CsvDialect, int, bytes], Advance]) -> Place:
    """Where the slow look at a file may begin."""
    dialect, name = files.dialect, files.shown(path)
    line_end = _line_end_of(files, path)
    advance = passing(dialect, len(files.fields[path]), line_end)
    if dialect.header:
        advance = after_header(dialect, advance)
    return look_from(pieces(path, dialect, name), advance, dialect.buffer_bytes, line_end)


def _line_end_of(files: CsvFiles, path: Path) -> bytes:
    first = next(records(path, files.dialect, files.shown(path)), None)
    return (_line_end(first.raw) if first else b"") or b"\n"


def _holds(record: Record, position: int, value: str) -> bool:
    found = record.fields[position] if len(record.fields) > position else None
    return found is not None and (found[:MARKED_TEXT] if len(value) == MARKED_TEXT else found) == value


def _data_records(files: CsvFiles, path: Path, start: Place) -> Iterator[Record]:
    found = records(path, files.dialect, files.shown(path), start)
    if files.dialect.header and not start.offset:
        next(found, None)
    return found


def _suspects(text: str, files: CsvFiles) -> Sequence[Path]:
    named = _FILE.search(text)
    return [path for path in files.paths if named and str(path) == named[1]] or files.paths


def _irregularity(files: CsvFiles, path: Path, otherwise: Structural) -> DataError | None:
    """The first record that is not CSV of the declared form, `otherwise` where only DuckDB sees why."""
    name, expected, looked_at = files.shown(path), len(files.fields[path]), 0
    try:
        line_end = _line_end_of(files, path)
        start = _near(files, path, past_regular_records)
        for record in records(path, files.dialect, name, start):
            if record.fields and len(record.fields) != expected:
                return ragged(name, record.line, len(record.fields), expected)
            if _line_end(record.raw) not in (line_end, b""):
                return _mixed_line_ends(name, record.line)
            looked_at += len(record.raw)
            if looked_at > files.dialect.buffer_bytes:
                break
    except DataError as found:
        return found
    return otherwise(name, start.line) if looked_at else None


def ragged(name: str, line: int, found: int, expected: int) -> DataError:
    """A line with too many or too few fields."""
    message = f"A line of {name} has {found} field{'s'[: found != 1]}, expected {expected}."
    hint = "Quote fields that hold the delimiter or a line break; check delimiter and quote."
    return DataError("DAT001", message, hint=hint, where=Where(name, line))


def _mixed_line_ends(name: str, line: int) -> DataError:
    message = f"{name} mixes different line ends; line {line} ends in another way than the lines before."
    hint = "Write the file with one kind of line end, for example with dos2unix."
    return DataError("DAT005", message, hint=hint, where=Where(name, line))


def _not_csv(name: str, line: int | None) -> DataError:
    hint = "Check delimiter and quote; the file must be CSV as RFC 4180 describes it."
    return DataError("DAT005", f"{name} is not CSV of the declared form.", hint=hint, where=Where(name, line))


def _unpacked(name: str, _line: int | None) -> DataError:
    return damaged(name)


def _line_end(raw: bytes) -> bytes:
    return raw[len(raw.rstrip(b"\r\n")) :]


_STRUCTURE: dict[str, Structural] = {
    "unterminated quote": bad_quotes,
    "not utf-8 encoded": not_utf8,
    "Invalid unicode": not_utf8,
    "GZIP": _unpacked,
    "ZSTD": _unpacked,
    "gzip": _unpacked,
    "zstd": _unpacked,
    "CSV": _not_csv,
}
"""Signs in DuckDB's message, and the error where the second pass finds nothing."""
