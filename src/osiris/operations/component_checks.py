"""Check components' declarations, and at the strict level their drivers and examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from osiris.compiler import Compiler
from osiris.components.component import Component
from osiris.components.validation import Level, validate_spec
from osiris.findings import Finding, Severity
from osiris.manifest.text import canonical_yaml
from osiris.oml import parse_pipeline
from osiris.operations.project import Project


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
