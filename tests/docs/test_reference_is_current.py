"""What is generated into the docs and the package is what the code says now; `make reference` mends it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from osiris.components.registry import Registry

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "docs" / "components" / f"{component.name}.md"
    for component in Registry().list()
    if component.origin == "built in"
]


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_reference", ROOT / "tools" / "generate_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_generated_is_stale() -> None:
    assert [str(file.relative_to(ROOT)) for file in load_generator().stale()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_component_page_has_its_config_from_the_spec(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("<!-- config:begin -->") == text.count("<!-- config:end -->") == 1
