"""Compile = validate + resolve + order + pin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from osiris.compiler.follow_ups import without_follow_ups
from osiris.compiler.graph import Graph, GraphCheck, topological_order
from osiris.compiler.keys import key_findings
from osiris.compiler.params import Params
from osiris.compiler.repairs import with_patches
from osiris.compiler.steps import StepCheck, not_runnable, unknown_component
from osiris.compiler.targets import PlacedStep, target_findings
from osiris.components.component import Component
from osiris.components.drivers import DriverRegistry
from osiris.components.pins import engine_versions, pinned
from osiris.components.registry import Registry
from osiris.components.validation import config_schema_findings
from osiris.connections import ConnectionsFile
from osiris.errors import InvalidPipeline
from osiris.findings import Finding, Severity
from osiris.manifest import Edge, Manifest, ManifestStep
from osiris.manifest.model import RetryPolicy
from osiris.oml import UNKNOWN_COMPONENT, ParsedPipeline, Pipeline, Step


@dataclass(slots=True)
class Compiled:
    """A compile's outcome: `manifest` is None where `findings` hold an error."""

    manifest: Manifest | None
    findings: list[Finding] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """The findings that stop the compile."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    def require(self) -> Manifest:
        """The manifest. Raises `InvalidPipeline` with all findings where there is none."""
        if self.manifest is None:
            count = len(self.errors)
            message = f"The pipeline has {count} error{'s' if count != 1 else ''}."
            raise InvalidPipeline(self.errors[0].code, message, self.findings)
        return self.manifest


class Compiler:
    """Compiles pipelines of one project; it opens no connection and reads no secret's value.

    `connections` may be None, where references are not to be looked up (a component's own examples).
    """

    def __init__(self, registry: Registry, connections: ConnectionsFile | None) -> None:
        self._registry = registry
        self._connections = connections
        self._drivers = DriverRegistry(registry)

    def compile(self, parsed: ParsedPipeline, params: Mapping[str, Any] | None = None) -> Compiled:
        """All findings of a pipeline, and its manifest where none of them is an error."""
        findings = [*parsed.findings, *self._of_used_connections(parsed.pipeline)]
        manifest = None
        if parsed.pipeline is not None:
            manifest = self._checked(parsed, parsed.pipeline, params or {}, findings)
        findings = sorted(dict.fromkeys(without_follow_ups(findings)), key=lambda finding: finding.order)
        findings = [_at_step(finding, parsed) for finding in findings]
        findings = with_patches(parsed.source, findings, self._registry, self._connections)
        failed = any(finding.severity is Severity.ERROR for finding in findings)
        return Compiled(None if failed else manifest, findings)

    def _of_used_connections(self, pipeline: Pipeline | None) -> list[Finding]:
        """What is wrong with the connections that the pipeline names, or with their file as a whole."""
        if self._connections is None:
            return []
        named = {str(step.config.get("connection")) for step in pipeline.steps} if pipeline else set()
        return [finding for finding in self._connections.findings if _concerns(finding, named)]

    def _checked(
        self, parsed: ParsedPipeline, pipeline: Pipeline, given: Mapping[str, Any], findings: list[Finding]
    ) -> Manifest | None:
        params = Params(parsed, given)
        components = self._components(parsed, pipeline, findings)
        check = GraphCheck(parsed.source, pipeline, components)
        graph = check.run()
        placed, steps = self._steps(parsed, pipeline, components, params, graph, findings)
        findings += params.findings + check.findings
        all_known = len(placed) == len(pipeline.steps)
        findings += target_findings(parsed.source, placed, self._connections, all_known=all_known)
        findings += key_findings(parsed.source, placed, graph, self._drivers)
        order = topological_order([step.id for step in pipeline.steps], graph.before)
        if any(f.severity is Severity.ERROR for f in findings) or len(order) != len(steps):
            return None
        by_id = {step.id: step for step in steps}
        return self._manifest(pipeline, [by_id[step_id] for step_id in order], components, params)

    def _components(
        self, parsed: ParsedPipeline, pipeline: Pipeline, findings: list[Finding]
    ) -> dict[str, Component]:
        known: dict[str, Component] = {}
        for index, step in enumerate(pipeline.steps):
            name = step.component
            if name == UNKNOWN_COMPONENT:
                continue
            if name not in self._registry:
                findings.append(unknown_component(parsed.source, index, name, self._registry.nearest(name)))
                findings += self._registry.findings_of(name)
                continue
            component = self._registry.get(name)
            unusable = [] if component.is_built_in else list(config_schema_findings(component))
            if unusable:
                findings += unusable
                continue
            known[name] = component
            if not component.is_runnable:
                findings.append(not_runnable(parsed.source, index, component))
        return known

    def _steps(
        self,
        parsed: ParsedPipeline,
        pipeline: Pipeline,
        components: Mapping[str, Component],
        params: Params,
        graph: Graph,
        findings: list[Finding],
    ) -> tuple[list[PlacedStep], list[ManifestStep]]:
        placed: list[PlacedStep] = []
        steps: list[ManifestStep] = []
        for index, step in enumerate(pipeline.steps):
            component = components.get(step.component)
            if component is None:
                continue
            check = StepCheck(parsed.source, self._connections, self._drivers, params, index)
            mode, config = check.mode(step, component), check.config(step, component)
            findings += check.findings
            placed.append((index, step.id, component, config))
            steps.append(_manifest_step(step, mode, config, graph))
        return placed, steps

    def _manifest(
        self,
        pipeline: Pipeline,
        steps: Sequence[ManifestStep],
        components: Mapping[str, Component],
        params: Params,
    ) -> Manifest:
        manifest = Manifest(
            oml_version=pipeline.oml_version,
            name=pipeline.name,
            description=pipeline.description,
            engines=engine_versions(components.values()),
            components={name: pinned(component) for name, component in sorted(components.items())},
            params={name: _shown(value) for name, value in params.values.items()},
            steps=tuple(steps),
        )
        return manifest.sealed()


def _manifest_step(step: Step, mode: str, config: dict[str, Any], graph: Graph) -> ManifestStep:
    return ManifestStep(
        id=step.id,
        component=step.component,
        mode=mode,
        config=config,
        inputs={
            name: Edge(step=ref.step_id, output=ref.output) for name, ref in graph.inputs[step.id].items()
        },
        needs=tuple(sorted(set(step.needs))),
        retry=RetryPolicy(**step.retry.model_dump()),
        timeout_seconds=step.timeout_seconds,
        description=step.description,
    )


def _at_step(finding: Finding, parsed: ParsedPipeline) -> Finding:
    """The finding with the id of the step that its pointer leads into."""
    tokens = finding.pointer.split("/")[1:3]
    if (
        parsed.pipeline is None
        or finding.file != parsed.source.file
        or tokens[:1] != ["steps"]
        or not tokens[1:]
    ):
        return finding
    step = parsed.source.value["steps"][int(tokens[1])]
    step_id = step.get("id") if isinstance(step, dict) else None
    return replace(finding, step_id=step_id) if isinstance(step_id, str) else finding


def _concerns(finding: Finding, references: set[str]) -> bool:
    """Whether a finding of the connections file touches one of the references, or the whole file."""
    _, _, family, alias, *_ = [*finding.pointer.split("/"), "", "", ""]
    prefix = f"@{family}.{alias}"
    return not family or any(ref == prefix or (not alias and ref.startswith(prefix)) for ref in references)


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
