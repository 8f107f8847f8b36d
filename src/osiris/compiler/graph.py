"""The graph of steps: references that hold, no cycle, one order for equal pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from osiris.components.component import Component
from osiris.findings import Finding, Severity, nearest
from osiris.oml import OutputRef, Pipeline, Step, parse_output_ref
from osiris.yamlsource import YamlSource

Path_ = tuple[str | int, ...]


@dataclass(slots=True)
class Graph:
    """Edges that hold: per step its inputs by name, and which steps must come before it."""

    inputs: dict[str, dict[str, OutputRef]] = field(default_factory=dict)
    before: dict[str, set[str]] = field(default_factory=dict)


class GraphCheck:
    """Checks the edges of one pipeline."""

    def __init__(self, source: YamlSource, pipeline: Pipeline, components: Mapping[str, Component]) -> None:
        self._source = source
        self._steps: Sequence[Step] = pipeline.steps
        self._components = components
        self._by_id = {step.id: step for step in reversed(self._steps)}
        self.graph = Graph()
        self.findings: list[Finding] = []

    def run(self) -> Graph:
        """All findings about ids and edges, and the graph of what holds."""
        self._unique_ids()
        for index, step in enumerate(self._steps):
            self.graph.inputs[step.id] = self._inputs(index, step)
            needs = self._needs(index, step)
            self.graph.before[step.id] = needs | {ref.step_id for ref in self.graph.inputs[step.id].values()}
        self._cycles()
        self._unread_outputs()
        return self.graph

    def _unique_ids(self) -> None:
        first: dict[str, int] = {}
        for index, step in enumerate(self._steps):
            if step.id in first:
                line = self._source.mark(("steps", first[step.id], "id"))
                at = f" at line {line.line}" if line else ""
                self._report("OML020", f"There is a step {step.id!r} already{at}.", ("steps", index, "id"))
            first.setdefault(step.id, index)

    def _inputs(self, index: int, step: Step) -> dict[str, OutputRef]:
        component = self._components.get(step.component)
        accepted = component.spec.inputs if component else "any"
        found: dict[str, OutputRef] = {}
        for name, text in step.inputs.items():
            path: Path_ = ("steps", index, "inputs", name)
            if accepted != "any" and name not in accepted:
                self._not_taken(step, name, accepted, path)
            ref = self._output(step, text, path)
            if ref is not None:
                found[name] = ref
        if accepted != "any":
            self._missing_inputs(index, step, accepted)
        return found

    def _not_taken(self, step: Step, name: str, accepted: Iterable[str], path: Path_) -> None:
        names = list(accepted)
        takes = f"takes {', '.join(names)}" if names else "takes no inputs"
        self._report(
            "OML025", f"{step.component} {takes}, not {name!r}.", path, key=True, candidates=tuple(names)
        )

    def _missing_inputs(self, index: int, step: Step, accepted: Iterable[str]) -> None:
        for name in accepted:
            if name not in step.inputs:
                fitting = self._fitting_upstreams(step)
                hint = f'Add inputs: {{{name}: "{fitting[0]}"}}.' if fitting else None
                message = f"The step {step.id!r} has no input {name!r}, which {step.component} needs."
                self._report("OML024", message, ("steps", index), candidates=fitting, hint=hint)

    def _fitting_upstreams(self, step: Step) -> tuple[str, ...]:
        fitting = []
        for other in self._steps:
            component = self._components.get(other.component)
            if other.id != step.id and component is not None:
                fitting += [f"${{{other.id}.{output}}}" for output in component.spec.outputs]
        return tuple(fitting)

    def _output(self, step: Step, text: str, path: Path_) -> OutputRef | None:
        ref = parse_output_ref(text)
        if ref is None:
            name = text.strip("${}@ ").partition(".")[0]
            near = tuple(f"${{{known}.df}}" for known in nearest(name, self._by_id))
            self._report("OML026", f"{text!r} is not a reference to an output.", path, candidates=near)
            return None
        if ref.step_id not in self._by_id:
            near = tuple(f"${{{known}.{ref.output}}}" for known in nearest(ref.step_id, self._others(step)))
            self._report("OML021", f"There is no step {ref.step_id!r}.", path, candidates=near)
            return None
        component = self._components.get(self._by_id[ref.step_id].component)
        if component is not None and ref.output not in component.spec.outputs:
            self._no_such_output(ref, component, path)
            return None
        return ref

    def _no_such_output(self, ref: OutputRef, component: Component, path: Path_) -> None:
        outputs = component.spec.outputs
        has = f"it has {', '.join(outputs)}" if outputs else "it has none"
        message = f"The step {ref.step_id!r} ({component.name}) has no output {ref.output!r}; {has}."
        candidates = tuple(f"${{{ref.step_id}.{output}}}" for output in outputs)
        self._report("OML022", message, path, candidates=candidates)

    def _needs(self, index: int, step: Step) -> set[str]:
        for position, name in enumerate(step.needs):
            if name not in self._by_id:
                path = ("steps", index, "needs", position)
                near = nearest(name, self._others(step))
                self._report("OML021", f"There is no step {name!r}.", path, candidates=near)
        return {name for name in step.needs if name in self._by_id}

    def _others(self, step: Step) -> list[str]:
        return [known for known in self._by_id if known != step.id]

    def _cycles(self) -> None:
        index_of = {step.id: index for index, step in reversed(list(enumerate(self._steps)))}
        remaining = set(self._by_id) - set(topological_order(list(self._by_id), self.graph.before))
        while remaining:
            cycle = _one_cycle(remaining, self.graph.before)
            shown = " -> ".join([*cycle, cycle[0]])
            self._report(
                "OML023", f"These steps wait for each other: {shown}.", ("steps", index_of[cycle[0]])
            )
            remaining -= _reaching(cycle, remaining, self.graph.before)

    def _unread_outputs(self) -> None:
        read = {ref.step_id for refs in self.graph.inputs.values() for ref in refs.values()}
        for index, step in enumerate(self._steps):
            component = self._components.get(step.component)
            if component is not None and component.spec.outputs and step.id not in read:
                message = f"Nothing reads what the step {step.id!r} gives."
                self._report("OML031", message, ("steps", index), severity=Severity.WARNING)

    def _report(self, code: str, message: str, path: Path_, **more: Any) -> None:
        self.findings.append(self._source.finding(code, message, path, **more))


def topological_order(ids: Sequence[str], before: Mapping[str, set[str]]) -> list[str]:
    """The ids so that each comes after what is before it; the file's order decides among equals.

    Ids on a cycle, and all that wait for them, are left out.
    """
    place = {step_id: index for index, step_id in enumerate(ids)}
    sorter = TopologicalSorter({step_id: before.get(step_id, set()) for step_id in ids})
    with suppress(CycleError):  # what is not on it can be sorted all the same
        sorter.prepare()
    order: list[str] = []
    while ready := sorted(sorter.get_ready(), key=place.__getitem__):
        order += ready
        sorter.done(*ready)
    return order


def _one_cycle(remaining: set[str], before: Mapping[str, set[str]]) -> list[str]:
    """A cycle among steps each of which waits for another one of them, in flow order, smallest id first."""
    path = [min(remaining)]
    while True:
        following = min(before[path[-1]] & remaining)
        if following in path:
            cycle = path[path.index(following) :][::-1]
            start = cycle.index(min(cycle))
            return cycle[start:] + cycle[:start]
        path.append(following)


def _reaching(cycle: list[str], remaining: set[str], before: Mapping[str, set[str]]) -> set[str]:
    """The steps of a cycle and all that wait for them."""
    affected = set(cycle)
    while True:
        more = {step_id for step_id in remaining - affected if before[step_id] & affected}
        if not more:
            return affected
        affected |= more
