"""Keys that writers go by, against the columns that the step before certainly gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from osiris.compiler.graph import Graph
from osiris.compiler.targets import PlacedStep
from osiris.components.drivers import DriverRegistry
from osiris.core.driver import ColumnLister
from osiris.findings import Finding, nearest
from osiris.yamlsource import YamlSource


def key_findings(
    source: YamlSource, steps: Sequence[PlacedStep], graph: Graph, drivers: DriverRegistry
) -> Iterator[Finding]:
    """TGT013 for each column of a `primary_key` that the writer's input cannot have."""
    by_id = {placed[1]: placed for placed in steps}
    for index, step_id, component, config in steps:
        key = config.get("primary_key")
        if "write" in component.spec.modes and isinstance(key, list):
            before = [by_id.get(ref.step_id) for ref in graph.inputs[step_id].values()]
            columns = _columns(before[0], drivers) if len(before) == 1 and before[0] else None
            for position, name in _missing(key, columns):
                near = nearest(name, columns or ())
                hint = f"Columns of the input: {', '.join(columns or ())}."
                message = f"The primary_key column {name!r} is missing in the input."
                path = ("steps", index, "config", "primary_key", position)
                yield source.finding("TGT013", message, path, candidates=near, hint=hint)


def _missing(key: list[Any], columns: Sequence[str] | None) -> Iterator[tuple[int, str]]:
    """The key's columns that are not there in whatever letter case."""
    if columns is not None:
        there = {name.casefold() for name in columns}
        for position, name in enumerate(key):
            if isinstance(name, str) and name.casefold() not in there:
                yield position, name


def _columns(step: PlacedStep, drivers: DriverRegistry) -> tuple[str, ...] | None:
    """The columns of a step's output, None where they are not certain."""
    _, _, component, config = step
    if not component.is_checked_by_driver or len(component.spec.outputs) != 1:
        return None
    try:
        driver = drivers.get(component.name)
        return driver.output_columns(config) if isinstance(driver, ColumnLister) else None
    except (Exception, SystemExit):  # noqa: BLE001 - foreign code, or a config that has been found wrong
        return None
