"""Repairs of names: components, modes and connections."""

from __future__ import annotations

from osiris.compiler.repairs.making import add, change, remove
from osiris.compiler.repairs.scene import Scene
from osiris.compiler.repairs.spelling import slip_of
from osiris.findings import Finding, Patch, nearest
from osiris.yamledit import added


def unknown_component(scene: Scene, finding: Finding) -> Patch | None:
    """Name the nearest component; safe for a slip that leaves the family as it is."""
    path = scene.path(finding)
    name, near = str(scene.at(path)), finding.candidates
    slip = slip_of(name, near)
    meant = slip or next(iter(near), None)
    safe = slip is not None and _family(name.casefold()) == _family(slip)
    return change(path, name, meant, safe=safe) if meant else None


def _family(component: str) -> str:
    return component.partition(".")[0]


def wrong_mode(scene: Scene, finding: Finding) -> Patch | None:
    """Name the only mode of the component; the step says two things, and either may be meant."""
    path = scene.path(finding)
    if path[-1] != "mode" or len(finding.candidates) != 1:
        return None
    return change(path, scene.at(path), finding.candidates[0], safe=False)


def forbidden_key(scene: Scene, finding: Finding) -> Patch:
    """Leave the connection's field to the connection."""
    return remove(scene.path(finding))


def connection(scene: Scene, finding: Finding) -> Patch | None:
    """Name a connection that exists; safe where it is named already and only the notation is another one."""
    path = scene.path(finding)
    given = scene.at(path)
    if not isinstance(given, str) or scene.holds_secret(path):
        return None
    written = f"@{given.strip().lstrip('@')}"
    known = scene.connections.entries if scene.connections else {}
    if finding.code == "CON007" and written in known and written in finding.candidates:
        return change(path, given, written, safe=True)
    meant = _same_alias(written, finding.candidates) or _only(finding, written)
    return change(path, given, meant, safe=False) if meant else None


def _same_alias(written: str, candidates: tuple[str, ...]) -> str | None:
    alias = written.lstrip("@").rpartition(".")[2]
    return next((reference for reference in candidates if reference.rpartition(".")[2] == alias), None)


def _only(finding: Finding, written: str) -> str | None:
    """The only candidate of a finding; of a misspelt reference, the nearest."""
    near = finding.candidates
    is_misspelt = finding.code == "CON002" and near and nearest(written, near)
    return near[0] if len(near) == 1 or is_misspelt else None


def missing_connection(scene: Scene, finding: Finding) -> Patch | None:
    """Name the only connection of the family."""
    path = scene.path(finding)
    if len(finding.candidates) != 1:
        return None
    reference = finding.candidates[0]
    patch = add((*path, "connection"), reference, safe=False)
    if isinstance(scene.at(path), dict):
        return patch
    return Patch(patch.title, (added(path, {"connection": reference}),))
