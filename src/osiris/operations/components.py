"""List, show and validate components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from osiris.compiler import Compiler
from osiris.components.component import Component
from osiris.components.spec import Capability
from osiris.components.validation import Level, validate_spec
from osiris.errors import UsageError
from osiris.findings import Finding, Severity, nearest
from osiris.oml import parse_pipeline
from osiris.operations.project import Project


@dataclass(frozen=True, slots=True)
class ComponentList:
    """Components in name order, and declarations that could not be read."""

    components: list[Component]
    findings: list[Finding]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "components": [component_summary(component) for component in self.components],
            "findings": [finding.to_dict() for finding in self.findings],
        }


def list_components(
    project: Project, *, mode: str | None = None, capability: str | None = None, runnable: bool | None = None
) -> ComponentList:
    """The components that this project can use; no driver is imported."""
    if capability is not None and capability not in get_args(Capability):
        near = nearest(capability, get_args(Capability))
        hint = f"There are: {', '.join(near or get_args(Capability))}."
        raise UsageError("USE001", f"There is no capability {capability!r}.", hint=hint)
    found = project.registry.list(mode, cast("Capability | None", capability), runnable)
    return ComponentList(found, project.registry.findings)


def component_summary(component: Component) -> dict[str, Any]:
    """One component in a few facts."""
    return {
        "name": component.name,
        "version": component.spec.version,
        "title": component.spec.title,
        "modes": list(component.spec.modes),
        "capabilities": sorted(name for name, given in component.spec.capabilities.items() if given),
        "runnable": component.is_runnable,
        "origin": component.origin,
    }


def show_component(project: Project, name: str) -> dict[str, Any]:
    """All that a component declares, connection fields included. Raises `PipelineError` CMP001."""
    component = project.registry.get(name)
    schema = component.full_schema
    return component_summary(component) | {
        "description": component.spec.description,
        "family": component.family,
        "connection": component.connection_use,
        "connection_fields": component.connection_fields,
        "inputs": component.spec.inputs if component.spec.inputs == "any" else list(component.spec.inputs),
        "outputs": list(component.spec.outputs),
        "config_schema": schema,
        "secrets": list(component.secrets),
        "examples": [example.model_dump(mode="json") for example in component.spec.examples],
        "hints": component.spec.llm_hints.model_dump(mode="json"),
        "limits": component.spec.limits,
    }


@dataclass(frozen=True, slots=True)
class ComponentCheck:
    """The findings of one component at one level."""

    name: str
    level: Level
    findings: list[Finding]

    @property
    def is_valid(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        findings = [finding.to_dict() for finding in self.findings]
        return {"name": self.name, "level": self.level, "valid": self.is_valid, "findings": findings}


def validate_components(
    project: Project,
    names: list[str] | None = None,
    level: Literal["basic", "enhanced", "strict"] = "enhanced",
) -> list[ComponentCheck]:
    """Check the named components, or all; a spec that cannot be read at all is a check of its own."""
    registry = project.registry
    registry.load_specs()
    broken = {finding.file or "": finding for finding in registry.findings}
    checks = [
        ComponentCheck(_folder_name(file), level, [f for f in registry.findings if f.file == file])
        for file in broken
        if not names or _folder_name(file) in names
    ]
    wanted = [name for name in names or [] if name not in {check.name for check in checks}]
    components = [registry.get(name) for name in wanted] if names else registry.list()
    return checks + [ComponentCheck(c.name, level, _findings(project, c, level)) for c in components]


def _findings(project: Project, component: Component, level: Level) -> list[Finding]:
    findings = validate_spec(component, level)
    if level == "strict" and not findings:
        findings += _examples_that_do_not_compile(project, component)
    return findings


def _examples_that_do_not_compile(project: Project, component: Component) -> list[Finding]:
    compiler = Compiler(project.registry, connections=None)
    found = []
    for index, example in enumerate(component.spec.examples):
        compiled = compiler.compile(
            parse_pipeline(_pipeline_around(component, example.config, example.inputs))
        )
        for error in compiled.errors:
            message = f"The example {example.title!r} does not compile: {error.message}"
            found.append(
                Finding(
                    "CMP017", message, pointer=f"/examples/{index}", file=str(component.folder / "spec.yaml")
                )
            )
    return found


def _pipeline_around(component: Component, config: dict[str, Any], inputs: tuple[str, ...]) -> str:
    """A pipeline that is valid if and only if the example's step is."""
    from osiris.manifest.text import canonical_yaml

    accepted = component.spec.inputs
    names = inputs or (("df",) if accepted == "any" else accepted)
    feeding = {"id": "source", "component": "filesystem.csv_extractor", "config": {"path": "source.csv"}}
    step = {
        "id": "example",
        "component": component.name,
        "mode": component.run_modes[0],
        "config": config,
        "inputs": dict.fromkeys(names, "${source.df}"),
    }
    steps = [feeding, step] if names else [step]
    return canonical_yaml({"oml_version": "0.1.0", "name": "example", "steps": steps})


def _folder_name(file: str) -> str:
    return file.replace("\\", "/").split("/")[-2] if "/" in file else file
