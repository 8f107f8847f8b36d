"""The head of a CSV file: the names of its fields, how many there are, how long its lines are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from osiris.connectors.filesystem.csv_dialect import CsvDialect
from osiris.connectors.filesystem.csv_text import Record, records
from osiris.errors import DataError, PipelineError, Where
from osiris.findings import nearest

_HEAD_RECORDS = 200


@dataclass(frozen=True, slots=True)
class CsvHead:
    """Field names in file order and the average length of the first lines in bytes."""

    names: tuple[str, ...]
    line_bytes: int


def read_head(path: Path, dialect: CsvDialect, name: str, given: Sequence[str] = ()) -> CsvHead:
    """The head of a file; without a header line the names are `given`. Raises `DataError`."""
    first = list(islice(records(path, dialect, name), _HEAD_RECORDS))
    names = _header_names(first, name) if dialect.header else _given_names(first, given, name)
    _check_names(names, name)
    _check_superfluous_nulls(first, len(names), dialect, name)
    return CsvHead(names, max(1, sum(len(record.raw) for record in first) // max(1, len(first))))


def same_columns(names: Sequence[str], expected: Sequence[str], name: str, first_name: str) -> None:
    """Check that a further file has the columns of the first one, in any order. Raises `DataError` DAT007."""
    missing = [column for column in expected if column not in names]
    extra = [column for column in names if column not in expected]
    if missing or extra:
        column, word = (missing[0], "lacks") if missing else (extra[0], "has the extra")
        message = f"{name} {word} column {column!r}; the first file is {first_name}."
        raise DataError(
            "DAT007", message, hint="Read files of different shape in steps of their own.", where=Where(name)
        )


def known_columns(wanted: Sequence[str], names: Sequence[str], field: str, name: str) -> None:
    """Check that each column that the config names is in the file. Raises `PipelineError` DAT008."""
    for column in wanted:
        if column not in names:
            close = nearest(column, names)
            hint = f"Did you mean {', '.join(close)}?" if close else f"The columns are: {', '.join(names)}."
            message = f"{field} names the column {column!r}, which {name} does not have."
            raise PipelineError(
                "DAT008", message, hint=hint, where=Where(name), details={"columns": list(names)}
            )


def _header_names(first: Sequence[Record], name: str) -> tuple[str, ...]:
    if not first or not first[0].fields:
        hint = "Add a header line, or set header: false and name the fields in columns."
        raise DataError("DAT006", f"{name} has no header line.", hint=hint, where=Where(name, 1))
    return tuple(field or "" for field in first[0].fields)


def _given_names(first: Sequence[Record], given: Sequence[str], name: str) -> tuple[str, ...]:
    if not first and not given:
        hint = "Name the fields in columns, or leave the file out."
        raise DataError(
            "DAT006", f"{name} is empty, so its fields are not known.", hint=hint, where=Where(name)
        )
    found = max(1, len(first[0].fields)) if first else len(given)
    if given and len(given) != found:
        message = f"{name} has {found} fields in its first line, columns names {len(given)}."
        raise DataError("DAT006", message, hint="With header: false, columns names all fields in file order.")
    return tuple(given) or tuple(f"column{index}" for index in range(found))


def _check_names(names: Sequence[str], name: str) -> None:
    if any(not column.strip() for column in names):
        position = next(index for index, column in enumerate(names, 1) if not column.strip())
        message = f"Field {position} of the header of {name} has no name."
        raise DataError(
            "DAT006", message, hint="Name it, or remove the extra delimiter.", where=Where(name, 1)
        )
    if any("\0" in column for column in names):
        message = f"The header of {name} holds a NUL character."
        hint = "Remove it; often the file is UTF-16 text, which iconv -f UTF-16 -t UTF-8 converts."
        raise DataError("DAT006", message, hint=hint, where=Where(name, 1))
    repeated = [column for column, count in Counter(names).items() if count > 1]
    if repeated:
        message = f"The header of {name} names the column {repeated[0]!r} twice."
        raise DataError("DAT006", message, hint="Give each column a name of its own.", where=Where(name, 1))


def _check_superfluous_nulls(first: Sequence[Record], fields: int, dialect: CsvDialect, name: str) -> None:
    """Refuse NULLs too many at the end of a line, which DuckDB takes for nothing at all.

    No option of DuckDB's says otherwise, and counting the fields of a whole file takes as long as reading it.
    """
    nulls = (None, *dialect.null_values)
    for record in first:
        found = len(record.fields)
        if found > fields and all(field in nulls for field in record.fields[fields:]):
            message = f"A line of {name} has {found} fields, expected {fields}; what is too much is NULL."
            hint = "Remove the delimiter at the end of the line, or add a name to the header."
            raise DataError("DAT001", message, hint=hint, where=Where(name, record.line))
