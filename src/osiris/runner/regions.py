"""Which edges stream and which are spooled, and so which steps run together.

A region is a set of steps joined by streamed edges: they run at the same time and are retried together.
Between regions there is only order: a spooled edge or a `needs`. An edge streams where its output has one
reader and where joining its two regions leaves the regions free of cycles; else one of them would wait for
the other while the other waits for space in the channel.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from osiris.manifest import Manifest, ManifestStep


@dataclass(frozen=True, slots=True)
class EdgePlan:
    """One edge: who delivers, who receives, whether the rows pass through a spool, or do not pass at all."""

    from_step: str
    output: str
    to_step: str
    input: str
    spooled: bool
    fused: bool = False


@dataclass(slots=True)
class Region:
    """Steps that run together, in manifest order, and the regions that must have ended before."""

    id: int
    steps: list[ManifestStep] = field(default_factory=list)
    after: set[int] = field(default_factory=set)


@dataclass(slots=True)
class RegionPlan:
    """The whole manifest as regions and edges."""

    regions: list[Region]
    edges: list[EdgePlan]


def plan_regions(manifest: Manifest) -> RegionPlan:
    """Cut a manifest into regions."""
    return _Planner(manifest).plan()


class _Planner:
    """Begins with a region for each step and joins two of them along each edge that may stream."""

    def __init__(self, manifest: Manifest) -> None:
        self._steps = manifest.steps
        self._region = {step.id: number for number, step in enumerate(manifest.steps)}
        self._members = {number: [step.id] for number, step in enumerate(manifest.steps)}
        self._edges = [
            (edge.step, edge.output, step.id, name)
            for step in manifest.steps
            for name, edge in sorted(step.inputs.items())
        ]
        self._needs = {(need, step.id) for step in manifest.steps for need in step.needs}
        self._next: dict[str, set[str]] = {step.id: set() for step in manifest.steps}
        for first, second in self._order:
            self._next[first].add(second)

    def plan(self) -> RegionPlan:
        readers = Counter((source, output) for source, output, _, _ in self._edges)
        outputs = Counter(source for source, _ in readers)
        edges: list[EdgePlan] = []
        for source, output, target, name in self._edges:
            single = readers[source, output] == 1 and outputs[source] == 1
            spooled = not (single and self._join(self._region[source], self._region[target]))
            edges.append(EdgePlan(source, output, target, name, spooled))
        return RegionPlan(self._numbered(), edges)

    @property
    def _order(self) -> set[tuple[str, str]]:
        """Which step comes before which, by an edge or a `needs`."""
        return self._needs | {(source, target) for source, _, target, _ in self._edges}

    def _join(self, first: int, second: int) -> bool:
        """Put the second region into the first, unless that closes a cycle or has a `needs` inside."""
        if self._is_needed(first, second) or self._is_detour(first, second):
            return False
        moved = self._members.pop(second)
        self._members[first] += moved
        self._region |= dict.fromkeys(moved, first)
        return True

    def _is_needed(self, first: int, second: int) -> bool:
        return any(self._region[a] == first and self._region[b] == second for a, b in self._needs)

    def _is_detour(self, first: int, second: int) -> bool:
        """Whether a way leads from one region to the other through a third."""
        ahead = self._after(first) - {second}
        seen = set(ahead)
        while ahead:
            more = self._after(ahead.pop()) - seen
            seen |= more
            ahead |= more
        return second in seen

    def _after(self, region: int) -> set[int]:
        """The regions that follow directly."""
        steps = (step for member in self._members[region] for step in self._next[member])
        return {self._region[step] for step in steps} - {region}

    def _numbered(self) -> list[Region]:
        regions: dict[int, Region] = {}
        for step in self._steps:
            region = self._region[step.id]
            regions.setdefault(region, Region(region)).steps.append(step)
        for number in regions:
            for later in self._after(number):
                regions[later].after.add(number)
        return list(regions.values())
