"""Repairs of keys: unknown ones, and required ones that are missing."""

from __future__ import annotations

import re
from pathlib import PurePath

from osiris.compiler.repairs.making import add, remove, rename
from osiris.compiler.repairs.scene import Path_, Scene
from osiris.compiler.repairs.spelling import slip_of
from osiris.compiler.repairs.values import DECISIVE
from osiris.findings import Finding, Patch
from osiris.oml import OML_VERSION
from osiris.oml.model import NAME_PATTERN
from osiris.yamledit import added


def unknown_key(scene: Scene, finding: Finding) -> Patch | None:
    """Rename it to the known key that is missing; take it out where there is none.

    Safe where it is a slip of one known key, and nothing else beside it is one too.
    """
    path = scene.path(finding)
    owner, key = scene.at(path[:-1]), str(path[-1])
    slip = slip_of(key, finding.candidates)
    meant = slip or next(iter(finding.candidates), None)
    if not isinstance(owner, dict) or meant is None or meant in owner:
        return remove(path)
    rivals = [other for other in scene.findings if other is not finding and _could_be(other, meant, finding)]
    return rename(path, meant, safe=slip is not None and not rivals)


def _could_be(other: Finding, key: str, finding: Finding) -> bool:
    """Whether another unknown key of the same mapping may be meant by the known one too."""
    return _parent(other) == _parent(finding) and other.code == finding.code and key in other.candidates


def _parent(finding: Finding) -> str:
    return finding.pointer.rpartition("/")[0]


def missing_key(scene: Scene, finding: Finding) -> Patch | None:
    """Add the version, or a name after the file; a key that is only misspelt is no matter of this one."""
    path, key = scene.path(finding), next(iter(finding.candidates), None)
    beside = [f for f in scene.findings if f.code == "OML011" and _parent(f) == finding.pointer]
    misspelt = any(key in other.candidates for other in beside)
    if misspelt or path:
        return None
    if key == "oml_version":
        return add((key,), OML_VERSION, safe=True)
    stem = PurePath(scene.source.file or "").stem
    if key == "name" and re.fullmatch(NAME_PATTERN, stem):
        return add((key,), stem, safe=False)
    return None


def missing_config_key(scene: Scene, finding: Finding) -> Patch | None:
    """Add the one value that the schema allows, or its default.

    Safe for the only value possible, unless the key decides which data is written or where.
    """
    if len(finding.candidates) != 1:
        return None
    path, key = scene.path(finding), finding.candidates[0]
    for rule in scene.rules((*path, key)):
        possible = [rule["const"]] if "const" in rule else rule.get("enum", [])
        if len(possible) == 1:
            return _add_to_config(scene, (*path, key), possible[0], safe=key not in DECISIVE)
        if "default" in rule:
            return _add_to_config(scene, (*path, key), rule["default"], safe=False)
    return None


def _add_to_config(scene: Scene, path: Path_, value: object, *, safe: bool) -> Patch:
    patch = add(path, value, safe=safe)
    if isinstance(scene.at(path[:-1]), dict):
        return patch
    return Patch(patch.title, (added(path[:-1], {path[-1]: value}),), patch.safety)
