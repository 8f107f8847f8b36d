"""What a declaration promises is tested by name: capabilities, config fields, operations, exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from osiris import operations
from osiris.components.component import Component
from osiris.components.registry import Registry

ROOT = Path(__file__).parents[2]
COMPONENTS = [component for component in Registry().list() if component.origin == "built in"]

# Operations that a front end does not offer, each with its reason.
NOT_IN_THE_CLI = {"validate_text": "checks a text that is no file yet; a command line always has a file"}


def written_tests(component: Component) -> str:
    family, role = component.name.split(".")
    files = [
        *ROOT.glob(f"tests/drivers/test_{family}_{role}*.py"),
        *ROOT.glob(f"tests/connectors/test_{family}_*.py"),
    ]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)
def test_every_capability_has_a_test_of_its_name(component: Component) -> None:
    family, role = component.name.split(".")
    text = (ROOT / "tests" / "drivers" / f"test_{family}_{role}.py").read_text(encoding="utf-8")
    promised = {name for name, given in component.spec.capabilities.items() if given}
    tested = set(re.findall(r"def test_capability_(\w+)", text))
    assert promised == tested


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)
def test_every_config_field_occurs_in_a_test(component: Component) -> None:
    text = written_tests(component)
    assert [name for name in component.own_properties if not re.search(rf"\b{name}\b", text)] == []


def test_every_operation_is_reached_by_the_command_line_or_says_why_not() -> None:
    cli = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "src/osiris/cli").glob("*.py"))
    functions = {name for name in operations.__all__ if name[0].islower()}
    missing = {name for name in functions if not re.search(rf"\b{name}\b", cli)}
    assert missing == set(NOT_IN_THE_CLI)
