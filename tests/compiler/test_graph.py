"""Edges: each wrong one is named where it stands, cycles are shown, and the order of steps is one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.compiler.graph import topological_order

READ = "  - {id: a, component: filesystem.csv_extractor, config: {path: a.csv}}\n"
WRITE = "  - {id: w, component: filesystem.csv_writer, config: {path: o.csv}, %s}\n"


def sql(step_id: str, *sources: str, needs: str = "") -> str:
    inputs = ", ".join(f'{source}: "${{{source}.df}}"' for source in sources)
    query = f"SELECT 1 AS one FROM {', '.join(sources)}" if sources else "SELECT 1 AS one"
    return (
        f"  - {{id: {step_id}, component: duckdb.processor, config: {{query: '{query}'}}, "
        f"inputs: {{{inputs}}}, needs: [{needs}]}}\n"
    )


EDGES = {
    "two steps of one name": (READ + READ, "OML020", ()),
    "no such step": (READ + WRITE % 'inputs: {df: "${aa.df}"}', "OML021", ("${a.df}",)),
    "no such step to wait for": (READ + WRITE % 'inputs: {df: "${a.df}"}, needs: [aa]', "OML021", ("a",)),
    "no such output": (READ + WRITE % 'inputs: {df: "${a.rows}"}', "OML022", ("${a.df}",)),
    "an output of a writer": (READ + WRITE % 'inputs: {df: "${w.df}"}', "OML022", ()),
    "no input": (READ + WRITE % "needs: [a]", "OML024", ("${a.df}",)),
    "an input too many": (READ + WRITE % 'inputs: {df: "${a.df}", x: "${a.df}"}', "OML025", ("df",)),
    "an input of an extractor": (READ.replace("config", 'inputs: {df: "${a.df}"}, config'), "OML025", ()),
    "no reference": (READ + WRITE % "inputs: {df: a}", "OML026", ("${a.df}",)),
    "a reference without braces": (READ + WRITE % "inputs: {df: $a.df}", "OML026", ("${a.df}",)),
}


@pytest.mark.parametrize(("steps", "code", "candidates"), EDGES.values(), ids=EDGES)
def test_a_wrong_edge_is_named(bench: Any, steps: str, code: str, candidates: tuple[str, ...]) -> None:
    found = next(error for error in bench.compile(steps).errors if error.code == code)
    assert found.candidates == candidates
    assert found.mark is not None


def test_edges_are_placed_exactly(bench: Any) -> None:
    steps = (
        "  - id: w\n    component: filesystem.csv_writer\n    config: {path: o.csv}\n"
        '    inputs:\n      x: "${a.df}"\n      df: "${b.df}"\n    needs: [c]\n' + READ
    )
    assert bench.problems(steps) == [("OML025", 8, 7), ("OML021", 9, 11), ("OML021", 10, 13)]


CYCLES = {
    "itself by data": (sql("a", "a"), "a -> a"),
    "itself by need": (sql("a", needs="a"), "a -> a"),
    "two": (sql("a", "b") + sql("b", "a"), "a -> b -> a"),
    "two by need": (sql("b", needs="c") + sql("c", needs="b"), "b -> c -> b"),
    "three in flow order": (sql("c", "b") + sql("a", "c") + sql("b", "a"), "a -> b -> c -> a"),
}


@pytest.mark.parametrize(("steps", "path"), CYCLES.values(), ids=CYCLES)
def test_a_cycle_is_shown(bench: Any, steps: str, path: str) -> None:
    cycles = [error for error in bench.compile(steps).errors if error.code == "OML023"]
    assert [cycle.message for cycle in cycles] == [f"These steps wait for each other: {path}."]


def test_each_cycle_is_reported_once_and_its_followers_not(bench: Any) -> None:
    steps = sql("a", "b") + sql("b", "a") + sql("c", "d") + sql("d", "c") + sql("after", "a", "c")
    cycles = [error.message for error in bench.compile(steps).errors if error.code == "OML023"]
    assert [cycle.rpartition(": ")[2] for cycle in cycles] == ["a -> b -> a.", "c -> d -> c."]


def test_a_long_cycle_is_found(bench: Any) -> None:
    steps = "".join(sql(f"s{index}", f"s{(index + 1) % 300}") for index in range(300))
    assert [error.code for error in bench.compile(steps).errors] == ["OML023"]


def test_needs_order_steps_without_data(bench: Any) -> None:
    manifest = bench.compile(sql("last", needs="first, first") + sql("first")).require()
    assert [step.id for step in manifest.steps] == ["first", "last"]
    assert manifest.step("last").needs == ("first",)


def test_the_file_s_order_decides_among_equals(bench: Any) -> None:
    steps = sql("z", "m") + sql("y") + sql("m") + sql("b", "m") + sql("a")
    assert [step.id for step in bench.compile(steps).require().steps] == ["y", "m", "a", "z", "b"]


def test_two_hundred_steps_are_no_problem(bench: Any) -> None:
    chain = [READ, *(sql(f"s{n}", f"s{n - 1}" if n else "a") for n in range(198))]
    steps = "".join([*reversed(chain), WRITE % 'inputs: {df: "${s197.df}"}'])
    compiled = bench.compile(steps)
    assert compiled.findings == []
    assert [step.id for step in compiled.require().steps] == ["a", *(f"s{n}" for n in range(198)), "w"]


def test_what_nobody_reads_is_a_warning(bench: Any) -> None:
    compiled = bench.compile(READ)
    assert {(finding.code, finding.severity) for finding in compiled.findings} == {
        ("OML031", "warning"),
        ("OML032", "warning"),
    }
    assert compiled.manifest is not None


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], dict[str, set[str]]]:
    """Ids in the order of the file, and an acyclic set of edges among them."""
    size = draw(st.integers(1, 12))
    pairs = [(later, earlier) for later in range(size) for earlier in range(later)]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=30)) if pairs else []
    before: dict[str, set[str]] = {f"s{index}": set() for index in range(size)}
    for later, earlier in edges:
        before[f"s{later}"].add(f"s{earlier}")
    return draw(st.permutations(list(before))), before


def edges(before: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Each step with each step before it."""
    return [(later, earlier) for later, others in before.items() for earlier in sorted(others)]


@given(graphs())
def test_each_step_comes_after_what_it_waits_for(graph: tuple[list[str], dict[str, set[str]]]) -> None:
    ids, before = graph
    order = topological_order(ids, before)
    assert sorted(order) == sorted(ids)
    assert all(order.index(earlier) < order.index(later) for later, earlier in edges(before))


@given(graphs())
def test_an_edge_back_leaves_out_its_cycle(graph: tuple[list[str], dict[str, set[str]]]) -> None:
    ids, before = graph
    for later, earlier in edges(before)[:1]:
        order = topological_order(ids, before | {earlier: before[earlier] | {later}})
        assert not {later, earlier} & set(order)


@pytest.mark.slow
def test_a_pipeline_of_any_shape_is_put_into_order_unless_an_edge_goes_back(bench: Any) -> None:
    @given(graphs())
    def shapes(graph: tuple[list[str], dict[str, set[str]]]) -> None:
        ids, before = graph
        steps = {step_id: sql(step_id, *sorted(before[step_id])) for step_id in ids}
        order = [step.id for step in bench.compile("".join(steps.values())).require().steps]
        assert all(order.index(earlier) < order.index(later) for later, earlier in edges(before))
        for later, earlier in edges(before)[:1]:
            steps[earlier] = sql(earlier, *sorted({*before[earlier], later}))
            assert "OML023" in [error.code for error in bench.compile("".join(steps.values())).errors]

    shapes()
