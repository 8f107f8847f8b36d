"""Fields of the family's configs, and errors of their values as findings."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from osiris.connectors.sqlite.statements import place_in_words
from osiris.core import ConfigProblem
from osiris.errors import OsirisError

Sql = Annotated[str, Field(min_length=1, json_schema_extra={"contentMediaType": "application/sql"})]
"""A config field that holds SQL; the compiler refuses parameters inside such text."""

BindValue = Annotated[
    Any,
    Field(
        json_schema_extra={
            "type": ["string", "number", "boolean", "null", "object"],
            "required": ["type", "value"],
        }
    ),
]
"""A value of `bind`: a scalar, or the manifest's form of a typed one."""


def problem(error: OsirisError, field: str) -> ConfigProblem:
    """An error as a finding about a config field: that of its details, else the given one."""
    line, column = error.details.get("line", 0), error.details.get("column", 0)
    message = error.message.replace(place_in_words(line, column), "")
    return ConfigProblem(error.details.get("field", field), error.code, message, error.hint, line, column)
