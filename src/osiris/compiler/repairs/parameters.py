"""Repairs of parameters: misspelt, undeclared, unused, or pasted into SQL."""

from __future__ import annotations

import re

from osiris.compiler.repairs.making import add, change, remove
from osiris.compiler.repairs.scene import Path_, Scene
from osiris.compiler.repairs.spelling import slip_of
from osiris.findings import Finding, Patch, Safety
from osiris.oml.references import ANY_REFERENCE, PARAM, used_parameters
from osiris.yamledit import added, replaced

_A_VALUE_FOLLOWS = re.compile(r"([=<>(,+*/-]|\b(AND|OR|BETWEEN|I?LIKE|LIMIT|THEN|ELSE))\s*\Z", re.IGNORECASE)
"""What stands before a place in SQL that can be bound; a name of a table or column cannot."""


def unknown_parameter(scene: Scene, finding: Finding) -> Patch | None:
    """Name a declared parameter, write the name as a reference, or declare it.

    Safe for a slip of one that is used nowhere else, and where only the notation changes.
    """
    path = scene.path(finding)
    text, declared = scene.at(path), scene.parameters
    if not isinstance(text, str) or scene.holds_secret(path):
        return None
    for name in PARAM.findall(text):
        if name not in declared and repr(name) in finding.message:
            return _misspelt(scene, finding, path, name) or _undeclared(scene, name)
    for inner in ANY_REFERENCE.findall(text):
        if inner.strip() in declared and finding.message.startswith(use := f"${{{inner}}}"):
            new = f"${{params.{inner.strip()}}}"
            return _in_text(path, (use, new), text.replace(use, new), safe=True)
    return None


def _misspelt(scene: Scene, finding: Finding, path: Path_, name: str) -> Patch | None:
    text = scene.at(path)
    slip = slip_of(name, finding.candidates)
    meant = slip or next(iter(finding.candidates), None)
    if meant is None:
        return None
    use, new = f"${{params.{name}}}", f"${{params.{meant}}}"
    mended = PARAM.sub(lambda found: new if found[1] == name else found[0], text)
    safe = slip is not None and slip not in used_parameters(scene.source.value)
    return _in_text(path, (use, new), mended, safe=safe)


def _in_text(path: Path_, words: tuple[str, str], text: str, *, safe: bool) -> Patch:
    """A text with some words changed; the title shows only those."""
    whole = change(path, *words, safe=safe)
    return Patch(whole.title, (replaced(path, text),), whole.safety)


def _undeclared(scene: Scene, name: str) -> Patch | None:
    declaration = {"type": "string"}
    patch = add(("params", name), declaration, safe=False)
    if scene.parameters or scene.at(("params",)):
        return patch if scene.parameters else None
    operation = replaced if "params" in scene.source.value else added
    return Patch(patch.title, (operation(("params",), {name: declaration}),), Safety.NEEDS_REVIEW)


def unused_parameter(scene: Scene, finding: Finding) -> Patch:
    """Take the declaration out; a command line may still give it, which would then be refused."""
    path = scene.path(finding)
    return remove(path[:-1] if len(scene.at(path[:-1])) == 1 else path)


def parameter_in_sql(scene: Scene, finding: Finding) -> Patch | None:
    """Write :name in the SQL, without quotes around it, and bind the parameter."""
    path = scene.path(finding)
    text, bind_at = scene.at(path), (*path[:-1], "bind")
    bind = scene.at(bind_at) or {}
    sql, wanted = _bound(str(text))
    if not wanted or not isinstance(bind, dict) or any(bind.get(k, v) != v for k, v in wanted.items()):
        return None
    new = {key: value for key, value in wanted.items() if key not in bind}
    binding = [added((*bind_at, key), value) for key, value in new.items()]
    if not bind:
        operation = replaced if "bind" in scene.at(path[:-1]) else added
        binding = [operation(bind_at, new)]
    title = f"bind {', '.join(f':{key}' for key in wanted)}"
    return Patch(title, (replaced(path, sql), *binding))


def _bound(sql: str) -> tuple[str, dict[str, str]]:
    """The SQL with each parameter as :name, and what to bind; nothing where one of them is no value."""
    wanted: dict[str, str] = {}
    parts, end = [], 0
    for use in PARAM.finditer(sql):
        start, stop = use.span()
        if sql[:start].count("'") % 2:
            start, stop = start - 1, stop + 1
            if sql[start] + sql[stop - 1 : stop] != "''":
                return sql, {}
        if not _A_VALUE_FOLLOWS.search(sql[:start]):
            return sql, {}
        key = use[1].replace("-", "_")
        wanted[key] = f"${{params.{use[1]}}}"
        parts += [sql[end:start], f":{key}"]
        end = stop
    return "".join([*parts, sql[end:]]), wanted
