"""Which edges stream, which are spooled, and what may run together."""

from __future__ import annotations

from graphlib import TopologicalSorter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.manifest import Edge, Manifest, ManifestStep
from osiris.runner.regions import RegionPlan, plan_regions

Graph = dict[str, tuple[list[str], list[str]]]
"""Step ids with their edges (`step.output`) and needs."""


def plan(graph: Graph) -> RegionPlan:
    steps = tuple(
        ManifestStep(
            id=step_id,
            component="probe.relay",
            mode="transform",
            inputs={
                f"in{n}": Edge(step=e.split(".")[0], output=e.split(".")[1]) for n, e in enumerate(edges)
            },
            needs=tuple(needs),
        )
        for step_id, (edges, needs) in graph.items()
    )
    return plan_regions(Manifest(oml_version="0.1.0", name="p", steps=steps))


def shape(graph: Graph) -> tuple[list[str], set[str]]:
    """Regions as joined step ids, and the edges that are spooled."""
    planned = plan(graph)
    regions = ["".join(step.id for step in region.steps) for region in planned.regions]
    return sorted(regions), {edge.from_step + edge.to_step for edge in planned.edges if edge.spooled}


@pytest.mark.parametrize(
    ("graph", "regions", "spooled"),
    [
        ({"a": ([], []), "b": (["a.df"], []), "c": (["b.df"], [])}, ["abc"], set()),
        ({"a": ([], []), "b": (["a.df"], []), "c": (["a.df"], [])}, ["a", "b", "c"], {"ab", "ac"}),
        (
            {"a": ([], []), "b": (["a.df"], []), "c": (["a.df"], []), "d": (["b.df", "c.df"], [])},
            ["a", "bcd"],
            {"ab", "ac"},
        ),
        ({"a": ([], []), "b": (["a.x"], []), "c": (["a.y"], [])}, ["a", "b", "c"], {"ab", "ac"}),
        ({"a": ([], []), "b": (["a.df"], ["a"])}, ["a", "b"], {"ab"}),
        ({"a": ([], []), "b": ([], ["a"]), "c": (["a.df", "b.df"], [])}, ["a", "bc"], {"ac"}),
        ({"a": ([], []), "b": (["a.df"], []), "c": ([], ["b"]), "d": (["c.df"], [])}, ["ab", "cd"], set()),
    ],
    ids=["chain", "fan out", "diamond", "two outputs", "needs on a neighbour", "needs aside", "needs apart"],
)
def test_edges_stream_where_nothing_can_wait_in_a_circle(
    graph: Graph, regions: list[str], spooled: set[str]
) -> None:
    assert shape(graph) == (regions, spooled)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    graph: Graph = {}
    outputs: list[str] = []
    for number in range(draw(st.integers(1, 14))):
        edges = draw(st.lists(st.sampled_from(outputs), max_size=3)) if outputs else []
        needs = draw(st.lists(st.sampled_from(sorted(graph)), max_size=2, unique=True)) if graph else []
        graph[f"n{number}"] = (edges, needs)
        outputs += [f"n{number}.{output}" for output in draw(st.sampled_from([["df"], ["x", "y"], []]))]
    return graph


@given(graphs())
def test_every_plan_can_be_carried_out(graph: Graph) -> None:
    planned = plan(graph)
    region_of = {step.id: region.id for region in planned.regions for step in region.steps}
    assert sorted(region_of) == sorted(graph)
    list(TopologicalSorter({region.id: region.after for region in planned.regions}).static_order())
    for step_id, (_, needs) in graph.items():
        for need in needs:
            assert region_of[need] != region_of[step_id]
            assert region_of[need] in next(r for r in planned.regions if r.id == region_of[step_id]).after
    streamed = [(edge.from_step, edge.output) for edge in planned.edges if not edge.spooled]
    assert len(streamed) == len(set(streamed))
    for edge in planned.edges:
        assert edge.spooled is (region_of[edge.from_step] != region_of[edge.to_step])


def test_the_longest_pipeline_is_planned_at_once() -> None:
    """A thousand steps, the most that OML takes; the work per edge must not grow with the square."""
    ids = [f"n{number}" for number in range(1000)]
    graph: Graph = {"n0": ([], [])} | {second: ([f"{first}.df"], []) for first, second in pairwise(ids)}
    assert len(plan(graph).regions) == 1
