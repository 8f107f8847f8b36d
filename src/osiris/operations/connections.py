"""List connections and ask each one how it is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osiris.components.drivers import connector_class
from osiris.connections import ConnectionEntry
from osiris.connections.file import PLACEHOLDER
from osiris.core.connector import Check
from osiris.errors import OsirisError, UsageError
from osiris.findings import Finding
from osiris.operations.project import Project
from osiris.redaction import MASK, is_secret_field, redactor


@dataclass(frozen=True, slots=True)
class ConnectionSummary:
    """One connection without its secrets."""

    reference: str
    family: str
    fields: dict[str, Any]
    policy: dict[str, bool]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "reference": self.reference,
            "family": self.family,
            "fields": self.fields,
            "policy": self.policy,
        }


@dataclass(frozen=True, slots=True)
class ConnectionList:
    """All connections, and what is wrong with their declarations."""

    connections: list[ConnectionSummary]
    findings: list[Finding]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "connections": [summary.to_dict() for summary in self.connections],
            "findings": [finding.to_dict() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What `doctor` found out about one connection."""

    reference: str
    checks: list[Check]

    @property
    def is_healthy(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "reference": self.reference,
            "healthy": self.is_healthy,
            "checks": [check.to_dict() for check in self.checks],
        }


def list_connections(project: Project) -> ConnectionList:
    """The connections of a project; a value shows only where its field is declared, and is no secret."""
    entries = project.connections.entries.values()
    return ConnectionList([_summary(project, entry) for entry in entries], project.connections.findings)


def doctor_connections(project: Project, reference: str | None = None) -> list[Diagnosis]:
    """Check one connection, or all of them. Raises `UsageError` CON002 for one that does not exist."""
    if reference is not None and project.connections.get(reference) is None:
        near = project.connections.nearest(reference)
        hint = f"Did you mean {', '.join(near)}?" if near else "`osiris connections list` shows all."
        raise UsageError("CON002", f"There is no connection {reference}.", hint=hint)
    wanted = [reference] if reference is not None else list(project.connections.entries)
    return [Diagnosis(name, _checks(project, name)) for name in wanted]


def _checks(project: Project, reference: str) -> list[Check]:
    declared = _declaration_check(project, reference)
    if not declared.ok:
        return [declared]
    try:
        resolved = project.resolver.resolve(reference)
    except OsirisError as error:
        return [declared, Check("secrets", False, error.code, error.message, error.hint)]
    family = project.registry.connection(resolved.family)
    if family is None or family.connector is None:
        return [
            declared,
            Check("connector", True, message="This family has no connector that could be asked."),
        ]
    folder = project.registry.family_folder(resolved.family)
    return [declared, *_asked(family.connector, folder, resolved.fields)]


def _asked(connector: str, folder: Path, fields: Mapping[str, Any]) -> list[Check]:
    """What a connector says of itself; one that fails is a failed check, not a failed command."""
    try:
        with closing(connector_class(connector, folder)(fields)) as opened:
            return opened.doctor()
    except OsirisError as error:
        return [Check("connector", False, error.code, error.message, error.hint)]
    except Exception as error:  # noqa: BLE001 - foreign code
        message = f"The connector failed: {type(error).__name__}: {error}"
        return [Check("connector", False, "INT001", message, "Report it to the connector's author.")]


def _declaration_check(project: Project, reference: str) -> Check:
    family, _, alias = reference[1:].partition(".")
    prefix = f"/connections/{family}/{alias}"
    for finding in project.connections.findings:
        if finding.pointer == prefix or finding.pointer.startswith(prefix + "/"):
            return Check("declaration", False, finding.code, finding.message, finding.hint)
    return Check("declaration", True, message="All fields are as the family declares them.")


def _summary(project: Project, entry: ConnectionEntry) -> ConnectionSummary:
    family = project.registry.connection(entry.family)
    declared = set(family.fields.get("properties", {})) if family else set()
    secrets = {secret.lstrip("/") for secret in family.secrets} if family else set()
    public = {name for name in declared - secrets if not is_secret_field(name)}
    fields = {name: value if name in public else _shown(value) for name, value in entry.fields.items()}
    return ConnectionSummary(entry.reference, entry.family, redactor.data(fields), entry.policy)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and PLACEHOLDER.fullmatch(value) else MASK
