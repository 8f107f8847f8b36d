"""Checks of a component's declaration, in three levels that include each other.

basic: the schema holds. enhanced: what the declaration says fits together. strict: the driver keeps its part.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from osiris.components.component import Component
from osiris.components.drivers import connector_class, driver_class
from osiris.components.schemas import schema_error, schema_problems
from osiris.errors import PipelineError
from osiris.findings import Finding, pointer

Level = Literal["basic", "enhanced", "strict"]

_RUN_PARAMETERS = {"step_id", "config", "inputs", "ctx"}
_NOT_COMPARED = {"title", "description", "$defs", "examples", "x-aliases", "format", "contentMediaType"}


def validate_spec(component: Component, level: Level) -> list[Finding]:
    """The findings of one component; its spec is known to fit the spec's own schema."""
    checks: list[Callable[[Component], Iterator[Finding]]] = [config_schema_findings]
    if level in ("enhanced", "strict"):
        checks += [_secrets, _aliases, _examples, _connection]
    findings = [finding for check in checks for finding in check(component)]
    if level == "strict" and not findings:
        findings += [finding for check in (_driver, _connector) for finding in check(component)]
    return findings


def config_schema_findings(component: Component) -> Iterator[Finding]:
    """The finding that the configSchema itself is no JSON Schema, if so."""
    problem = schema_error(component.spec.config_schema)
    if problem is not None:
        yield _finding(component, "CMP010", f"configSchema is not a JSON Schema: {problem}.", "configSchema")


def _secrets(component: Component) -> Iterator[Finding]:
    properties = component.full_schema.get("properties", {})
    for index, secret in enumerate(component.secrets):
        if secret.removeprefix("/").partition("/")[0] not in properties:
            message = f"The secret {secret!r} points at no field of the config or the connection."
            yield _finding(component, "CMP012", message, "secrets", index)


def _aliases(component: Component) -> Iterator[Finding]:
    properties = component.full_schema.get("properties", {})
    owner: dict[str, str] = {}
    for field, words in component.spec.llm_hints.input_aliases.items():
        if field not in properties:
            yield _finding(
                component, "CMP013", f"Aliases are given for {field!r}, which is no field.", "llmHints"
            )
        for word in words:
            if word in properties or owner.setdefault(word, field) != field:
                message = f"The alias {word!r} of {field!r} is a field or another field's alias."
                yield _finding(component, "CMP013", message, "llmHints")


def _examples(component: Component) -> Iterator[Finding]:
    for index, example in enumerate(component.spec.examples):
        for problem in schema_problems(
            component.step_schema, example.config, f"The example {example.title!r}"
        ):
            yield _finding(component, "CMP014", problem.message, "examples", index)


def _connection(component: Component) -> Iterator[Finding]:
    if component.spec.connection != "none" and component.family_connection is None:
        message = f"There is no connection.yaml for the family {component.family!r}."
        hint = "Add one, declare x-connection-fields, or say x-connection: none."
        yield _finding(component, "CMP018", message, "family", hint=hint)


def _driver(component: Component) -> Iterator[Finding]:
    try:
        driver = driver_class(component)
    except PipelineError as error:
        yield _finding(component, error.code, error.message, "x-runtime", hint=error.hint)
        return
    run = getattr(driver, "run", None)
    parameters = set(inspect.signature(run).parameters) - {"self"} if callable(run) else set()
    if parameters != _RUN_PARAMETERS:
        message = f"{driver.__name__} must have run(self, *, step_id, config, inputs, ctx)."
        yield _finding(component, "CMP015", message, "x-runtime")
    config = getattr(driver, "Config", None)
    if config is not None:
        yield from _config_differences(component, config.model_json_schema())


def _config_differences(component: Component, typed: Mapping[str, Any]) -> Iterator[Finding]:
    own = {**component.spec.config_schema, "properties": component.own_properties}
    declared, typed = comparable(own), comparable(typed)
    ours, theirs = declared.pop("properties", {}), typed.pop("properties", {})
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            message = f"{name!r}: the spec says {ours.get(name)}, the driver's config {theirs.get(name)}."
            yield _finding(component, "CMP016", message, "configSchema", "properties", name)
    for key in sorted((declared.keys() | typed.keys()) - {"additionalProperties"}):
        if declared.get(key) != typed.get(key):
            message = f"{key!r}: the spec says {declared.get(key)}, the driver's config {typed.get(key)}."
            yield _finding(component, "CMP016", message, "configSchema", key)


def _connector(component: Component) -> Iterator[Finding]:
    declared = component.family_connection
    if declared is None or declared.connector is None or component.connection_use == "none":
        return
    try:
        connector = connector_class(declared.connector, component.folder.parent / component.family)
    except PipelineError as error:
        yield _finding(component, error.code, error.message, "family", hint=error.hint)
        return
    for method in ("connect", "close", "doctor"):
        if not callable(getattr(connector, method, None)):
            yield _finding(component, "CMP015", f"{connector.__name__} has no {method} method.", "family")


def comparable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema in a form in which equal meaning is equal data: references resolved, prose left out."""
    plain: dict[str, Any] = _resolved(schema, schema.get("$defs", {}))
    if not plain.get("required"):
        plain.pop("required", None)
    return plain


def _resolved(node: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolved(item, definitions) for item in node]
    if not isinstance(node, Mapping):
        return node
    if "$ref" in node:
        return _resolved(definitions[node["$ref"].rpartition("/")[2]], definitions)
    if _is_optional(node):
        (kind,) = [choice for choice in node["anyOf"] if choice != {"type": "null"}]
        rest = {key: value for key, value in node.items() if key not in ("anyOf", "default")}
        return _resolved({**kind, **rest}, definitions)
    kept = {key: value for key, value in node.items() if key not in _NOT_COMPARED or _names_fields(node, key)}
    return {key: _resolved(value, definitions) for key, value in sorted(kept.items())}


def _is_optional(node: Mapping[str, Any]) -> bool:
    """pydantic's form of `X | None = None`, which a spec writes as a field that is not required."""
    other = [choice for choice in node.get("anyOf", []) if choice != {"type": "null"}]
    return len(other) == 1 and other != node.get("anyOf") and node.get("default", ...) is None


def _names_fields(node: Mapping[str, Any], key: str) -> bool:
    """Whether a key is a field's name rather than a keyword: inside `properties` everything is."""
    return isinstance(node.get(key), Mapping) and "type" not in node


def _finding(
    component: Component, code: str, message: str, *path: str | int, hint: str | None = None
) -> Finding:
    return Finding(code, message, pointer=pointer(*path), file=str(component.folder / "spec.yaml"), hint=hint)
