"""Rows on their way: every shape of graph delivers exactly what was sent, whatever the channels hold."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.runner.channel import Channel

SHAPES = (
    "chain",
    "fan out",
    "diamond",
    "diamond with a short way",
    "one output twice into one step",
    "two outputs",
    "two outputs joined again",
    "an output that nobody reads",
    "two sources",
    "no rows",
    "needs between neighbours",
    "needs across",
)


@pytest.fixture
def tiny_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    """One batch at a time may be under way."""
    monkeypatch.setattr("osiris.runner.attempts.Channel", partial(Channel, limit_bytes=1))


def graphs(lab: Any) -> dict[str, tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Steps, and what each sink must get."""
    many = lab.source("a", batches=20, rows=3)
    rows = list(range(60))
    odd, even = rows[1::2], rows[::2]
    return {
        "chain": ([many, lab.relay("b", "a.df"), lab.sink("s", "b.df")], {"s": rows}),
        "fan out": ([many, lab.sink("s", "a.df"), lab.sink("t", "a.df")], {"s": rows, "t": rows}),
        "diamond": (
            [many, lab.relay("b", "a.df"), lab.relay("c", "a.df"), lab.sink("s", "b.df", "c.df")],
            {"s": {"in0": rows, "in1": rows}},
        ),
        "diamond with a short way": (
            [many, lab.relay("b", "a.df"), lab.sink("s", "b.df", "a.df")],
            {"s": {"in0": rows, "in1": rows}},
        ),
        "one output twice into one step": (
            [many, lab.sink("s", "a.df", "a.df")],
            {"s": {"in0": rows, "in1": rows}},
        ),
        "two outputs": (
            [many, lab.split("b", "a.df"), lab.sink("s", "b.even"), lab.sink("t", "b.odd")],
            {"s": even, "t": odd},
        ),
        "two outputs joined again": (
            [
                many,
                lab.split("b", "a.df"),
                lab.relay("c", "b.odd", "b.even", in_turn=True),
                lab.sink("s", "c.df"),
            ],
            {"s": rows},
        ),
        "an output that nobody reads": ([many, lab.split("b", "a.df"), lab.sink("s", "b.odd")], {"s": odd}),
        "two sources": (
            [many, lab.source("b", start=60, rows=5), lab.relay("c", "a.df", "b.df"), lab.sink("s", "c.df")],
            {"s": list(range(65))},
        ),
        "no rows": ([lab.source("a", batches=0), lab.relay("b", "a.df"), lab.sink("s", "b.df")], {"s": []}),
        "needs between neighbours": (
            [many, lab.relay("b", "a.df", needs=["a"]), lab.sink("s", "b.df")],
            {"s": rows},
        ),
        "needs across": (
            [many, lab.relay("b", "a.df"), lab.source("c", needs=["b"]), lab.sink("s", "b.df", "c.df")],
            {"s": {"in0": rows, "in1": [0]}},
        ),
    }


@pytest.mark.usefixtures("tiny_channels")
@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_delivers_every_row_once(lab: Any, name: str) -> None:
    steps, expected = graphs(lab)[name]
    result = lab.run(*steps)
    assert set(lab.states(result).values()) == {"complete"}
    assert {sink: lab.written(sink) for sink in expected} == expected
    edges = lab.events(result, "edge_complete")
    assert len(edges) == sum(len(step["inputs"]) for step in steps)
    assert all(edge["rows_delivered"] == edge["rows_received"] for edge in edges)
    assert lab.leftovers == []


def test_a_reader_that_has_enough_ends_its_source_early(lab: Any) -> None:
    endless = lab.source("a", batches=10**9)
    result = lab.run(endless, lab.relay("b", "a.df", limit=5), lab.sink("s", "b.df"))
    assert lab.written("s") == [0, 1, 2, 3, 4]
    edge = next(e for e in lab.events(result, "edge_complete") if e["from_step"] == "a")
    assert edge["closed_early"]
    assert edge["rows_received"] <= edge["rows_delivered"] < 10**6
    assert result.outcome.error is None


def test_independent_branches_run_at_the_same_time(lab: Any) -> None:
    """Each waits for the other's sign: one after the other they would never end."""
    meet = {"a": {"touch": lab.file("a"), "wait_for": lab.file("b")}}
    other = {"touch": lab.file("b"), "wait_for": lab.file("a")}
    result = lab.run(
        lab.source("a", at={"run": meet["a"]}),
        lab.sink("s", "a.df"),
        lab.source("b", at={"run": other}),
        lab.sink("t", "b.df"),
    )
    assert result.outcome.error is None


def test_neighbours_overlap(lab: Any) -> None:
    """The source goes on only when the sink has seen its first batch."""
    result = lab.run(
        lab.source("a", batches=2, at={"batch": {"number": 1, "wait_for": lab.file("seen")}}),
        lab.sink("s", "a.df", at={"batch": {"number": 0, "touch": lab.file("seen")}}),
    )
    assert result.outcome.error is None


