"""What authors and embedders import is listed, complete and explained; ruff keeps the lists sorted."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PUBLIC = ["osiris.core", "osiris.operations"]


def offered_names(package: str) -> set[str]:
    """Public names that a package takes from its modules, those of lazy imports included."""
    init = SOURCE.joinpath(*package.split("."), "__init__.py").read_text(encoding="utf-8")
    imports = (node for node in ast.walk(ast.parse(init)) if isinstance(node, ast.ImportFrom))
    own = (alias for node in imports if (node.module or "").startswith("osiris.") for alias in node.names)
    return {name for name in (alias.asname or alias.name for alias in own) if not name.startswith("_")}


@pytest.mark.parametrize("package", PUBLIC)
def test_all_lists_every_public_name(package: str) -> None:
    offered = offered_names(package)
    assert offered
    assert set(import_module(package).__all__) == offered


@pytest.mark.parametrize("package", PUBLIC)
def test_every_listed_name_exists_and_says_what_it_gives(package: str) -> None:
    module = import_module(package)
    silent = {name for name in module.__all__ if not inspect.getdoc(getattr(module, name))}
    assert silent == set()
