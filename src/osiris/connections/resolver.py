"""From `@family.alias` to the fields that a connector needs, at the last moment and in memory only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from osiris.components.registry import Registry
from osiris.components.schemas import schema_problems, with_defaults
from osiris.components.spec import FamilyConnection
from osiris.connections.file import (
    PLACEHOLDER,
    ConnectionEntry,
    ConnectionsFile,
    is_clear_text,
    secret_pointers,
)
from osiris.connections.secrets import Found, SecretSources
from osiris.errors import ConnectionFailed
from osiris.redaction import Secret, is_secret_field, redactor

PATH_FORMAT = "project-path"


@dataclass(frozen=True, slots=True)
class ResolvedConnection:
    """A connection ready for use: `fields` is read-only and its secret values are `Secret`."""

    reference: str
    family: str
    fields: Mapping[str, Any]
    secret_sources: dict[str, str]


@dataclass(frozen=True, slots=True)
class Handover:
    """What resolves some references elsewhere: connections as they are declared, and the values they name.

    `connections` (by family and alias) hold no secret; `values` (by source and variable) are for no file.
    """

    connections: dict[str, dict[str, dict[str, Any]]]
    values: dict[str, dict[str, str]] = field(repr=False)


class ConnectionResolver:
    """Resolves references; each secret it meets is made known to the redactor first."""

    def __init__(
        self, root: Path, registry: Registry, connections: ConnectionsFile, secrets: SecretSources
    ) -> None:
        self._root = root
        self._registry = registry
        self._connections = connections
        self._secrets = secrets

    def resolve(self, reference: str, overrides: Mapping[str, Any] | None = None) -> ResolvedConnection:
        """The connection with values filled in. Raises `ConnectionFailed` CON002, CON003 or CON004."""
        entry = self._connections.get(reference)
        if entry is None:
            near = self._connections.nearest(reference)
            hint = f"Did you mean {', '.join(near)}?" if near else "Declare it in osiris_connections.yaml."
            raise ConnectionFailed("CON002", f"There is no connection {reference}.", hint=hint)
        declared = self._registry.connection(entry.family)
        if declared is None:
            raise ConnectionFailed("CON002", f"There is no family {entry.family!r} with connections.")
        return self._filled(entry, declared, overrides or {})

    def default(self, family: str) -> ResolvedConnection:
        """The connection of a family whose components need not name one: all fields at their defaults."""
        declared = self._registry.connection(family)
        if declared is None:
            raise ConnectionFailed("CON002", f"There is no family {family!r} with connections.")
        return self._filled(ConnectionEntry(family, "", {}, {}), declared, {})

    def hand_over(self, uses: Iterable[tuple[str, Mapping[str, Any]]]) -> Handover:
        """What another process needs to resolve these references with these overrides, and nothing else.

        What is missing is left out; resolving says so there. Raises `ConnectionFailed` CON005 for clear text.
        """
        handover = Handover({}, {})
        for reference, overrides in uses:
            entry = self._connections.get(reference)
            declared = self._registry.connection(entry.family) if entry is not None else None
            if entry is not None and declared is not None:
                _refuse_clear_text(entry, declared)
                aliases = handover.connections.setdefault(entry.family, {})
                aliases[entry.alias] = {**entry.fields, **entry.policy}
                self._collect(entry, declared, overrides, handover.values)
        return handover

    def _collect(
        self,
        entry: ConnectionEntry,
        declared: FamilyConnection,
        overrides: Mapping[str, Any],
        values: dict[str, dict[str, str]],
    ) -> None:
        for name, text in entry.fields.items():
            if name in overrides or not isinstance(text, str):
                continue
            for variable in PLACEHOLDER.findall(text):
                found = self._secrets.find(variable)
                if found is not None:
                    values.setdefault(found.source, {})[variable] = found.value
                    if name in _secret_names(declared) or is_secret_field(name):
                        redactor.learn(found.value)

    def project_path(self, path: str) -> str:
        """A path of the project as an absolute one."""
        try:
            return os.path.normpath(self._root / Path(path).expanduser())
        except RuntimeError as error:
            message = f"The path {path!r} begins with the home folder of somebody who is not known here."
            raise ConnectionFailed("CON020", message, hint="Write the path out.") from error

    def _filled(
        self, entry: ConnectionEntry, declared: FamilyConnection, overrides: Mapping[str, Any]
    ) -> ResolvedConnection:
        sources: dict[str, str] = {}
        secret_names = _secret_names(declared)
        fields: dict[str, Any] = {}
        for name, value in sorted(entry.fields.items()):
            if name not in overrides:
                fields[name] = self._value(entry, name, value, sources, name in secret_names)
        fields = with_defaults(declared.fields, fields | dict(overrides))
        self._check(entry, declared, fields)
        shown = {
            name: self._shown(declared, name, value, name in secret_names) for name, value in fields.items()
        }
        return ResolvedConnection(entry.reference, entry.family, MappingProxyType(shown), sources)

    def _value(
        self, entry: ConnectionEntry, name: str, value: Any, sources: dict[str, str], secret: bool
    ) -> Any:
        def fill(match: re.Match[str]) -> str:
            found = self._found(entry, name, match[1])
            if secret or is_secret_field(name):
                redactor.learn(found.value)
            if secret:
                sources[name] = found.source
            return found.value

        filled = PLACEHOLDER.sub(fill, value) if isinstance(value, str) else value
        if secret and filled is not None:
            redactor.learn(str(filled))
        return self._typed(entry, name, filled) if filled != value else filled

    def _found(self, entry: ConnectionEntry, name: str, variable: str) -> Found:
        found = self._secrets.find(variable)
        if found is None:
            message = f"{entry.reference}: {name} needs the variable {variable}, which is not set."
            raise ConnectionFailed("CON004", message, hint=f"Set {variable} in the environment or in .env.")
        return found

    def _typed(self, entry: ConnectionEntry, name: str, text: str) -> Any:
        """An environment variable is text; a field of type integer or boolean wants more."""
        declared = self._registry.connection(entry.family)
        kind = declared.fields.get("properties", {}).get(name, {}).get("type") if declared else None
        if kind == "integer" and re.fullmatch(r"\s*[0-9]+\s*", text):
            return int(text)
        if kind == "boolean" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        return text

    def _check(self, entry: ConnectionEntry, declared: FamilyConnection, fields: Mapping[str, Any]) -> None:
        secrets = secret_pointers(declared, fields)
        problems = schema_problems(declared.fields, fields, entry.reference, secrets=secrets)
        if problems:
            message = " ".join(problem.message for problem in problems)
            raise ConnectionFailed("CON003", message, hint="Mend the field in osiris_connections.yaml.")

    def _shown(self, declared: FamilyConnection, name: str, value: Any, secret: bool) -> Any:
        if secret and value is not None:
            return Secret(str(value))
        if declared.fields.get("properties", {}).get(name, {}).get("format") == PATH_FORMAT:
            return self.project_path(value)
        return value


def _secret_names(declared: FamilyConnection) -> set[str]:
    return {secret.lstrip("/") for secret in declared.secrets}


def _refuse_clear_text(entry: ConnectionEntry, declared: FamilyConnection) -> None:
    for name in sorted(_secret_names(declared)):
        if is_clear_text(entry.fields.get(name)):
            message = f"{entry.reference}: the secret field {name!r} holds clear text."
            hint = f"Put the value into .env and write {name}: ${{NAME}}; clear text is handed to no process."
            raise ConnectionFailed("CON005", message, hint=hint)
