"""One step against its component: mode, connection, config, and what only the driver can check."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from osiris.compiler.clear_text import HINT, secrets_in_config
from osiris.compiler.params import UNSET, Params
from osiris.components.component import Component
from osiris.components.drivers import DriverRegistry
from osiris.components.schemas import SchemaProblem, schema_problems, with_defaults, without_aliases
from osiris.connections import ConnectionsFile
from osiris.connections.file import REFERENCE
from osiris.core.binding import typed_value
from osiris.core.driver import ConfigChecker, ConfigProblem
from osiris.errors import PipelineError
from osiris.findings import Finding, shortened
from osiris.oml import Step
from osiris.yamlsource import YamlSource

Path_ = tuple[str | int, ...]

_CODES = {"unknown": "CMP003", "missing": "CMP004", "wrong": "CMP005"}


class StepCheck:
    """Checks one step and works out its effective config."""

    def __init__(
        self,
        source: YamlSource,
        connections: ConnectionsFile | None,
        drivers: DriverRegistry,
        params: Params,
        index: int,
    ) -> None:
        self._source = source
        self._connections = connections
        self._drivers = drivers
        self._params = params
        self._path: Path_ = ("steps", index)
        self.findings: list[Finding] = []

    def mode(self, step: Step, component: Component) -> str:
        """The step's mode in the component's own word."""
        modes = component.run_modes
        wanted = "extract" if step.mode == "read" else step.mode
        if wanted is None and len(modes) == 1:
            return modes[0]
        if wanted in modes:
            return str(wanted)
        if not modes:
            self._report("CMP002", f"{component.name} has no mode that a step can run.", ("component",))
            return ""
        message = f"{component.name} has the mode {' or '.join(modes)}, not {step.mode}."
        if wanted is None:
            message = f"{component.name} has several modes: {', '.join(modes)}; the step must name one."
        self._report("CMP002", message, ("mode",), candidates=modes)
        return modes[0]

    def config(self, step: Step, component: Component) -> dict[str, Any]:
        """The effective config: parameters replaced, aliases resolved, defaults filled in."""
        schema = component.step_schema
        config = self._params.substitute(step.config, schema, (*self._path, "config"))
        config = without_aliases(schema, _json_ready(config))
        self._clear_text(component, config)
        aliases = component.spec.llm_hints.input_aliases
        problems = schema_problems(schema, config, f"{component.name} config", aliases)
        for problem in problems:
            if _value_at(config, problem.path) is not UNSET:
                self._schema_finding(component, problem)
        self._connection(component, config)
        effective = with_defaults(schema, config)
        if not problems and component.is_checked_by_driver and not _holds_unset(config):
            self._ask_driver(step, component, effective)
        return effective

    def _schema_finding(self, component: Component, problem: SchemaProblem) -> None:
        if problem.path == ("connection",) and problem.kind == "wrong":
            return  # `_connection` says it better
        code = _CODES[problem.kind]
        key = str(problem.path[0]) if problem.path else ""
        if problem.kind == "unknown" and component.connection_fields.get(key) == "forbidden":
            message = f"The step may not override the connection's {key!r}."
            self._report(
                "CON006", message, ("config", *problem.path), hint="Declare another connection instead."
            )
            return
        at = ("config", *problem.path)
        hint = problem.hint or _about_commas(problem.path)
        self._report(code, problem.message, at, candidates=problem.candidates, hint=hint)

    def _connection(self, component: Component, config: Mapping[str, Any]) -> None:
        if component.connection_use == "none" or config.get("connection") is UNSET:
            return
        if "connection" in config:
            self._reference(component, config["connection"])
        elif component.connection_use == "required":
            known = self._of_family(component.family)
            hint = None if known else "Declare one in osiris_connections.yaml."
            message = f"{component.name} needs a connection."
            self._report("CON009", message, ("config",), candidates=known, hint=hint)

    def _reference(self, component: Component, reference: Any) -> None:
        match = REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
        if match is None:
            self._not_a_reference(component)
        elif match[1] != component.family:
            fitting = self._of_family(component.family)
            message = f"{match[0]} belongs to {match[1]}; {component.name} needs one of {component.family}."
            self._report("CON008", message, ("config", "connection"), candidates=fitting)
        elif self._connections is not None and self._connections.get(match[0]) is None:
            near = self._connections.nearest(match[0])
            hint = None if near else "Declare it in osiris_connections.yaml."
            message = f"There is no connection {match[0]}."
            self._report("CON002", message, ("config", "connection"), candidates=near, hint=hint)

    def _of_family(self, family: str) -> tuple[str, ...]:
        entries = self._connections.entries if self._connections else {}
        return tuple(sorted(ref for ref in entries if ref.startswith(f"@{family}.")))

    def _not_a_reference(self, component: Component) -> None:
        known = self._of_family(component.family)
        hint = f'Write it like "{known[0] if known else f"@{component.family}.main"}".'
        message = "The connection is not written as @family.alias."
        self._report("CON007", message, ("config", "connection"), candidates=known, hint=hint)

    def _clear_text(self, component: Component, config: Mapping[str, Any]) -> None:
        secret = {name.split("/")[1] for name in component.secrets}
        for at in secrets_in_config(config, secret, component.own_properties):
            self._report("CON005", "A secret stands in clear text here.", ("config", *at), hint=HINT)

    def _ask_driver(self, step: Step, component: Component, config: Mapping[str, Any]) -> None:
        try:
            driver = self._drivers.get(component.name)
        except PipelineError as error:
            self._report(error.code, error.message, ("component",), hint=error.hint)
            return
        if isinstance(driver, ConfigChecker):
            for problem in self._checked_by(driver, config, tuple(step.inputs)):
                self._driver_finding(problem)

    def _checked_by(
        self, driver: ConfigChecker, config: Mapping[str, Any], inputs: tuple[str, ...]
    ) -> list[ConfigProblem]:
        try:
            return driver.check(config, inputs)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code; its failure is a finding
            message = f"The driver's check failed with {type(error).__name__}."
            self._report("CMP015", message, ("component",), hint="Mend the driver's check method.")
            return []

    def _driver_finding(self, problem: ConfigProblem) -> None:
        at: Path_ = (*self._path, "config", problem.field)
        mark = self._source.inside(at, problem.line, problem.column)
        self.findings.append(
            self._source.finding(problem.code, problem.message, at, mark=mark, hint=problem.hint)
        )

    def _report(self, code: str, message: str, at: Path_, **more: Any) -> None:
        path = (*self._path, *at)
        key = code in ("CMP003", "CON006")
        self.findings.append(self._source.finding(code, message, path, key=key, **more))


def unknown_component(source: YamlSource, index: int, name: str, candidates: tuple[str, ...]) -> Finding:
    """The finding for a component that nobody declares."""
    tail = f"; did you mean {candidates[0]!r}?" if candidates else "."
    path = ("steps", index, "component")
    hint = "`osiris components list` shows all."
    message = f"There is no component {shortened(repr(name))}{tail}"
    return source.finding("CMP001", message, path, candidates=candidates, hint=hint)


def not_runnable(source: YamlSource, index: int, component: Component) -> Finding:
    """The finding for a component whose driver is not there."""
    extra = component.spec.runtime.extra if component.spec.runtime else None
    hint = f"Install it: pip install 'osiris-etl[{extra}]'." if extra else None
    path = ("steps", index, "component")
    return source.finding(
        "CMP007", f"The component {component.name} has no driver that can be found.", path, hint=hint
    )


def _about_commas(path: Path_) -> str | None:
    """For `{amount: DECIMAL(12,2)}`, which YAML reads as two keys, `amount` and `2)`."""
    key = str(path[-1]) if path else ""
    split = key.endswith(")") and "(" not in key
    return 'Within braces a comma ends the text; quote it: "DECIMAL(12,2)".' if split else None


def _value_at(config: Any, path: Path_) -> Any:
    """What stands at a path, `UNSET` where that or what holds it is not known; None where nothing stands."""
    for token in path:
        if isinstance(config, dict):
            config = config.get(token)
        elif isinstance(config, list) and isinstance(token, int):
            config = config[token]
    return config


def _holds_unset(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_unset, value.values()))
    return any(map(_holds_unset, value)) if isinstance(value, list) else value is UNSET


def _json_ready(value: Any, *, bound: bool = False) -> Any:
    """Dates become text, or typed values where they will be bound."""
    if isinstance(value, dict):
        return {key: _json_ready(item, bound=bound or key == "bind") for key, item in value.items()}
    if isinstance(value, list):
        return [_json_ready(item, bound=bound) for item in value]
    if isinstance(value, date):
        return typed_value(value) if bound else str(value)
    return value
