"""With `--json` every command answers with one document, whose first key says whether all is well."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from osiris.cli.main import app

GOOD = {
    "init": ["new"],
    "demo": ["flights"],
    "validate": ["pipelines/example.yaml"],
    "compile": ["pipelines/example.yaml"],
    "plan": ["pipelines/example.yaml"],
    "discover": ["filesystem"],
    "run": ["pipelines/example.yaml"],
    "runs list": [],
    "runs show": ["last"],
    "components list": [],
    "components show": ["duckdb.writer"],
    "components validate": [],
    "connections list": [],
    "connections doctor": [],
}
BAD = {
    "init": ["."],
    "demo": ["data/orders.csv"],
    "validate": ["pipelines/wrong.yaml"],
    "compile": ["pipelines/wrong.yaml"],
    "plan": ["pipelines/wrong.yaml"],
    "discover": ["@duckdb.gone"],
    "run": ["pipelines/fails.yaml"],
    "runs list": ["--state", "done"],
    "runs show": ["nosuch"],
    "components list": ["--mode", "fly"],
    "components show": ["duckdb.writr"],
    "components validate": ["acme.none"],
    "connections list": ["--no-such-option"],
    "connections doctor": ["@duckdb.gone"],
}
FAILS = """
oml_version: "0.1.0"
name: fails
steps:
  - {id: a, component: filesystem.csv_extractor, config: {path: gone.csv}}
  - {id: b, component: filesystem.csv_writer, inputs: {df: "${a.df}"}, config: {path: out/b.csv}}
"""


def commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    for child, below in getattr(command, "commands", {}).items():
        yield from commands(f"{name} {child}".strip(), below)
    if not getattr(command, "commands", {}):
        yield name, command


def test_every_command_with_the_option_is_tried() -> None:
    with_json = {
        name
        for name, command in commands("", typer.main.get_command(app))
        if any("--json" in parameter.opts for parameter in command.params)
    }
    assert with_json == GOOD.keys() == BAD.keys()


@pytest.fixture(scope="module")
def written(new_lab: Callable[[], Any]) -> Path:
    """The project that `osiris init` writes, after one run."""
    lab = new_lab()
    assert lab.osiris("init", "shop").returncode == 0
    lab.root /= "shop"
    (lab.root / "pipelines/fails.yaml").write_text(FAILS)
    (lab.root / "pipelines/wrong.yaml").write_text("name: x\n")
    assert lab.osiris("run", "pipelines/example.yaml").returncode == 0
    return Path(lab.root)


@pytest.fixture
def shop(lab: Any, project: Path, written: Path) -> Any:
    """A copy of that project; commands run in it in processes of their own."""
    lab.root = shutil.copytree(written, project, dirs_exist_ok=True)
    return lab


@pytest.mark.parametrize(
    ("name", "arguments", "good"),
    [(name, arguments, case is GOOD) for case in (GOOD, BAD) for name, arguments in case.items()],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_answer_says_first_whether_all_is_well(
    shop: Any, name: str, arguments: list[str], good: bool
) -> None:
    done = shop.osiris(*name.split(), *arguments, "--json")
    document = json.loads(done.stdout)
    assert next(iter(document)) == "ok"
    assert document["ok"] is good is (done.returncode == 0), done.stderr


def test_a_schema_is_nothing_but_a_schema(command: Any) -> None:
    assert "ok" not in command("schema", "oml").document
    assert command("schema", "omel").document["ok"] is False


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["run", "--json"], "Missing argument 'FILE'.", "`osiris run --help` says what there is."),
        (
            ["vlidate", "--json"],
            "No such command 'vlidate'. Did you mean 'validate'?",
            "`osiris --help` says",
        ),
    ],
)
def test_a_command_line_that_is_not_understood_is_told_in_the_answer(
    command: Any, arguments: list[str], message: str, hint: str
) -> None:
    answer = command(*arguments)
    error = answer.document["error"]
    assert (answer.code, answer.err, error["message"]) == (2, "", message)
    assert error["hint"].startswith(hint)


def test_the_list_of_commands_is_plain_and_whole(command: Any) -> None:
    answer = command("--help")
    assert answer.code == 0
    assert answer.out.isascii()
    assert "..." not in answer.out.partition("Commands:")[2]
