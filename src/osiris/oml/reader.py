"""From the text of a pipeline to the typed model, with every problem of its form as a finding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from osiris.findings import Finding, nearest, shortened
from osiris.oml.model import OML_VERSION, Param, Pipeline, Retry, Step
from osiris.redaction import is_secret_key
from osiris.yamlsource import YamlSource, parse_yaml, read_yaml

_HABITS = {
    "version": "oml_version",
    "pipeline": "name",
    "id": "name",
    "name": "id",
    "tasks": "steps",
    "uses": "component",
    "type": "component",
    "with": "config",
    "options": "config",
    "depends_on": "needs",
    "dependencies": "needs",
    "parameters": "params",
    "variables": "params",
    "timeout": "timeout_seconds",
    "retries": "retry",
}
"""Keys of neighbouring languages that people and models reach for, and what OML calls them."""

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


_NAME_RULE = "letters, digits, '_' and '-', beginning with a letter, at most 64 characters"
_INPUT_RULE = "letters, digits and '_', not beginning with a digit, at most 63 characters"

UNKNOWN_COMPONENT = "?"
"""Stands for a component that a broken step does not name; checks pass over it."""


@dataclass(slots=True)
class ParsedPipeline:
    """A pipeline's text and its typed form.

    Where the form has errors, `pipeline` is what can be understood of it, so that the checks that follow can
    report their findings in the same pass; it is None where nothing can.
    """

    source: YamlSource
    pipeline: Pipeline | None = None
    findings: list[Finding] = field(default_factory=list)


def read_pipeline(file: Path, *, shown_as: str | None = None) -> ParsedPipeline:
    """Read a pipeline file. Raises `OSError` where it cannot be read."""
    return _typed(read_yaml(file, shown_as=shown_as))


def parse_pipeline(text: str | bytes, *, shown_as: str | None = None) -> ParsedPipeline:
    """Read a pipeline from text."""
    return _typed(parse_yaml(text, shown_as=shown_as))


def _typed(source: YamlSource) -> ParsedPipeline:
    parsed = ParsedPipeline(source, findings=list(source.findings))
    if source.value is None:
        if not source.findings:
            parsed.findings.append(source.finding("OML010", "The file is empty.", ()))
        return parsed
    try:
        parsed.pipeline = Pipeline.model_validate(source.value)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        parsed.findings.extend(_finding(source, details) for details in problems)
        parsed.pipeline = _understood(source.value, [details["loc"] for details in problems])
    return parsed


def _understood(value: Any, broken: list[tuple[str | int, ...]]) -> Pipeline | None:
    """The pipeline without its broken parts; steps keep their places so that positions stay true."""
    if not isinstance(value, dict) or not isinstance(value.get("steps"), list):
        return None
    whole = {key: value[key] for key in Pipeline.model_fields if key in value and (key,) not in broken}
    whole |= {
        "oml_version": OML_VERSION,
        "name": whole.get("name", "unnamed"),
        "params": _params_understood(whole.get("params", {}), broken),
        "steps": _steps_understood(value["steps"], broken),
    }
    try:
        return Pipeline.model_validate(whole)
    except ValidationError:
        return None


def _params_understood(params: dict[str, Any], broken: list[tuple[str | int, ...]]) -> dict[str, Any]:
    """A parameter with a broken declaration stays known by its name, if that is a name at all."""
    names = {path[1] for path in broken if path[:1] == ("params",) and "[key]" in path}
    unclear = {path[1] for path in broken if path[:1] == ("params",) and len(path) > 1}
    return {name: {} if name in unclear else param for name, param in params.items() if name not in names}


def _steps_understood(steps: list[Any], broken: list[tuple[str | int, ...]]) -> list[dict[str, Any]]:
    """Each step without its broken keys; one that says nothing else has a name and no component."""
    gone = {(path[1], path[2]) for path in broken if path[:1] == ("steps",) and path[2:]}
    understood = []
    for index, step in enumerate(steps):
        kept = (
            {key: item for key, item in step.items() if (index, key) not in gone}
            if isinstance(step, dict)
            else {}
        )
        understood.append({"id": f"step-{index + 1}", "component": UNKNOWN_COMPONENT} | kept)
    return understood


def _finding(source: YamlSource, details: ErrorDetails) -> Finding:
    path = tuple(part for part in details["loc"] if part != "[key]")
    match details["type"]:
        case "missing":
            return _missing(source, path)
        case "extra_forbidden":
            return _unknown(source, path)
        case "literal_error" if path == ("oml_version",):
            message = f"This version of Osiris reads OML {OML_VERSION}, not {_shown(path, details['input'])}."
            return source.finding("OML013", message, path, candidates=(OML_VERSION,))
        case "literal_error" | "enum":
            return _not_a_choice(source, path, details)
        case kind:
            key = "[key]" in details["loc"]
            return source.finding("OML012", _wrong_form(source, path, kind, details), path, key=key)


def _missing(source: YamlSource, path: tuple[str | int, ...]) -> Finding:
    owner = source.value
    for token in path[:-1]:
        owner = owner[token]
    message = f"{_place(source, path[:-1])} has no {path[-1]!r}, which is required."
    meant = (
        tuple(key for key in owner if _HABITS.get(str(key)) == path[-1]) if isinstance(owner, dict) else ()
    )
    hint = f"Rename {meant[0]!r} to {path[-1]!r}." if meant else None
    return source.finding("OML010", message, path[:-1], candidates=(str(path[-1]),), hint=hint)


def _unknown(source: YamlSource, path: tuple[str | int, ...]) -> Finding:
    key, known = str(path[-1]), _known_keys(path[:-1])
    habit = _HABITS.get(key)
    candidates = tuple(dict.fromkeys([*([habit] if habit in known else []), *nearest(key, known)]))
    meant = f"; did you mean {candidates[0]!r}?" if candidates else "."
    message = f"{_place(source, path[:-1])} has no key {shortened(repr(key))}{meant}"
    hint = "Known keys: " + ", ".join(known) + "."
    return source.finding("OML011", message, path, key=True, candidates=candidates, hint=hint)


def _known_keys(path: tuple[str | int, ...]) -> list[str]:
    model: type[BaseModel] = Pipeline
    if path[:1] == ("params",):
        model = Param
    elif path[:1] == ("steps",):
        model = Retry if path[2:3] == ("retry",) else Step
    return list(model.model_fields)


def _not_a_choice(source: YamlSource, path: tuple[str | int, ...], details: ErrorDetails) -> Finding:
    choices = _choices(str(details.get("ctx", {}).get("expected", "")))
    given = details["input"]
    message = f"{_place(source, path)} must be one of {', '.join(choices)}, not {_shown(path, given)}."
    candidates = nearest(given, choices) if isinstance(given, str) else ()
    return source.finding("OML012", message, path, candidates=candidates)


def _choices(expected: str) -> list[str]:
    return [part.strip().strip("'\"") for part in expected.replace(" or ", ", ").split(",")]


def _wrong_form(source: YamlSource, path: tuple[str | int, ...], kind: str, details: ErrorDetails) -> str:
    if kind in _EXPECTED:
        return f"{_place(source, path)} must be {_EXPECTED[kind]}, not {_shown(path, details['input'])}."
    if kind == "string_pattern_mismatch":
        rule = _INPUT_RULE if "inputs" in path else _NAME_RULE
        return f"{_place(source, path)} must consist of {rule}; {_shown(path, details['input'])} does not."
    return f"{_place(source, path)}: {details['msg'][0].lower()}{details['msg'][1:]}."


def _shown(path: Iterable[str | int], value: Any) -> str:
    if any(is_secret_key(str(token)) for token in path):
        return "what stands there"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "nothing"
    return shortened(str(value).lower() if isinstance(value, bool) else repr(value))


def _place(source: YamlSource, path: tuple[str | int, ...]) -> str:
    """What a person calls the place: the step by its id, then the keys below it."""
    if not path:
        return "The pipeline"
    owner, rest = "", path
    if path[0] == "steps" and path[1:]:
        owner, rest = _step_name(source, path[1]), path[2:]
    keys = "".join(f"[{token}]" if isinstance(token, int) else f".{shortened(token)}" for token in rest)
    return ": ".join(part for part in (owner, keys.lstrip(".")) if part)


def _step_name(source: YamlSource, index: Any) -> str:
    step = source.value["steps"][index]
    step_id = step.get("id") if isinstance(step, dict) else None
    return f"The step {shortened(repr(step_id))}" if isinstance(step_id, str) else f"Step {index + 1}"
