"""A project with a family of its own that has secrets, and what reads its connections."""

from __future__ import annotations

from pathlib import Path

import pytest

from osiris.connections import ConnectionsFile, load_connections
from osiris.connections.resolver import ConnectionResolver, ResolvedConnection
from osiris.operations.project import Project

FAMILY = """\
family: acme
fields:
  type: object
  properties:
    host: {type: string, default: localhost}
    port: {type: integer, default: 3306}
    tls: {type: boolean}
    user: {type: string}
    password: {type: string, minLength: 3}
    pin: {type: integer}
    folder: {type: string, format: project-path}
  required: [user, password]
  additionalProperties: false
secrets: [/password, /pin]
override: {host: allowed}
policy: {sample_rows: true}
"""


class Connections:
    """Writes, reads and resolves the connections of one project."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "components" / "acme").mkdir(parents=True)
        (root / "components" / "acme" / "connection.yaml").write_text(FAMILY, encoding="utf-8")

    def read(self, text: str) -> ConnectionsFile:
        (self.root / "osiris_connections.yaml").write_text(text, encoding="utf-8")
        return load_connections(self.root, self.project.registry)

    def resolver(self, main: str, dotenv: str = "") -> ConnectionResolver:
        """A resolver of `@acme.main` with these fields."""
        (self.root / "osiris_connections.yaml").write_text(f"connections: {{acme: {{main: {main}}}}}\n")
        (self.root / ".env").write_text(dotenv, encoding="utf-8")
        return self.project.resolver

    def resolve(self, main: str, dotenv: str = "", **overrides: str) -> ResolvedConnection:
        return self.resolver(main, dotenv).resolve("@acme.main", overrides)

    @property
    def project(self) -> Project:
        return Project.find(self.root)


@pytest.fixture
def connections(project: Path) -> Connections:
    return Connections(project)