def test_needs_waits_for_the_end(lab: Any) -> None:
    first = lab.source("a", at={"end": {"touch": lab.file("ended")}})
    second = lab.source("b", needs=["s"], at={"run": {"wait_for": lab.file("ended")}})
    result = lab.run(first, lab.sink("s", "a.df"), second, lab.sink("t", "b.df"))
    order = [
        (event["event"], event["step_id"]) for event in lab.events(result, "step_start", "step_complete")
    ]
    assert order.index(("step_complete", "s")) < order.index(("step_start", "b"))


def test_a_spool_goes_after_its_last_reader(lab: Any) -> None:
    """The third step looks into the work folder when both readers of `a` have ended."""
    process = lab.start(
        "run",
        lab.pipeline(
            lab.source("a"),
            lab.sink("s", "a.df"),
            lab.sink("t", "a.df"),
            lab.source(
                "z", needs=["s", "t"], at={"run": {"touch": lab.file("now"), "wait_for": lab.file("go")}}
            ),
        ),
    )
    lab.wait_for("now")
    assert [path.name for path in lab.root.glob(".osiris/work/*/*.arrow")] == []
    assert len(list(lab.root.glob(".osiris/work/*"))) == 1
    (lab.root / "go").touch()
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert lab.leftovers == []


@st.composite
def random_graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Steps in topological order as (kind, edges, needs, batches); relays and sinks read what came before."""
    steps: list[dict[str, Any]] = []
    outputs: list[str] = []
    for number in range(draw(st.integers(2, 9))):
        name = f"n{number}"
        kind = draw(st.sampled_from(["source", "relay", "split", "sink"] if outputs else ["source"]))
        edges = (
            draw(st.lists(st.sampled_from(outputs), min_size=1, max_size=1 if kind == "split" else 3))
            if kind != "source"
            else []
        )
        before = [step["id"] for step in steps]
        needs = draw(st.lists(st.sampled_from(before), max_size=2, unique=True)) if before else []
        steps.append(
            {
                "id": name,
                "kind": kind,
                "edges": edges,
                "needs": needs,
                "batches": draw(st.integers(0, 4)),
                "in_turn": draw(st.booleans()),
            }
        )
        outputs += {
            "source": [f"{name}.df"],
            "relay": [f"{name}.df"],
            "sink": [],
            "split": [f"{name}.even", f"{name}.odd"],
        }[kind]
    return steps


def expected_rows(graph: list[dict[str, Any]]) -> dict[str, list[int]]:
    """The ids at each output, by a few lines of plain Python."""
    at: dict[str, list[int]] = {}
    for number, node in enumerate(graph):
        ids = [i for edge in node["edges"] for i in at[edge]]
        if node["kind"] == "source":
            at[f"{node['id']}.df"] = list(range(number * 100, number * 100 + node["batches"]))
        elif node["kind"] == "relay":
            at[f"{node['id']}.df"] = ids
        elif node["kind"] == "split":
            at[f"{node['id']}.even"] = [i for i in ids if i % 2 == 0]
            at[f"{node['id']}.odd"] = [i for i in ids if i % 2]
    return at


@pytest.mark.usefixtures("tiny_channels")
@pytest.mark.timeout(60)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(graph=random_graphs())
def test_no_graph_deadlocks_or_loses_a_row(new_lab: Callable[[], Any], graph: list[dict[str, Any]]) -> None:
    lab = new_lab()
    makers = {"source": lab.source, "relay": lab.relay, "split": lab.split, "sink": lab.sink}
    steps = []
    for number, node in enumerate(graph):
        own = {"batches": node["batches"], "start": number * 100} if node["kind"] == "source" else {}
        own |= {"in_turn": node["in_turn"]} if node["kind"] == "relay" else {}
        steps.append(makers[node["kind"]](node["id"], *node["edges"], needs=node["needs"], **own))
    result = lab.run(*steps)
    assert set(lab.states(result).values()) == {"complete"}
    at = expected_rows(graph)
    for node in graph:
        if node["kind"] == "sink":
            wanted = [sorted(at[edge]) for edge in node["edges"]]
            given_ids = lab.written(node["id"])
            assert ([given_ids] if len(wanted) == 1 else list(given_ids.values())) == wanted
    assert lab.leftovers == []


def test_writers_of_one_database_file_work_side_by_side(lab: Any) -> None:
    """One makes the file while the other opens it."""
    source = lab.source("a", rows=50)
    tables = [lab.table("t", "a.df"), lab.table("u", "a.df", write_mode="merge", primary_key=["id"])]
    for _ in range(3):
        result = lab.run(source, *tables, new=True)
        assert result.outcome.error is None
        assert lab.rows_of("u") == list(range(50))
        lab.root.joinpath("wh.duckdb").unlink()
