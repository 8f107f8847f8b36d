"""What a reviewer is told of two versions of a pipeline."""

from __future__ import annotations

from typing import Any

import pytest

from osiris.manifest import Change, Edge, Manifest, ManifestStep, PinnedComponent, changes_between
from osiris.redaction import MASK


def manifest(*steps: ManifestStep, **facts: Any) -> Manifest:
    return Manifest(oml_version="0.1.0", name="p", steps=steps, **facts)


def step(step_id: str = "a", **facts: Any) -> ManifestStep:
    return ManifestStep(**{"id": step_id, "component": "x.writer", "mode": "write"} | facts)


def test_equal_manifests_have_no_changes() -> None:
    one = manifest(step(config={"table": "t", "bind": {"x": 1}}), params={"x": 1}, engines={"duckdb": "2.0"})
    assert not changes_between(one, one.model_copy(update={"description": "told otherwise"}))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"config": {"table": "t"}}, {"config": {"table": "u"}}, Change("config.table", "t", "u")),
        ({"config": {}}, {"config": {"limit": 3}}, Change("config.limit", None, 3)),
        ({"config": {"bind": {"x": 1}}}, {"config": {"bind": {}}}, Change("config.bind.x", 1, None)),
        (
            {"config": {"columns": ["a"]}},
            {"config": {"columns": ["b"]}},
            Change("config.columns", ["a"], ["b"]),
        ),
        ({"component": "x.writer"}, {"component": "y.writer"}, Change("component", "x.writer", "y.writer")),
        ({"needs": ("z",)}, {}, Change("needs", ["z"], None)),
        (
            {"inputs": {"df": Edge(step="b", output="df")}},
            {"inputs": {"df": Edge(step="c", output="df")}},
            Change("inputs.df", "b.df", "c.df"),
        ),
        (
            {"config": {"password": "open"}},
            {"config": {"password": "sesame"}},
            Change("config.password", MASK, MASK),
        ),
    ],
)
def test_a_changed_step_tells_its_keys_old_and_new(
    before: dict[str, Any], after: dict[str, Any], expected: Change
) -> None:
    (changed,) = changes_between(manifest(step(**before)), manifest(step(**after))).steps
    assert (changed.kind, changed.changes) == ("changed", (expected,))


def test_steps_that_came_and_went_are_told() -> None:
    steps = changes_between(manifest(step("a"), step("b")), manifest(step("b"), step("c"))).steps
    assert [(change.step_id, change.kind) for change in steps] == [("c", "added"), ("a", "removed")]


def test_parameters_and_pins_are_told() -> None:
    def version(number: str, content: str, engine: str, late: int) -> Manifest:
        pin = PinnedComponent(version=number, content=f"sha256:{content}")
        return manifest(
            step(), components={"x.writer": pin}, engines={"duckdb": engine}, params={"late": late}
        )

    changes = changes_between(version("1.0.0", "aa", "1.9", 15), version("1.1.0", "bb", "2.0", 30))
    assert changes.params == (Change("late", 15, 30),)
    assert changes.pins == (Change("duckdb", "1.9", "2.0"), Change("x.writer", "1.0.0", "1.1.0"))
    same_version = changes_between(version("1.0.0", "aa", "2.0", 1), version("1.0.0", "bb", "2.0", 1))
    assert same_version.pins == (Change("x.writer", "1.0.0 (aa)", "1.0.0 (bb)"),)
