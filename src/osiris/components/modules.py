"""Finds modules without importing anything, not even the packages that they are in."""

from __future__ import annotations

from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec


def module_spec(dotted: str) -> ModuleSpec | None:
    """Where a module is, or None where there is none; `importlib` would import its packages to tell."""
    package, *inner = dotted.split(".")
    try:
        found = find_spec(package)
    except (ImportError, ValueError):
        return None
    for part in inner:
        if found is None or found.submodule_search_locations is None:
            return None
        # By its last name only: with a dotted one, a namespace package would want its parent imported.
        found = PathFinder.find_spec(part, list(found.submodule_search_locations))
    return found
