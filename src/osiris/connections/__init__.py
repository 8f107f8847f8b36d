"""Connections by reference: the connections file, and the one place where secret values are read."""

from osiris.connections.file import ConnectionEntry, ConnectionsFile, load_connections
from osiris.connections.resolver import ConnectionResolver, Handover, ResolvedConnection

__all__ = [
    "ConnectionEntry",
    "ConnectionResolver",
    "ConnectionsFile",
    "Handover",
    "ResolvedConnection",
    "load_connections",
]
