"""JSON Schema for configs: every problem of a value in plain words, defaults, and accepted aliases."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from osiris.findings import as_written, nearest, pointer, shortened
from osiris.redaction import is_secret_key

Path_ = tuple[str | int, ...]

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}

_RULES = {
    "pattern": "must fit the pattern {0}",
    "minLength": "must have at least {0} character(s)",
    "maxLength": "must have at most {0} character(s)",
    "minItems": "must have at least {0} item(s)",
    "maxItems": "must have at most {0} item(s)",
    "minimum": "must be at least {0}",
    "maximum": "must be at most {0}",
    "exclusiveMinimum": "must be greater than {0}",
    "exclusiveMaximum": "must be less than {0}",
    "multipleOf": "must be a multiple of {0}",
    "minProperties": "must have at least {0} key(s)",
    "uniqueItems": "must not repeat an item",
    "const": "must be {0}",
}


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """One way in which a value does not fit: `kind` is `unknown`, `missing` or `wrong`."""

    kind: str
    path: Path_
    message: str
    candidates: tuple[str, ...] = ()
    hint: str | None = None


def schema_problems(
    schema: Mapping[str, Any],
    value: Any,
    owner: str,
    aliases: Mapping[str, list[str]] | None = None,
    secrets: Iterable[str] = (),
) -> list[SchemaProblem]:
    """All problems of a value against a schema, without the values of `secrets` (JSON pointers).

    `aliases` are words that people use for a known key.
    """
    from jsonschema import Draft202012Validator

    found: list[SchemaProblem] = []
    for error in Draft202012Validator(schema).iter_errors(value):
        found.extend(_problems(error, owner, aliases or {}))
    found = list(dict.fromkeys(found))  # each missing key is an error of its own, and names all of them
    hidden = set(secrets)
    return [
        _without_value(problem, owner) if pointer(*problem.path) in hidden else problem for problem in found
    ]


def _without_value(problem: SchemaProblem, owner: str) -> SchemaProblem:
    return SchemaProblem(problem.kind, problem.path, f"{_named(problem.path, owner)} is not as it must be.")


def schema_error(schema: Any) -> str | None:
    """What makes a schema itself invalid, or None."""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"{error.json_path}: {error.message}"
    return next((f"{ref} leads nowhere" for ref in _references(schema) if not _leads(schema, ref)), None)


def _references(node: Any) -> Iterator[str]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and isinstance(node.get("$ref"), str):
        yield node["$ref"]
    for child in children:
        yield from _references(child)


def _leads(schema: Any, ref: str) -> bool:
    """Whether a reference stays in the schema and names a part of it; nothing is ever fetched."""
    if not ref.startswith("#/"):
        return ref == "#"
    node = schema
    for token in ref[2:].split("/"):
        if not isinstance(node, dict) or token not in node:
            return False
        node = node[token]
    return True


def with_defaults(schema: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """The value with the schema's defaults filled in, keys in the schema's order first."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    filled: dict[str, Any] = {}
    for key, rule in properties.items():
        if key in value:
            item = value[key]
            filled[key] = (
                with_defaults(rule, item) if isinstance(item, dict) and "properties" in rule else item
            )
        elif "default" in rule:
            filled[key] = copy.deepcopy(rule["default"])
    return filled | {key: item for key, item in value.items() if key not in properties}


def without_aliases(schema: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """The value with each accepted other word (`x-aliases`) replaced by the real one."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    real = dict(value)
    for key, item in value.items():
        aliases = properties.get(key, {}).get("x-aliases", {})
        if isinstance(item, str) and item in aliases:
            real[key] = aliases[item]
    return real


def _problems(error: Any, owner: str, aliases: Mapping[str, list[str]]) -> Iterator[SchemaProblem]:
    path = tuple(error.absolute_path)
    match error.validator:
        case "additionalProperties" if error.validator_value is False:
            yield from _unknown_keys(error, path, owner, aliases)
        case "required":
            yield from _missing_keys(error, path, owner)
        case "enum":
            yield _not_a_choice(error, path, owner)
        case "oneOf" | "anyOf":
            yield _none_or_many(error, path, owner)
        case "type":
            yield SchemaProblem("wrong", path, _wrong_type(error, path, owner))
        case rule:
            phrase = _RULES.get(rule, "does not fit its schema").format(as_written(error.validator_value))
            yield SchemaProblem("wrong", path, f"{_named(path, owner)} {phrase}.")


def _unknown_keys(
    error: Any, path: Path_, owner: str, aliases: Mapping[str, list[str]]
) -> Iterator[SchemaProblem]:
    known = list(error.schema.get("properties", {}))
    for key in sorted(set(error.instance) - set(known)):
        meant = [name for name, words in aliases.items() if key in words and name in known]
        candidates = tuple(dict.fromkeys([*meant, *nearest(key, known)]))
        tail = f"; did you mean {candidates[0]!r}?" if candidates else "."
        hint = "Known keys: " + ", ".join(known) + "." if known else None
        yield SchemaProblem(
            "unknown", (*path, key), f"{_named(path, owner)} has no key {key!r}{tail}", candidates, hint
        )


def _missing_keys(error: Any, path: Path_, owner: str) -> Iterator[SchemaProblem]:
    for key in error.validator_value:
        if key not in error.instance:
            about = error.schema.get("properties", {}).get(key, {}).get("description")
            message = f"{_named(path, owner)} has no {key!r}, which is required."
            yield SchemaProblem("missing", path, message, (key,), about)


def _not_a_choice(error: Any, path: Path_, owner: str) -> SchemaProblem:
    choices = [as_written(choice) for choice in error.validator_value]
    aliases = error.schema.get("x-aliases", {})
    candidates = nearest(as_written(error.instance), [*choices, *aliases])
    message = (
        f"{_named(path, owner)} must be one of {', '.join(choices)}, not {_shown(path, error.instance)}."
    )
    return SchemaProblem("wrong", path, message, candidates)


def _none_or_many(error: Any, path: Path_, owner: str) -> SchemaProblem:
    groups = [choice.get("required") for choice in error.validator_value]
    if not all(groups):
        return SchemaProblem("wrong", path, f"{_named(path, owner)} fits none of the forms that are allowed.")
    names = [" and ".join(map(repr, group)) for group in groups]
    given = [
        name for name, group in zip(names, groups, strict=True) if all(key in error.instance for key in group)
    ]
    found = "none of them is given" if not given else f"{' and '.join(given)} are given"
    message = f"{_named(path, owner)} needs exactly one of {' or '.join(names)}; {found}."
    return SchemaProblem(
        "missing" if not given else "wrong", path, message, tuple(group[0] for group in groups)
    )


def _wrong_type(error: Any, path: Path_, owner: str) -> str:
    value = error.validator_value
    expected: list[str] = value if isinstance(value, list) else [value]
    kinds = " or ".join(_KINDS.get(kind, kind) for kind in expected)
    return f"{_named(path, owner)} must be {kinds}, not {_shown(path, error.instance)}."


def _named(path: Path_, owner: str) -> str:
    if not path:
        return owner
    text = "".join(f"[{token}]" if isinstance(token, int) else f".{token}" for token in path).lstrip(".")
    return f"{owner}: {text!r}"


def _shown(path: Path_, value: Any) -> str:
    if any(is_secret_key(str(token)) for token in path):
        return "what stands there"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "nothing"
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return shortened(text)
