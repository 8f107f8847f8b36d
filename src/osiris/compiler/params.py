"""Typed parameters: their values, and where a config uses them.

A value that is a reference as a whole keeps the parameter's type. Inside a longer text the value's text is
put in its place, but never inside SQL: there it must be bound.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from osiris.compiler.clear_text import HINT, holds_password
from osiris.findings import Finding, Severity, nearest, pointer, shortened
from osiris.oml import Param, ParsedPipeline
from osiris.oml.references import ANY_REFERENCE, PARAM, used_parameters
from osiris.redaction import is_secret_key
from osiris.yamlsource import PLAIN_FLOAT, PLAIN_INT, Limits

Path_ = tuple[str | int, ...]

SQL_MEDIA_TYPE = "application/sql"


_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
"""What the command line makes of bytes that are no UTF-8."""

_LONGEST_NUMBER = Limits().number_length


class NotOfType(ValueError):
    """A value that cannot be read as the declared type."""


class Unset:
    """Stands for a parameter's value that is not known; what a check says about it means nothing."""


UNSET = Unset()


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise NotOfType


def _integer(value: Any) -> int:
    number = _number(value)
    if isinstance(number, float):
        raise NotOfType
    return number


def _number(value: Any) -> int | float:
    """A number as YAML reads it, so that a default and a value of the command line are the same."""
    text = str(value)
    if isinstance(value, bool) or len(text) > _LONGEST_NUMBER or not PLAIN_FLOAT.fullmatch(text):
        raise NotOfType
    if PLAIN_INT.fullmatch(text):
        return int(text)
    if not math.isfinite(float(text)):
        raise NotOfType
    return float(text)


def _string(value: Any) -> str:
    if not isinstance(value, str) or _LONE_SURROGATE.search(value):
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
        for name in sorted(given.keys() - self._declared.keys()):
            near = nearest(name, self._declared)
            tail = f"; did you mean {near[0]!r}?" if near else "."
            self._report(
                "OML027", f"The pipeline declares no parameter {name!r}{tail}", ("params",), candidates=near
            )
        for name, param in self._declared.items():
            if not any(_is_within(f, pointer("params", name)) for f in parsed.findings):
                self._read(name, param, given)
        self._unused(parsed.source.value)

    def substitute(self, value: Any, schema: Any, path: Path_) -> Any:
        """The value with references replaced, by `UNSET` where the value is not known; `schema` marks SQL."""
        schema = schema if isinstance(schema, Mapping) else {}
        if isinstance(value, str):
            return self._in_text(value, schema, path)
        if isinstance(value, dict):
            rules = schema.get("properties", {})
            other = schema.get("additionalProperties")
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
        values = {name: self._value_of(name, path) for name in PARAM.findall(text)}
        if UNSET in values.values():
            return UNSET
        if schema.get("contentMediaType") != SQL_MEDIA_TYPE:
            self._refuse_unknown(PARAM.sub("", text), path)
        return PARAM.sub(lambda match: _text_of(values[match[1]]), text)

    def _refuse_unknown(self, text: str, path: Path_) -> None:
        """A `${…}` that stands for nothing would silently become part of a file's name."""
        for found in ANY_REFERENCE.findall(text):
            near = nearest(found.rpartition(".")[2], self._declared)
            candidates = tuple(f"${{params.{name}}}" for name in near)
            message = f"{shortened('${' + found + '}')} stands for nothing; parameters are ${{params.name}}."
            self._report("OML027", message, path, candidates=candidates)

    def _value_of(self, name: str, path: Path_) -> Any:
        if name not in self._declared:
            near = nearest(name, self._declared)
            tail = f"; did you mean {near[0]!r}?" if near else "."
            hint = None if near else f"Declare it: params: {{{name}: {{type: string, default: …}}}}."
            self._report(
                "OML027", f"The parameter {name!r} is not declared{tail}", path, candidates=near, hint=hint
            )
        return self.values.get(name, UNSET)

    def _unused(self, document: Any) -> None:
        used = used_parameters(document)
        if not used <= self._declared.keys():
            return  # one that is misspelt may be the one that seems unused
        for name in (name for name in self._declared if name not in used):
            message = f"The parameter {name!r} is declared and used nowhere."
            path = ("params", name)
            self._report("OML034", message, path, key=True, severity=Severity.WARNING)

    def _read(self, name: str, param: Param, given: Mapping[str, Any]) -> None:
        path: Path_ = ("params", name)
        if name not in given and "default" not in param.model_fields_set:
            hint = f"Give it with --param {name}=VALUE, or declare a default."
            self._report("OML033", f"The parameter {name!r} has no value.", path, hint=hint)
            return
        raw = given.get(name, param.default)
        at = path if name in given else (*path, "default")
        self._clear_text(name, raw, at)
        value = None if raw is None else self._typed(name, param, raw, at)
        choices = [
            self._typed(name, param, item, (*path, "enum", i)) for i, item in enumerate(param.enum or ())
        ]
        if UNSET in (value, *choices):
            return
        if choices and value not in choices:
            shown = [_text_of(choice) for choice in choices]
            near = nearest(_text_of(value), shown)
            message = f"The parameter {name!r} must be one of {', '.join(shown)}."
            self._report("OML028", message, at, candidates=near)
            return
        self.values[name] = value

    def _typed(self, name: str, param: Param, raw: Any, path: Path_) -> Any:
        try:
            return _READ[param.type](raw)
        except (ValueError, TypeError):
            shown = "what is given" if is_secret_key(name) else shortened(repr(raw))
            message = f"The parameter {name!r} must be of type {param.type}; {shown} is not."
            self._report("OML028", message, path)
            return UNSET

    def _clear_text(self, name: str, raw: Any, path: Path_) -> None:
        if (is_secret_key(name) and raw not in (None, "")) or holds_password(raw):
            self._report("CON005", "A secret stands in clear text here.", path, hint=HINT)

    def _report(self, code: str, message: str, path: Path_, **more: Any) -> None:
        self.findings.append(self._source.finding(code, message, path, **more))


def _is_within(finding: Finding, place: str) -> bool:
    return finding.pointer == place or finding.pointer.startswith(place + "/")


def _text_of(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
