"""What the docs show works: pipelines run, and each line of a transcript is really printed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
TEMPLATE = ROOT / "src" / "osiris" / "templates" / "project"
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PIPELINE = re.compile(r"(?:# (pipelines/\S+)\n)?oml_version:")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")

# What differs from run to run, or with the order in which threads come to their end.
VARIABLE = re.compile(r"\d+\.\d\d s|run_\w+|\b[0-9a-f]{12}\b|\d+(?:\.\d+)? k?B\b| +")


def blocks(page: Path, language: str) -> list[str]:
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == language]


def pipelines(page: Path) -> dict[str, str]:
    """The page's pipelines by the path that their first line names."""
    texts = [text for text in blocks(page, "yaml") if PIPELINE.match(text)]
    named = ((PIPELINE.match(text), text) for text in texts)
    return {
        (match[1] if match else None) or f"pipelines/unnamed_{i}.yaml": text
        for i, (match, text) in enumerate(named)
    }


def project_of(page: Path, folder: Path) -> Path:
    """The project that a page speaks of, with the page's pipelines in it."""
    source = EXAMPLES if page.name == "authoring.md" else TEMPLATE
    shutil.copytree(source, folder)
    for path, text in pipelines(page).items():
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def shell(script: str, folder: Path) -> tuple[int, str]:
    """Exit code and all output of a script, in which `osiris` is the one under test."""
    begin = f'osiris() {{ "{sys.executable}" -m osiris "$@"; }}\n'
    done = subprocess.run(
        ["sh", "-c", begin + script],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def comparable(text: str) -> set[str]:
    return {VARIABLE.sub(" ", line).strip() for line in text.splitlines()} - {""}


@cache
def transcript(page: Path) -> tuple[str, set[str]]:
    """All commands of a page, and all lines that it says they print."""
    lines = [line for text in blocks(page, "console") for line in text.splitlines()]
    commands = "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
    return commands, comparable("\n".join(line for line in lines if not line.startswith("$ ")))


GOOD = [(page, path) for page in PAGES for path in pipelines(page) if "broken" not in path]


@pytest.mark.parametrize(("page", "path"), GOOD, ids=lambda value: getattr(value, "stem", value))
def test_a_pipeline_of_the_docs_runs(page: Path, path: str, tmp_path: Path) -> None:
    code, output = shell(f"osiris run {path}", project_of(page, tmp_path / "project"))
    assert code == 0, output


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if transcript(page)[0]], ids=lambda page: page.stem)
def test_a_transcript_of_the_docs_is_what_is_printed(page: Path, tmp_path: Path) -> None:
    commands, expected = transcript(page)
    folder = project_of(page, tmp_path / "project")
    if "osiris init" in commands:
        commands = commands.replace("$ cd shop", "cd shop")
        shutil.move(folder / "pipelines", tmp_path / "pipelines")
        shutil.rmtree(folder)
        folder.mkdir()
        commands = commands.replace("cd shop", f"cd shop\ncp {tmp_path}/pipelines/broken.yaml pipelines/")
    _, output = shell(commands, folder)
    assert expected <= comparable(output), output


@pytest.mark.parametrize("page", [*PAGES, ROOT / "ARCHITECTURE.md"], ids=lambda page: page.stem)
def test_links_inside_the_docs_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not link.startswith("NNNN-")]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_project_of_init_is_green(tmp_path: Path) -> None:
    script = """
        osiris init shop && cd shop &&
        osiris validate pipelines/example.yaml &&
        osiris connections doctor &&
        osiris run pipelines/example.yaml --json
    """
    code, output = shell(script, tmp_path)
    assert code == 0, output
    assert '"warnings": []' in output


def test_the_example_component_keeps_its_promises(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES, tmp_path / "project")
    code, output = shell("osiris components validate mbox.extractor --level strict", folder)
    assert (code, output.strip()) == (0, "mbox.extractor  valid (strict)")
