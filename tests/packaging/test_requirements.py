"""The pinned requirements install the same bytes everywhere and agree with what the package declares."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)", re.MULTILINE)
LOWER_BOUND = re.compile(r"^(?P<name>[A-Za-z0-9-]+)>=(?P<version>[0-9.]+),<\d+$")


def pins(lock: Path) -> dict[str, set[str]]:
    """The pinned versions of each package; there are two where Python versions need different ones."""
    found: dict[str, set[str]] = {}
    for pin in PIN.finditer(lock.read_text(encoding="utf-8")):
        found.setdefault(pin["name"], set()).add(pin["version"])
    assert found
    return found


def declared_requirements() -> list[str]:
    """What pyproject.toml asks for, extras included, but for the package itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = (requirement for extra in project["optional-dependencies"].values() for requirement in extra)
    return [*project["dependencies"], *(name for name in extras if not name.startswith(project["name"]))]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_address(lock: Path) -> None:
    assert "://" not in lock.read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_pin_has_its_hashes(lock: Path) -> None:
    pinned = re.findall(r"^\S+==\S+.*\\\n\s+--hash=sha256:", lock.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(pinned) == sum(map(len, pins(lock).values()))


@pytest.mark.parametrize("requirement", declared_requirements())
def test_the_lowest_lock_holds_the_declared_lower_bound(requirement: str) -> None:
    bound = LOWER_BOUND.match(requirement)
    assert bound, "a requirement needs a tested lower bound and an upper one"
    locked = pins(ROOT / "requirements" / "lowest.txt")[bound["name"].lower()]
    assert locked == {bound["version"]}


@pytest.mark.parametrize("part", ["runtime.txt", "build.txt"])
def test_development_uses_what_users_get(part: str) -> None:
    development = pins(ROOT / "requirements" / "dev.txt")
    assert {name: development.get(name) for name in pins(ROOT / "requirements" / part)} == pins(
        ROOT / "requirements" / part
    )
