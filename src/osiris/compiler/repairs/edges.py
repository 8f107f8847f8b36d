"""Repairs of edges: misspelt steps and outputs, other notations, names of inputs, inputs that are missing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from osiris.compiler.repairs.making import add, change, remove, rename, shown
from osiris.compiler.repairs.scene import Path_, Scene
from osiris.compiler.repairs.spelling import slip_of
from osiris.findings import Finding, Patch
from osiris.oml import parse_output_ref
from osiris.yamledit import replaced

_NAKED = re.compile(r"[\s@$]*\{*\s*([A-Za-z][\w-]*)\s*(?:\.\s*(\w+))?\s*\}*\s*")
"""An edge in the notation of another language, or without its output."""


def unknown_step(scene: Scene, finding: Finding) -> Patch | None:
    """Name the step that was meant, or leave the order out.

    Safe where the name is a slip of one step's id, no cycle comes of it, and nobody else reads that step.
    """
    path = scene.path(finding)
    if path[2] == "needs":
        return _unknown_step_in_needs(scene, path, finding)
    text = scene.at(path)
    ref = parse_output_ref(text) if isinstance(text, str) else None
    if ref is None or not finding.candidates:
        return None
    slip = slip_of(ref.step_id, [near.step_id for near in map(parse_output_ref, finding.candidates) if near])
    meant = f"${{{slip}.{ref.output}}}" if slip else finding.candidates[0]
    safe = slip is not None and slip not in scene.read and slip not in scene.downstream(int(path[1]))
    return change(path, text, meant, safe=safe)


def _unknown_step_in_needs(scene: Scene, path: Path_, finding: Finding) -> Patch:
    name = str(scene.at(path))
    slip = slip_of(name, finding.candidates)
    meant = slip or next(iter(finding.candidates), None)
    if meant is None or meant in scene.at(path[:-1]):
        return remove(path[:-1]) if len(scene.at(path[:-1])) == 1 else remove(path, name)
    return change(path, name, meant, safe=slip is not None and slip not in scene.downstream(int(path[1])))


def unknown_output(scene: Scene, finding: Finding) -> Patch | None:
    """Name an output that the step has; safe for the only one, or a slip of one of them."""
    path = scene.path(finding)
    text = str(scene.at(path))
    ref = parse_output_ref(text)
    outputs = scene.outputs(ref.step_id) if ref else ()
    if ref is None or not outputs:
        return None
    certain = outputs[0] if len(outputs) == 1 else slip_of(ref.output, outputs)
    return change(path, text, f"${{{ref.step_id}.{certain or outputs[0]}}}", safe=certain is not None)


def no_reference(scene: Scene, finding: Finding) -> Patch | None:
    """Write an edge as one; safe where it names one output, and only the notation changes."""
    path = scene.path(finding)
    text = str(scene.at(path))
    meant = _meant_by(scene, text, int(path[1]))
    if meant is not None:
        return change(path, text, meant, safe=True)
    near = parse_output_ref(finding.candidates[0]) if finding.candidates else None
    output = next(iter(scene.outputs(near.step_id)), near.output) if near else ""
    return change(path, text, f"${{{near.step_id}.{output}}}", safe=False) if near else None


def _meant_by(scene: Scene, text: str, index: int) -> str | None:
    """The one output that a text names in another notation."""
    found = _NAKED.fullmatch(text)
    outputs = scene.outputs(found[1]) if found and scene.ids.get(found[1], index) != index else ()
    if found is None or (found[2] is None and len(outputs) != 1):
        return None
    output = found[2] or outputs[0]
    return f"${{{found[1]}.{output}}}" if output in outputs else None


def inputs_as_text(scene: Scene, finding: Finding) -> Patch | None:
    """Put the only input of a component before an edge that stands alone."""
    path = scene.path(finding)
    text, accepted = scene.at(path), _accepted(scene, path)
    if not isinstance(text, str) or len(accepted) != 1:
        return None
    index = int(path[1])
    edge = text if parse_output_ref(text) else _meant_by(scene, text, index)
    return change(path, text, {accepted[0]: edge}, safe=True) if edge else None


def unknown_input(scene: Scene, finding: Finding) -> Patch | None:
    """Give an input the name that the component takes; take it out where all that it takes are there.

    Safe for the only input of a component, and for a slip of one.
    """
    path = scene.path(finding)
    given, name = scene.at(path[:-1]), str(path[-1])
    missing = [each for each in _accepted(scene, path) if each not in given]
    surplus = [each for each in given if each not in _accepted(scene, path)]
    if not missing:
        return remove(path[:-1] if len(given) == 1 else path)
    if len(missing) == len(given) == 1:
        return rename(path, missing[0], safe=True)
    slip = slip_of(name, missing)
    rivals = [each for each in surplus if each != name and slip_of(each, missing) == slip]
    return rename(path, slip or missing[0], safe=slip is not None and not rivals)


def missing_input(scene: Scene, finding: Finding) -> Patch | None:
    """Read the step whose output nobody reads yet.

    Safe where there is exactly one such step before, exactly one step that lacks an input, and no doubt
    about any other step or edge.
    """
    path = scene.path(finding)
    given = scene.at((*path, "inputs")) or {}
    missing = [name for name in _accepted(scene, path) if not isinstance(given, dict) or name not in given]
    if len(missing) != 1 or _has_findings(scene, f"{finding.pointer}/inputs"):
        return None
    unread = _unread_before(scene, finding.candidates, int(path[1]))
    fitting = unread if len(unread) == 1 else finding.candidates
    if len(fitting) != 1:
        return None
    safe = fitting is unread and _has_no_other_doubt(scene)
    return _with_input(scene, path, missing[0], fitting[0], safe=safe)


def _has_no_other_doubt(scene: Scene) -> bool:
    """Whether all components are known, all other edges hold, and one input is missing in all."""
    known = all(scene.component(index) for index in range(len(scene.steps)))
    lacking = sum(finding.code == "OML024" for finding in scene.findings)
    about_inputs = any("/inputs" in f.pointer or "inputs" in f.candidates for f in scene.findings)
    return known and lacking == 1 and not about_inputs


def _has_findings(scene: Scene, pointer: str) -> bool:
    return any(finding.pointer.startswith(pointer) for finding in scene.findings)


def _with_input(scene: Scene, path: Path_, name: str, edge: str, *, safe: bool) -> Patch:
    inputs: Path_ = (*path, "inputs")
    if isinstance(scene.at(inputs), dict):
        return add((*inputs, name), edge, safe=safe)
    patch = add(inputs, {name: edge}, safe=safe)
    if "inputs" not in scene.at(path):
        return patch
    return Patch(f"change inputs to {shown({name: edge})}", (replaced(inputs, {name: edge}),), patch.safety)


def _unread_before(scene: Scene, edges: Sequence[str], index: int) -> list[str]:
    """The edges from steps that stand before this one, do not wait for it, and are read by nobody."""
    refs = [(edge, ref) for edge in edges if (ref := parse_output_ref(edge))]
    out_of_question = scene.read | scene.downstream(index)
    return [
        edge
        for edge, ref in refs
        if scene.ids.get(ref.step_id, index) < index and ref.step_id not in out_of_question
    ]


def _accepted(scene: Scene, path: Path_) -> tuple[str, ...]:
    """The inputs that a step's component takes; none where it takes any, or is not known."""
    component = scene.component(int(path[1]))
    accepted = component.spec.inputs if component else ()
    return () if accepted == "any" else tuple(accepted)
