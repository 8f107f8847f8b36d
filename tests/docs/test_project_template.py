"""The project that `osiris init` writes says what is so."""

from __future__ import annotations

import re
from pathlib import Path

from osiris.operations.project import Settings
from osiris.yamlsource import parse_yaml

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "src" / "osiris" / "templates" / "project"
DEFAULTS = Settings().model_dump()


def test_the_settings_that_are_commented_out_are_the_defaults() -> None:
    text = (TEMPLATE / "osiris.yaml").read_text(encoding="utf-8")
    settings = parse_yaml(re.sub(r"^# (\w+:)", r"\1", text, flags=re.MULTILINE)).value
    assert settings
    assert settings == {name: DEFAULTS[name] for name in settings}


def test_the_settings_in_the_guide_are_those_of_the_template() -> None:
    page = (ROOT / "docs" / "guide" / "running.md").read_text(encoding="utf-8").partition("## Settings")[2]
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", page, flags=re.MULTILINE))
    text = (TEMPLATE / "osiris.yaml").read_text(encoding="utf-8")
    assert rows == {name: str(DEFAULTS[name]) for name in re.findall(r"^# (\w+):", text, flags=re.MULTILINE)}


def test_secrets_and_results_are_not_committed() -> None:
    ignored = (TEMPLATE / "gitignore").read_text(encoding="utf-8").splitlines()
    assert {".env", "/logs/", "/.osiris/", "/out/", "*.duckdb"} <= set(ignored)
