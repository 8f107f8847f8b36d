"""What the pipeline as a whole writes: nothing at all, or one target twice."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Any

from osiris.components.component import Component
from osiris.connections import ConnectionsFile
from osiris.findings import Finding, Severity
from osiris.yamlsource import YamlSource

PlacedStep = tuple[int, str, Component, dict[str, Any]]
"""Index in the file, step id, component, effective config."""


def target_findings(
    source: YamlSource, steps: Sequence[PlacedStep], connections: ConnectionsFile | None, *, all_known: bool
) -> Iterator[Finding]:
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
        key = (component.family, *_place(config.get("connection"), target, connections))
        other = first.setdefault(key, placed)
        modes = {str(config.get("write_mode")), str(other[3].get("write_mode"))}
        if other is not placed and (len(modes) > 1 or "replace" in modes):
            message = f"The step {other[1]!r} writes {target!r} already; one of the two would undo the other."
            yield source.finding("OML030", message, ("steps", index))


def _place(reference: Any, target: str, connections: ConnectionsFile | None) -> tuple[str, str]:
    """Where a target is, whichever of several aliases leads there."""
    entry = connections.get(str(reference)) if connections is not None else None
    fields = dict(entry.fields) if entry is not None else {"reference": reference} if reference else {}
    base_dir = str(fields.pop("base_dir", "."))
    system = sorted((name, posixpath.normpath(str(value))) for name, value in fields.items())
    return str(system), posixpath.normpath(posixpath.join(base_dir, target))
