"""Repairs of values: another type, another word, another version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from unicodedata import normalize

from osiris.compiler.repairs.making import change
from osiris.compiler.repairs.rules import Rule, fits, types
from osiris.compiler.repairs.scene import Path_, Scene
from osiris.compiler.repairs.spelling import slip_of
from osiris.findings import Finding, Patch
from osiris.oml import OML_VERSION
from osiris.yamlsource import PLAIN_FLOAT, PLAIN_INT

DECISIVE = frozenset(
    (
        *("connection", "path", "table", "query", "bind", "columns", "where", "limit"),
        *("write_mode", "primary_key", "create", "incremental"),
    )
)
"""Config keys of all components that say which data is read, and what is written where."""

_SPOKEN = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_THIS_VERSION = {"0.1", "0.1.0"}


class Reading(NamedTuple):
    """A value that fits, and whether the old one can mean nothing else."""

    value: Any
    is_certain: bool


def wrong_value(scene: Scene, finding: Finding) -> Patch | None:
    """Give the value the type or the word that its schema wants.

    Safe where only the notation changes, or the word is a slip of one choice and decides no data.
    """
    path = scene.path(finding)
    value = scene.at(path)
    if value is None or scene.holds_secret(path) or (isinstance(value, str) and "${" in value):
        return None
    spelling = scene.spelling(path)
    readings = (
        reading
        for rule in scene.rules(path)
        if not fits(value, rule)
        for reading in (*_choices(path, value, rule, finding), *_conversions(path, value, spelling, rule))
    )
    written = scene.source.spellings.get(path)
    return next((change(path, value, new, safe=sure, spelling=written) for new, sure in readings), None)


def wrong_parameter(scene: Scene, finding: Finding) -> Patch | None:
    """As `wrong_value`, for a parameter's default or one of its choices, by the type that is declared."""
    path = scene.path(finding)
    match path:
        case ("params", name, "default" | "enum", *_):
            declared = scene.parameters.get(str(name))
        case _:
            return None  # the value was given on the command line
    if not isinstance(declared, dict) or scene.holds_secret(path):
        return None
    value, kind = scene.at(path), declared.get("type", "string")
    for new, certain in _converted(value, kind, scene.spelling(path)):
        return change(path, value, new, safe=certain, spelling=scene.source.spellings.get(path))
    choice = next(iter(finding.candidates), None)
    return change(path, value, choice, safe=False) if choice and kind == "string" else None


def version(scene: Scene, finding: Finding) -> Patch:
    """Write the version as this one is written; safe where it is this one."""
    path = scene.path(finding)
    given = scene.spelling(path).strip().lower().removeprefix("v")
    value, written = scene.at(path), scene.source.spellings.get(path)
    safe = given in _THIS_VERSION or value is None
    return change(path, value, OML_VERSION, safe=safe, spelling=written)


def number_as_text(scene: Scene, finding: Finding) -> Patch | None:
    """Quote a number that is too long for one."""
    path = scene.path(finding)
    text = scene.source.spellings.get(path)
    hidden = text is None or scene.holds_secret(path)
    return None if hidden else change(path, None, text, safe=False, spelling=text)


def _choices(path: Path_, value: Any, rule: Rule, finding: Finding) -> Iterator[Reading]:
    """The word that is meant by a text: the one that it is a slip of, or else the nearest."""
    words = [word for word in (*rule.get("enum", ()), *rule.get("x-aliases", ())) if isinstance(word, str)]
    if not isinstance(value, str) or not words:
        return
    slip = slip_of(value, words)
    if slip is not None:
        yield Reading(slip, not (path[2:3] == ("config",) and path[-1] in DECISIVE))
    yield from (Reading(word, False) for word in finding.candidates if word in words)


def _conversions(path: Path_, value: Any, spelling: str, rule: Rule) -> Iterator[Reading]:
    """What the value is as one of the types that the rule allows, where that fits the rule."""
    for kind in types(rule):
        found = [*_converted(value, kind, spelling), *(_listed(value) if kind == "array" else ())]
        found += _as_name(value) if path == ("name",) else ()
        yield from (reading for reading in found if fits(reading.value, rule))


def _converted(value: Any, kind: str, spelling: str) -> Iterator[Reading]:
    """The same value as another type."""
    if kind == "string" and isinstance(value, (bool, int, float)):
        yield Reading(spelling, True)
    elif kind == "boolean" and isinstance(value, str) and value.casefold() in _SPOKEN:
        yield Reading(_SPOKEN[value.casefold()], True)
    elif kind == "boolean" and value in (0, 1) and not isinstance(value, bool):
        yield Reading(bool(value), False)
    elif kind in ("integer", "number") and isinstance(value, str) and PLAIN_FLOAT.fullmatch(value):
        yield Reading(_number(value), _JSON_NUMBER.fullmatch(value) is not None)
    elif kind == "integer" and isinstance(value, float) and value.is_integer():
        yield Reading(int(value), True)


def _number(text: str) -> int | float:
    return int(text) if PLAIN_INT.fullmatch(text) else float(text)


def _listed(value: Any) -> Iterator[Reading]:
    """A list of the one value; several in one text are taken apart."""
    if isinstance(value, str) and "," in value:
        parts = [part.strip() for part in value.split(",")]
        if all(parts):
            yield Reading(parts, False)
    elif isinstance(value, (str, bool, int, float)):
        yield Reading([value], True)


def _as_name(value: Any) -> Iterator[Reading]:
    """A name of the letters that a name may have."""
    if isinstance(value, str):
        letters = normalize("NFKD", value).encode("ascii", "ignore").decode()
        yield Reading(re.sub(r"[^A-Za-z0-9_-]+", "_", letters).strip("_"), False)
