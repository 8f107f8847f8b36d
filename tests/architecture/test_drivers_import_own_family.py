"""A driver knows one system: its own family's connector, no other one and no other driver."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "osiris"
MODULES = sorted(path for path in (PACKAGE / "drivers").rglob("*.py") if path.name != "__init__.py")
# The module that each component's name asks for, and the family it belongs to.
FAMILIES = {
    f"{folder.name.replace('.', '_')}_driver": folder.name.partition(".")[0]
    for folder in (PACKAGE / "components").glob("*.*")
    if folder.is_dir()
}


def imported_modules(source: str) -> Iterator[str]:
    """Every module or name that the source imports, inside functions too, in dotted form."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_driver_module_is_named_after_its_component(module: Path) -> None:
    assert module.parent == PACKAGE / "drivers"
    assert module.stem in FAMILIES


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_driver_imports_its_own_family_only(module: Path) -> None:
    own = f"osiris.connectors.{FAMILIES[module.stem]}."
    code = ("osiris.connectors", "osiris.drivers")
    imports = {name for name in imported_modules(module.read_text(encoding="utf-8")) if name.startswith(code)}
    assert {name for name in imports if not f"{name}.".startswith(own)} == set()
