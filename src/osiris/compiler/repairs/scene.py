"""What a repair may look at: the document, its steps and their components, and the other findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from osiris.compiler.repairs.rules import Rule, rules_at
from osiris.components.component import Component
from osiris.components.registry import Registry
from osiris.connections import ConnectionsFile
from osiris.findings import Finding, pointer
from osiris.oml import OutputRef, oml_json_schema, parse_output_ref
from osiris.redaction import is_secret_key
from osiris.yamledit import place
from osiris.yamlsource import YamlSource

Path_ = tuple[str | int, ...]

_oml_schema = cache(oml_json_schema)


@dataclass(frozen=True)
class Scene:
    """A document with all its findings."""

    source: YamlSource
    registry: Registry
    connections: ConnectionsFile | None
    findings: Sequence[Finding]

    def path(self, finding: Finding) -> Path_:
        """The path of a finding's pointer."""
        return place(self.source.value, finding.pointer)

    def at(self, path: Path_) -> Any:
        """What stands at a path; None where nothing does."""
        value = self.source.value
        for token in path:
            inside = isinstance(value, dict) or (isinstance(value, list) and isinstance(token, int))
            value = _child(value, token) if inside else None
        return value

    def spelling(self, path: Path_) -> str:
        """A scalar as it is written: a number that is meant as text may begin with zeros."""
        return self.source.spellings.get(path, str(self.at(path)))

    def holds_secret(self, path: Path_) -> bool:
        """Whether what stands at a path must not be shown, by its key or by a finding."""
        hidden = {finding.pointer for finding in self.findings if finding.code == "CON005"}
        own = (pointer(*path[:length]) for length in range(len(path) + 1))
        return any(is_secret_key(str(token)) for token in path) or any(each in hidden for each in own)

    @cached_property
    def steps(self) -> list[dict[str, Any]]:
        """The steps as they are written; one that is no mapping is an empty one."""
        steps = self.at(("steps",))
        return [step if isinstance(step, dict) else {} for step in (steps if isinstance(steps, list) else ())]

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The declared parameters as they are written."""
        declared = self.at(("params",))
        return declared if isinstance(declared, dict) else {}

    @cached_property
    def ids(self) -> dict[str, int]:
        """The position of each step id; the first one of equal ids counts."""
        found = [(step.get("id"), index) for index, step in enumerate(self.steps)]
        return {step_id: index for step_id, index in reversed(found) if isinstance(step_id, str)}

    def component(self, index: int) -> Component | None:
        """The component of a step, where there is one."""
        name = self.steps[index].get("component")
        return self.registry.get(name) if isinstance(name, str) and name in self.registry else None

    def outputs(self, step_id: str) -> tuple[str, ...]:
        """What a step gives; nothing where that is not known."""
        component = self.component(self.ids[step_id]) if step_id in self.ids else None
        return component.spec.outputs if component else ()

    @cached_property
    def edges(self) -> list[tuple[int, OutputRef]]:
        """Each reference that is written as one, with the position of its step."""
        found = []
        for index, step in enumerate(self.steps):
            inputs = step.get("inputs")
            for text in inputs.values() if isinstance(inputs, dict) else ():
                ref = parse_output_ref(text) if isinstance(text, str) else None
                found += [(index, ref)] if ref else []
        return found

    @cached_property
    def read(self) -> set[str]:
        """The ids of the steps of which another one reads an output."""
        return {ref.step_id for _, ref in self.edges}

    @cached_property
    def _followers(self) -> dict[str, list[str]]:
        """Which steps come right after each step, by an edge or by order alone."""
        followers: dict[str, list[str]] = {}
        for step in self.steps:
            for name in _names(step.get("needs")):
                followers.setdefault(name, []).append(str(step.get("id")))
        for reader, ref in self.edges:
            followers.setdefault(ref.step_id, []).append(str(self.steps[reader].get("id")))
        return followers

    def downstream(self, index: int) -> set[str]:
        """The step at a position and all that wait for it: an edge from one of them would be a cycle."""
        found: set[str] = set()
        waiting = [str(self.steps[index].get("id"))]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._followers.get(name, ())
        return found

    def rules(self, path: Path_) -> list[Rule]:
        """The JSON Schemas that a value at a path may fit: one, or several of which one is enough."""
        match path:
            case ("steps", int() as index, "config", *rest):
                component = self.component(index)
                return rules_at(component.step_schema, tuple(rest)) if component else []
        return rules_at(_oml_schema(), path)


def _child(value: Any, token: str | int) -> Any:
    try:
        return value[token]
    except LookupError:
        return None


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
