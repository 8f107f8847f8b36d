"""Ask a connection what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from osiris.components.drivers import connector_class
from osiris.connections.resolver import ResolvedConnection
from osiris.core.connector import Discovering
from osiris.core.discovery import Discovery, DiscoveryRequest
from osiris.errors import ConnectionFailed, UsageError
from osiris.findings import nearest
from osiris.operations.project import Project


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a connection holds, without a value of any row."""

    reference: str
    family: str
    discovery: Discovery

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"reference": self.reference, "family": self.family, **self.discovery.to_dict()}


def discover(project: Project, reference: str, names: Sequence[str] = (), limit: int = 100) -> Discovered:
    """The tables or files of a connection with their columns; only those of `names` where some are given.

    `reference` is `@family.alias`, or a family whose steps need no connection. Raises `UsageError` CON002,
    CON010 or CON011, and what the connector raises.
    """
    resolved = _resolved(project, reference)
    connector = _connector(project, resolved)
    can_tell = isinstance(connector, Discovering)
    if not can_tell:
        raise _cannot_list(project, resolved.family)
    with closing(connector):
        parts = [connector.discover(DiscoveryRequest(wanted, limit)) for wanted in _each(names)]
        for name, part in zip(names, parts, strict=False):
            if not part.relations:
                raise _not_found(name, reference, connector.discover(DiscoveryRequest(limit=limit)))
    relations = tuple(relation for part in parts for relation in part.relations)
    return Discovered(reference, resolved.family, Discovery(relations, any(part.truncated for part in parts)))


def _each(names: Sequence[str]) -> list[tuple[str, ...]]:
    """The names one by one, so that each that is not there is noticed; without names, all there is."""
    return [(name,) for name in names] or [()]


def _resolved(project: Project, reference: str) -> ResolvedConnection:
    if reference in _with_default(project):
        return project.resolver.default(reference)
    if project.connections.get(reference) is not None:
        return project.resolver.resolve(reference)
    broken = project.connections.findings
    if broken:
        raise ConnectionFailed(broken[0].code, broken[0].message, hint=broken[0].hint)
    near = nearest(reference, _with_default(project)) or project.connections.nearest(reference)
    hint = f"Did you mean {', '.join(near)}?" if near else "`osiris connections list` shows all."
    raise UsageError("CON002", f"There is no connection {reference}.", hint=hint)


def _with_default(project: Project) -> list[str]:
    """Families that can be asked without a connection, as their steps can go without."""
    found = project.registry.list(capability="discover")
    return sorted({component.family for component in found if component.connection_use == "optional"})


def _connector(project: Project, resolved: ResolvedConnection) -> Any:
    family = project.registry.connection(resolved.family)
    if family is None or family.connector is None:
        return None
    return connector_class(family.connector, project.registry.family_folder(resolved.family))(resolved.fields)


def _cannot_list(project: Project, family: str) -> UsageError:
    able = sorted({component.family for component in project.registry.list(capability="discover")})
    hint = f"These can: {', '.join(able)}."
    return UsageError("CON010", f"The family {family} cannot say what a connection holds.", hint=hint)


def _not_found(name: str, reference: str, all_there_is: Discovery) -> UsageError:
    there = [relation.name for relation in all_there_is.relations]
    near = nearest(name, there) or tuple(there[:5])
    hint = f"There is {', '.join(near)}." if near else "It holds nothing at all."
    return UsageError("CON011", f"{reference} holds nothing that is called {name!r}.", hint=hint)
