"""Where: the protocol that every family's connector fulfils."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from osiris.core.discovery import Discovery, DiscoveryRequest


@dataclass(frozen=True, slots=True)
class Check:
    """The answer to one question of `doctor`: what was looked at, whether it holds, and what to do if not."""

    name: str
    ok: bool
    code: str | None = None
    message: str = ""
    hint: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)


@runtime_checkable
class Connector(Protocol):
    """A client of one system, shared by the family's drivers.

    `connection` holds the declared fields; secret ones are `osiris.core.Secret`. A connector is opened, used
    and closed in one thread. Families that can list what they hold also have
    `discover(request: DiscoveryRequest) -> Discovery` (capability `discover`).
    """

    family: str

    def __init__(self, connection: Mapping[str, Any]) -> None: ...

    def connect(self) -> None:
        """Open the connection; a second call does nothing. Raises `ConnectionFailed`."""

    def close(self) -> None:
        """Release everything; a second call does nothing."""

    def doctor(self) -> list[Check]:
        """Told apart: each cause that can keep the connection from working. Never raises for those."""


@runtime_checkable
class Discovering(Protocol):
    """The part of a connector that lists tables or files."""

    def discover(self, request: DiscoveryRequest) -> Discovery:
        """What the system holds, bounded by the request."""
