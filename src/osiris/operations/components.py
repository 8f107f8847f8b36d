"""List and show components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast, get_args

from osiris.components.component import Component
from osiris.components.spec import Capability, Mode
from osiris.errors import UsageError
from osiris.findings import Finding, nearest
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
    if mode is not None and mode not in get_args(Mode):
        raise UsageError(
            "USE001", f"There is no mode {mode!r}.", hint=f"There are: {', '.join(get_args(Mode))}."
        )
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
