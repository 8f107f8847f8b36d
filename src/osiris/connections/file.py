"""osiris_connections.yaml: which connections there are, checked without reading any secret's value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osiris.components.registry import Registry
from osiris.components.schemas import SchemaProblem, schema_problems
from osiris.components.spec import FamilyConnection
from osiris.findings import Finding, nearest, pointer, shortened
from osiris.redaction import is_secret_field
from osiris.yamlsource import YamlSource, read_yaml, unknown_key

FILE_NAME = "osiris_connections.yaml"

REFERENCE = re.compile(r"@([a-z][a-z0-9]*)\.([A-Za-z0-9][A-Za-z0-9_-]*)")
PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

_TOP_KEYS = ("version", "connections")
_POLICY_KEYS = ("sample_rows", "protected")


@dataclass(frozen=True, slots=True)
class ConnectionEntry:
    """One connection as declared: fields may hold `${NAME}` in place of values."""

    family: str
    alias: str
    fields: dict[str, Any]
    policy: dict[str, bool]

    @property
    def reference(self) -> str:
        """`@family.alias`."""
        return f"@{self.family}.{self.alias}"


@dataclass(slots=True)
class ConnectionsFile:
    """All connections of a project, and what is wrong with their declarations."""

    path: Path
    entries: dict[str, ConnectionEntry] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def get(self, reference: str) -> ConnectionEntry | None:
        """The connection that `@family.alias` names."""
        return self.entries.get(reference)

    def nearest(self, reference: str) -> tuple[str, ...]:
        """References that were probably meant; those of the same family when none is near."""
        family = reference.lstrip("@").partition(".")[0]
        of_family = sorted(ref for ref in self.entries if ref.startswith(f"@{family}."))
        return nearest(reference, self.entries) or tuple(of_family[:3])


def load_connections(root: Path, registry: Registry) -> ConnectionsFile:
    """Read and check a project's connections; without the file there are none."""
    loaded = ConnectionsFile(root / FILE_NAME)
    if loaded.path.is_file():
        source = read_yaml(loaded.path, shown_as=FILE_NAME)
        loaded.findings.extend(
            Finding("CON001", f.message, pointer=f.pointer, file=f.file, mark=f.mark, hint=f.hint)
            for f in source.findings
        )
        _Reader(source, registry, loaded).read()
    return loaded


def declared_references(root: Path) -> list[str]:
    """The references in a project's connections file; nothing is checked, and a broken file may raise."""
    file = root / FILE_NAME
    declared = read_yaml(file).value if file.is_file() else None
    families = declared.get("connections") if isinstance(declared, dict) else None
    return [f"@{family}.{alias}" for family, aliases in (families or {}).items() for alias in aliases or ()]


class _Reader:
    def __init__(self, source: YamlSource, registry: Registry, loaded: ConnectionsFile) -> None:
        self._source = source
        self._registry = registry
        self._loaded = loaded

    def read(self) -> None:
        top = self._source.value
        if top is None:
            return
        if not isinstance(top, dict) or not isinstance(top.get("connections") or {}, dict):
            self._report("CON001", "The file must hold `connections:` with families below it.", ())
            return
        for key in top:
            if key not in _TOP_KEYS:
                unknown = unknown_key(self._source, "CON003", (key,), list(_TOP_KEYS), "The connections file")
                self._loaded.findings.append(unknown)
        for family, aliases in (top.get("connections") or {}).items():
            self._family(family, aliases)

    def _family(self, family: str, aliases: Any) -> None:
        path = ("connections", family)
        declared = self._registry.connection(family)
        if declared is None:
            near = nearest(family, self._registry.families())
            known = ", ".join(self._registry.families())
            message = f"There is no family {family!r} with connections."
            self._report("CON003", message, path, candidates=near, hint=f"Known families: {known}.")
        elif not isinstance(aliases, dict):
            self._report("CON003", f"{family} must hold aliases with their fields.", path)
        else:
            for alias, fields in aliases.items():
                self._entry(declared, alias, fields)

    def _entry(self, declared: FamilyConnection, alias: str, fields: Any) -> None:
        reference = f"@{declared.family}.{alias}"
        path = ("connections", declared.family, alias)
        if not REFERENCE.fullmatch(reference):
            self._report("CON003", f"The alias {alias!r} must consist of letters, digits, '_' and '-'.", path)
            return
        if not isinstance(fields, dict):
            self._report("CON003", f"{reference} must hold a mapping of fields.", path)
            return
        own = {key: value for key, value in fields.items() if key not in _POLICY_KEYS}
        policy = {key: self._policy(declared, fields, key, path) for key in _POLICY_KEYS}
        self._check(declared, reference, own, path)
        self._loaded.entries[reference] = ConnectionEntry(declared.family, alias, own, policy)

    def _policy(
        self, declared: FamilyConnection, fields: dict[str, Any], key: str, path: tuple[str, ...]
    ) -> bool:
        value = fields.get(key, getattr(declared.policy, key))
        if not isinstance(value, bool):
            message = f"{key!r} must be true or false, not {shortened(repr(value))}."
            self._report("CON003", message, (*path, key))
        return value is True or (key == "protected" and value is not False)

    def _check(
        self, declared: FamilyConnection, reference: str, fields: dict[str, Any], path: tuple[str, ...]
    ) -> None:
        secrets = secret_pointers(declared, fields)
        for problem in schema_problems(declared.fields, fields, reference, secrets=secrets):
            if not _is_placeholder(fields, problem):
                self._report("CON003", problem.message, (*path, *problem.path), candidates=problem.candidates)
        for secret in declared.secrets:
            name = secret.lstrip("/")
            value = fields.get(name)
            if is_clear_text(value):
                message = f"{reference}: the secret field {name!r} holds clear text."
                variable = f"{reference[1:].replace('.', '_')}_{name}".upper()
                hint = f"Put the value into .env and write {name}: ${{{variable}}}."
                self._report("CON005", message, (*path, name), hint=hint)

    def _report(self, code: str, message: str, path: tuple[str | int, ...], **more: Any) -> None:
        self._loaded.findings.append(self._source.finding(code, message, path, key=True, **more))


def secret_pointers(declared: FamilyConnection, fields: Iterable[str]) -> set[str]:
    """The fields whose values no message shows: those that the family declares, and those named like one."""
    return {*declared.secrets, *(pointer(name) for name in fields if is_secret_field(name))}


def is_clear_text(value: Any) -> bool:
    """Whether a secret field holds a value instead of the names of variables."""
    return value not in (None, "") and not PLACEHOLDER.search(str(value))


def _is_placeholder(fields: dict[str, Any], problem: SchemaProblem) -> bool:
    """Whether the value that does not fit is one that the environment will replace."""
    value = fields.get(str(problem.path[0])) if problem.path else None
    return problem.kind == "wrong" and isinstance(value, str) and PLACEHOLDER.search(value) is not None
