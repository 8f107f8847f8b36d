"""Typed parameters: their values, and where a config uses them.

A value that is a reference as a whole keeps the parameter's type. Inside a longer text the value's text is
put in its place, but never inside SQL: there it must be bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from osiris.findings import Finding, nearest
from osiris.oml import Param, ParsedPipeline
from osiris.oml.references import PARAM

Path_ = tuple[str | int, ...]

SQL_MEDIA_TYPE = "application/sql"


class NotOfType(ValueError):
    """A value that cannot be read as the declared type."""


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise NotOfType


def _integer(value: Any) -> int:
    if isinstance(value, (bool, float)):
        raise NotOfType
    return int(value)


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        raise NotOfType
    number = value if isinstance(value, int) else float(value)
    if not math.isfinite(number):
        raise NotOfType
    return number


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise NotOfType
    return value


_READ: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": lambda value: date.fromisoformat(_string(value)),
    "timestamp": lambda value: datetime.fromisoformat(_string(value)),
}


class Params:
    """The values of one compile; `findings` holds what is wrong with them."""

    def __init__(self, parsed: ParsedPipeline, given: Mapping[str, Any]) -> None:
        self._source = parsed.source
        self._declared: Mapping[str, Param] = parsed.pipeline.params if parsed.pipeline else {}
        self.values: dict[str, Any] = {}
        self.findings: list[Finding] = []
        for name in given.keys() - self._declared.keys():
            near = nearest(name, self._declared)
            tail = f"; did you mean {near[0]!r}?" if near else "."
            self._report(
                "OML027", f"The pipeline declares no parameter {name!r}{tail}", ("params",), candidates=near
            )
        for name, param in self._declared.items():
            self._read(name, param, given)

    def substitute(self, value: Any, schema: Mapping[str, Any], path: Path_) -> Any:
        """The value with references replaced; `schema` tells which texts are SQL."""
        if isinstance(value, str):
            return self._in_text(value, schema, path)
        if isinstance(value, dict):
            rules = schema.get("properties", {})
            other = schema.get("additionalProperties")
            other = other if isinstance(other, dict) else {}
            return {
                key: self.substitute(item, rules.get(key, other), (*path, key)) for key, item in value.items()
            }
        if isinstance(value, list):
            rule = schema.get("items", {})
            return [self.substitute(item, rule, (*path, index)) for index, item in enumerate(value)]
        return value

    def _in_text(self, text: str, schema: Mapping[str, Any], path: Path_) -> Any:
        whole = PARAM.fullmatch(text.strip())
        if whole:
            return self._value_of(whole[1], path)
        if PARAM.search(text) and schema.get("contentMediaType") == SQL_MEDIA_TYPE:
            message = "A parameter cannot be pasted into SQL."
            hint = 'Write :name in the SQL and bind: {name: "${params.name}"} beside it.'
            self._report("OML029", message, path, hint=hint)
            return text
        return PARAM.sub(lambda match: self._text_of(match[1], path), text)

    def _text_of(self, name: str, path: Path_) -> str:
        value = self._value_of(name, path)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _value_of(self, name: str, path: Path_) -> Any:
        if name not in self._declared:
            near = nearest(name, self._declared)
            tail = f"; did you mean {near[0]!r}?" if near else "."
            hint = None if near else f"Declare it: params: {{{name}: {{type: string, default: …}}}}."
            self._report(
                "OML027", f"The parameter {name!r} is not declared{tail}", path, candidates=near, hint=hint
            )
        return self.values.get(name)

    def _read(self, name: str, param: Param, given: Mapping[str, Any]) -> None:
        path: Path_ = ("params", name)
        if name not in given and "default" not in param.model_fields_set:
            hint = f"Give it with --param {name}=VALUE, or declare a default."
            self._report("OML028", f"The parameter {name!r} has no value.", path, hint=hint)
            return
        raw = given.get(name, param.default)
        try:
            self.values[name] = _READ[param.type](raw) if raw is not None or name in given else None
        except (ValueError, TypeError):
            self._report(
                "OML028", f"The parameter {name!r} must be of type {param.type}; {raw!r} is not.", path
            )
            return
        if param.enum is not None and self._not_in(param, raw):
            choices = ", ".join(str(choice) for choice in param.enum)
            near = nearest(str(raw), map(str, param.enum))
            self._report("OML028", f"The parameter {name!r} must be one of {choices}.", path, candidates=near)

    def _not_in(self, param: Param, raw: Any) -> bool:
        allowed = {str(choice) for choice in param.enum or ()}
        return str(raw) not in allowed

    def _report(self, code: str, message: str, path: Path_, **more: Any) -> None:
        self.findings.append(self._source.finding(code, message, path, **more))
