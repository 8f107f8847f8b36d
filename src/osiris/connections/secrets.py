"""Where secret values come from. No other module reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dotenv import dotenv_values

from osiris.errors import ConnectionFailed


@dataclass(frozen=True, slots=True)
class Found:
    """A value and the source that had it, for `doctor`."""

    value: str
    source: str


class SecretSource(Protocol):
    """Looks values up by name."""

    name: str

    def get(self, name: str) -> str | None:
        """The value, or None where this source does not have it."""


class Environment:
    """The process's environment variables."""

    name = "environment"

    def get(self, name: str) -> str | None:
        return os.environ.get(name)


class DotEnv:
    """The project's `.env` file; its values never enter the process's environment."""

    name = ".env"

    def __init__(self, file: Path) -> None:
        self._file = file
        self._values: Mapping[str, str | None] | None = None

    def get(self, name: str) -> str | None:
        if self._values is None:
            self._values = self._read() if self._file.is_file() else {}
        return self._values.get(name)

    def _read(self) -> Mapping[str, str | None]:
        try:
            return dotenv_values(self._file, interpolate=False, encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            message = f"{self._file.name} is not UTF-8 text; no secret can be read from it."
            raise ConnectionFailed("CON004", message, hint="Save it as UTF-8.") from error


class Given:
    """Values that were looked up elsewhere and handed over, under the name of the source that had them."""

    def __init__(self, name: str, values: Mapping[str, str]) -> None:
        self.name = name
        self._values = values

    def get(self, name: str) -> str | None:
        return self._values.get(name)


class SecretSources:
    """Asks each source in turn; the environment comes first so that it can override a file."""

    def __init__(self, *sources: SecretSource) -> None:
        self._sources = sources

    @classmethod
    def of_project(cls, root: Path) -> SecretSources:
        """The sources of a project on this machine."""
        return cls(Environment(), DotEnv(root / ".env"))

    @classmethod
    def given(cls, values: Mapping[str, Mapping[str, str]]) -> SecretSources:
        """What another process found in its sources: values by source and name."""
        return cls(*(Given(source, found) for source, found in values.items()))

    def find(self, name: str) -> Found | None:
        """The first source's value."""
        for source in self._sources:
            value = source.get(name)
            if value is not None:
                return Found(value, source.name)
        return None
