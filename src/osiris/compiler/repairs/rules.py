"""The part of a JSON Schema that a value has to fit, and whether it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Path_ = tuple[str | int, ...]
Rule = Mapping[str, Any]

_DEFINITIONS = "#/$defs/"


def rules_at(root: Rule, path: Path_) -> list[Rule]:
    """The schemas for the value at a path: one, or several of which one is enough; none if none is known."""
    found = _variants(root, root)
    for token in path:
        found = [rule for parent in found for rule in _variants(root, _below(parent, token))]
    return [rule for rule in found if rule]


def fits(value: Any, root: Rule) -> bool:
    """Whether a value fits a schema that `rules_at` gave."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(root).is_valid(value)


def types(rule: Rule) -> list[str]:
    """The names of the types that a schema allows; none where it allows all."""
    named = rule.get("type", [])
    return [named] if isinstance(named, str) else list(named)


def _below(rule: Rule, token: str | int) -> Rule:
    if isinstance(token, int):
        return _mapping(rule.get("items"))
    others = [*_mapping(rule.get("patternProperties")).values(), rule.get("additionalProperties")]
    return _mapping(_mapping(rule.get("properties")).get(token, others[0]))


def _variants(root: Rule, rule: Rule) -> list[Rule]:
    """The rule with its reference followed, or the rules of which one is enough."""
    reference = str(rule.get("$ref", ""))
    definitions = _mapping(root.get("$defs"))
    if reference.startswith(_DEFINITIONS):
        return _variants(root, _mapping(definitions.get(reference.removeprefix(_DEFINITIONS))))
    if "anyOf" in rule and "properties" not in rule:
        return [each for choice in rule["anyOf"] for each in _variants(root, _mapping(choice))]
    return [{**rule, "$defs": definitions} if rule and definitions else rule]


def _mapping(value: Any) -> Rule:
    return value if isinstance(value, Mapping) else {}
