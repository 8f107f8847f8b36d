"""A name says what a thing is: never where it was put for want of a better place, never when it was made."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "osiris"
MODULES = sorted(PACKAGE.rglob("*.py"))

SAYS_NOTHING = {"common", "helper", "helpers", "misc", "shared", "stuff", "util", "utils"}
# Versions (v0, v2), milestones (m1, m1f), states of work.
SAYS_WHEN = re.compile(
    r"(?:^|_)(?:v\d+|m\d+[a-z]?|legacy|todo|wip)(?:_|$)"  # in snake_case
    r"|(?:V\d+|M\d+[a-z]?|Legacy|Todo|Wip)(?=[A-Z]|$)"  # in CamelCase
)


def words(module: Path) -> set[str]:
    """The words of a module's path inside the package, folders included."""
    return set(re.split(r"[/._]", module.relative_to(PACKAGE).with_suffix("").as_posix()))


def defined_names() -> Iterator[tuple[str, str]]:
    for module in MODULES:
        place = module.relative_to(PACKAGE).as_posix()
        yield place, module.stem
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield place, node.name


def test_no_module_is_a_drawer() -> None:
    assert MODULES
    assert not [module for module in MODULES if words(module) & SAYS_NOTHING]


def test_no_name_tells_a_version_or_a_milestone() -> None:
    names = set(defined_names())
    assert len(names) > 100
    assert not {(place, name) for place, name in names if SAYS_WHEN.search(name)}
