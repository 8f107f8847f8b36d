"""Which edges are fused: neighbouring steps whose drivers can do their work in one statement.

A group is one step that computes, with the sources it reads and the writer it feeds; or a source and a
writer. With two that compute in one statement nobody could tell whose SQL has failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from osiris.components.drivers import DriverRegistry
from osiris.core.driver import Fusible
from osiris.errors import OsirisError
from osiris.manifest import ManifestStep
from osiris.runner.regions import EdgePlan, RegionPlan


def fuse(plan: RegionPlan, drivers: DriverRegistry) -> None:
    """Mark the fused edges of a plan."""
    steps = [step for region in plan.regions for step in region.steps]
    able = {step.id for step in steps if _fuses(step, drivers)}
    fused = {step.id for step in steps if step.id in able and _takes_all(step, plan.edges, able, steps)}
    plan.edges = [replace(edge, fused=edge.to_step in fused) for edge in plan.edges]


def fused_into(step_id: str, edges: Iterable[EdgePlan]) -> str | None:
    """The step whose statement does the work of this one; None where it does it itself."""
    ahead = {edge.from_step: edge.to_step for edge in edges if edge.fused}
    last = step_id
    while last in ahead:
        last = ahead[last]
    return None if last == step_id else last


def _fuses(step: ManifestStep, drivers: DriverRegistry) -> bool:
    try:
        driver = drivers.get(step.component)
    except OsirisError:
        return False  # the step itself will say so
    has_own_clock = step.timeout_seconds is not None  # its time must not run while another one works
    return not has_own_clock and isinstance(driver, Fusible) and driver.fuses(step.config, tuple(step.inputs))


def _takes_all(step: ManifestStep, edges: list[EdgePlan], able: set[str], steps: list[ManifestStep]) -> bool:
    """Whether each input comes from a neighbour that can hand it over, and at most one of them computes."""
    computing = {other.id for other in steps if other.inputs}
    inputs = [edge for edge in edges if edge.to_step == step.id]
    writes = step.mode == "write"
    return bool(inputs) and all(
        edge.from_step in able and not edge.spooled and (writes or edge.from_step not in computing)
        for edge in inputs
    )
