"""Which edges stream and which are spooled, and so which steps run together.

A region is a set of steps joined by streamed edges: they run at the same time and are retried together.
Between regions there is only order: a spooled edge or a `needs`. An edge streams where its output has one
reader and where joining its two regions leaves the regions free of cycles; else one of them would wait for
the other while the other waits for space in the channel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from osiris.manifest import Manifest, ManifestStep


@dataclass(frozen=True, slots=True)
class EdgePlan:
    """One edge: who delivers, who receives, and whether the rows pass through a spool."""

    from_step: str
    output: str
    to_step: str
    input: str
    spooled: bool


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
    def __init__(self, manifest: Manifest) -> None:
        self._steps = manifest.steps
        self._region = {step.id: index for index, step in enumerate(manifest.steps)}
        self._edges = [
            (edge.step, edge.output, step.id, name)
            for step in manifest.steps
            for name, edge in sorted(step.inputs.items())
        ]
        self._order = [(need, step.id) for step in manifest.steps for need in step.needs]

    def plan(self) -> RegionPlan:
        readers = Counter((source, output) for source, output, _, _ in self._edges)
        outputs = Counter(source for source, _ in readers)
        edges: list[EdgePlan] = []
        for source, output, target, name in self._edges:
            single = readers[source, output] == 1 and outputs[source] == 1
            spooled = not (single and self._join(source, target))
            edges.append(EdgePlan(source, output, target, name, spooled))
        return RegionPlan(self._numbered(), edges)

    def _join(self, source: str, target: str) -> bool:
        """Put two steps into one region, unless that closes a cycle among regions."""
        before = dict(self._region)
        old, new = self._region[target], self._region[source]
        for step_id, region in self._region.items():
            if region == old:
                self._region[step_id] = new
        if self._is_sound():
            return True
        self._region = before
        return False

    def _is_sound(self) -> bool:
        """Whether no `needs` lies inside a region and the regions can be ordered.

        Edges that are still to be decided count as order between their regions.
        """
        if any(self._region[first] == self._region[second] for first, second in self._order):
            return False
        pairs = [*self._order, *((source, target) for source, _, target, _ in self._edges)]
        try:
            TopologicalSorter(self._after(pairs)).prepare()
        except CycleError:
            return False
        return True

    def _after(self, pairs: Iterable[tuple[str, str]]) -> dict[int, set[int]]:
        after: dict[int, set[int]] = {}
        for first, second in pairs:
            if self._region[first] != self._region[second]:
                after.setdefault(self._region[second], set()).add(self._region[first])
        return after

    def _numbered(self) -> list[Region]:
        regions: dict[int, Region] = {}
        for step in self._steps:
            region = self._region[step.id]
            regions.setdefault(region, Region(region)).steps.append(step)
        pairs = [*self._order, *((source, target) for source, _, target, _ in self._edges)]
        for region, before in self._after(pairs).items():
            regions[region].after |= before
        return list(regions.values())
