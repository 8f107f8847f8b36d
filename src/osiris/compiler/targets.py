"""What the pipeline as a whole writes: nothing at all, or one target twice."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Any

from osiris.components.component import Component
from osiris.findings import Finding, Severity
from osiris.yamlsource import YamlSource

PlacedStep = tuple[int, str, Component, dict[str, Any]]
"""Index in the file, step id, component, effective config."""


def target_findings(source: YamlSource, steps: Sequence[PlacedStep], *, all_known: bool) -> Iterator[Finding]:
    """An error where a writer would undo what another wrote, a warning where nothing is written."""
    writers = [step for step in steps if "write" in step[2].spec.modes]
    if all_known and not writers:
        message = "Nothing in this pipeline writes anything."
        yield source.finding("OML032", message, ("steps",), severity=Severity.WARNING)
    first: dict[tuple[Any, ...], PlacedStep] = {}
    for placed in writers:
        index, _, component, config = placed
        target = config.get("table") or config.get("path")
        if not isinstance(target, str):
            continue
        key = (component.family, str(config.get("connection")), posixpath.normpath(target))
        other = first.setdefault(key, placed)
        modes = {str(config.get("write_mode")), str(other[3].get("write_mode"))}
        if other is not placed and (len(modes) > 1 or "replace" in modes):
            message = f"The step {other[1]!r} writes {target!r} already; one of the two would undo the other."
            yield source.finding("OML030", message, ("steps", index))
