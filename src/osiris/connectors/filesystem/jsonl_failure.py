"""What is wrong with a line of a JSON Lines file, or with a value in it, as errors with their place."""

from __future__ import annotations

from collections.abc import Sequence

from osiris.connectors.filesystem.csv_inference import yaml_key
from osiris.connectors.filesystem.jsonl_text import BadLine
from osiris.connectors.filesystem.jsonl_types import JsonColumn
from osiris.errors import DataError, PipelineError, Where
from osiris.findings import nearest

_EXCERPT = 40
"""At most so many characters of a value stand in an error."""


def bad_line(problem: BadLine, where: Where) -> DataError:
    """A line that is not one JSON object."""
    message = f"A line of {where.file} {problem.message}."
    return DataError(problem.code, message, hint=problem.hint, where=where)


def unknown_key(key: str, keys: Sequence[str], where: Where) -> DataError:
    """A key that the rows before did not have."""
    close = nearest(key, keys)
    meant = f"Did you mean {close[0]!r}? Else pin" if close else "Pin"
    hint = (
        f"{meant} its type with schema: {{{yaml_key(key)}: VARCHAR}}, or name the columns to keep in columns."
    )
    message = f"A row of {where.file} has the key {key!r}, which no row of the sample has."
    return DataError("DAT032", message, hint=hint, where=where, details={"key": key})


def unsampled_column(name: str, known: Sequence[str], file: str) -> PipelineError:
    """A column that the config asks for and that no row of the sample has."""
    close = nearest(name, known)
    meant = f"Did you mean {', '.join(close)}? " if close else ""
    hint = f"{meant}Declare its type in schema if only later rows have it."
    message = f"columns names the key {name!r}, which no row of the sample has."
    return PipelineError("DAT008", message, hint=hint, where=Where(file), details={"keys": list(known)})


def check_keys(keys: Sequence[str], most: int, file: str) -> None:
    """Refuse keys that cannot be columns (DAT006): none at all, without a name, too many."""
    if not keys:
        hint = "Name the columns with their types in schema."
        raise DataError("DAT006", f"No row of {file} has a key.", hint=hint, where=Where(file))
    for key in keys:
        if not key.strip() or "\0" in key:
            message = f"A key of {file} is no usable name: {key!r}."
            raise DataError("DAT006", message, hint="Name the columns to keep in columns.", where=Where(file))
    if len(keys) > most:
        message = f"The rows of {file} have more than {most:,} different keys."
        hint = (
            "Name the columns to keep in columns; a mapping from ids to values belongs into one JSON value."
        )
        raise DataError("DAT006", message, hint=hint, where=Where(file))


def misfit(column: JsonColumn, value: str, where: Where) -> DataError:
    """A value that its column cannot take."""
    short = value if len(value) <= _EXCERPT else value[: _EXCERPT - 1] + "…"
    why = "was taken for" if column.inferred else "is declared as"
    says = f": {column.form.says}" if column.form.says else ""
    message = f"The value {short} does not fit column {column.name!r}, which {why} {column.type}{says}."
    pin = f"schema: {{{yaml_key(column.name)}: JSON}}"
    hint = f"Pin the column with {pin}, which keeps every value as it stands, or mend the value."
    details = {"column": column.name, "line": where.line}
    code = "DAT012" if column.inferred else "DAT011"
    return DataError(code, message, hint=hint, where=where, details=details)
