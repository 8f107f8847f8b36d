"""Codes: one catalogue, nothing used that is not in it, nothing in it that is not used."""

from __future__ import annotations

import re
from pathlib import Path

from osiris.codes import CODES
from osiris.errors import ExitCode

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "osiris"
LITERAL = re.compile(r"""["']([A-Z]{3}\d{3})["']""")


def used_codes() -> set[str]:
    modules = (module for module in PACKAGE.rglob("*.py") if module.name != "codes.py")
    return {code for module in modules for code in LITERAL.findall(module.read_text(encoding="utf-8"))}


def test_every_code_in_use_is_in_the_catalogue() -> None:
    assert used_codes() - CODES.keys() == set()


def test_every_code_of_the_catalogue_is_in_use() -> None:
    assert CODES.keys() - used_codes() == set()


def test_every_code_is_documented() -> None:
    text = (ROOT / "docs" / "reference" / "codes.md").read_text(encoding="utf-8")
    assert [code for code in CODES if f"| `{code}` |" not in text] == []


def test_every_exit_code_is_documented() -> None:
    text = (ROOT / "docs" / "guide" / "errors.md").read_text(encoding="utf-8")
    assert [code for code in ExitCode if not re.search(rf"^\| {code.value} \|", text, re.MULTILINE)] == []


def test_codes_named_in_the_docs_exist() -> None:
    named = {
        code
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for code in re.findall(
            r"\b(?:OML|CMP|CON|MAN|RUN|DAT|SQL|FIL|TGT|RES|USE|INT)\d{3}\b", page.read_text("utf-8")
        )
    }
    assert named - CODES.keys() == set()
