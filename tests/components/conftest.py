"""A folder of components that are declared as each test likes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osiris.components.component import Component
from osiris.components.registry import Registry
from osiris.manifest.text import canonical_yaml

DRIVER = """\
class AnyDriver:
    def run(self, *, step_id, config, inputs, ctx):
        return {}
"""


class Declared:
    """Declarations in one folder, and the registry that reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def component(self, name: str = "acme.any", driver: str = DRIVER, **spec: Any) -> Path:
        """Write a valid spec with these changes; a key of None is left out."""
        whole = {
            "name": name,
            "version": "1.0.0",
            "title": "Any",
            "modes": ["transform"],
            "x-connection": "none",
            "configSchema": {"type": "object", "properties": {"a": {"type": "string"}}},
            "x-runtime": {"driver": "./driver.py:AnyDriver"},
        } | spec
        file = self.write(
            f"{name}/spec.yaml", canonical_yaml({k: v for k, v in whole.items() if v is not None})
        )
        self.write(f"{name}/driver.py", driver)
        return file

    def write(self, path: str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    @property
    def registry(self) -> Registry:
        """A registry that has read everything."""
        registry = Registry(self.folder)
        registry.load_specs()
        return registry

    @property
    def codes(self) -> list[str]:
        """What is wrong with the declarations."""
        return [finding.code for finding in self.registry.findings]

    def get(self, name: str = "acme.any") -> Component:
        return self.registry.get(name)


@pytest.fixture
def declared(project: Path) -> Declared:
    (project / "components").mkdir()
    return Declared(project / "components")
