"""What shells offer after a TAB: asked as typer's scripts ask, and by a real bash."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from osiris.adapters import ADAPTERS
from osiris.cli import completion
from osiris.operations.schemas import SCHEMAS

HEAVY = ("pyarrow", "duckdb", "numpy", "osiris.runner", "osiris.drivers.", "osiris.connectors.")


def asked(lab: Any, shell: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The answer to a TAB at the end of `osiris WORDS`; the last word may be empty."""
    line = ["osiris", *words]
    if shell == "bash":
        question = {"COMP_WORDS": "\n".join(line), "COMP_CWORD": str(len(words))}
    else:
        question = {"_TYPER_COMPLETE_ARGS": " ".join(line), "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv[0] = 'osiris'; from osiris.cli.main import main; main()",
        ],
        cwd=lab.root,
        env=os.environ | question | {"_OSIRIS_COMPLETE": f"complete_{shell}"} | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def offered(lab: Any, *words: str) -> list[str]:
    done = asked(lab, "bash", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.fixture
def shop(lab: Any) -> Any:
    """A project with two pipelines and another YAML file."""
    lab.pipeline(lab.source("a"), name="big")
    lab.pipeline(lab.source("a"), name="small")
    (lab.root / "bare.yaml").touch()
    (lab.root / "osiris.yaml").touch()
    return lab


@pytest.mark.parametrize("command", ["run", "validate", "compile"])
def test_pipelines_come_first(shop: Any, command: str) -> None:
    assert offered(shop, command, "") == ["pipelines/big.yaml", "pipelines/small.yaml", "bare.yaml"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("pipelines/b", ["pipelines/big.yaml"]),
        ("p", ["pipelines/big.yaml", "pipelines/small.yaml"]),
        ("./pipelines/s", ["./pipelines/small.yaml"]),
        ("b", ["bare.yaml"]),
        ("c", []),
        ("no/such/", []),
    ],
)
def test_files_are_found_by_what_is_typed(shop: Any, typed: str, found: list[str]) -> None:
    """Where there is none the shell completes files by itself."""
    assert offered(shop, "run", typed) == found


def test_a_subfolder_sees_pipelines_from_there(shop: Any) -> None:
    shop.root = shop.root / "pipelines"
    assert offered(shop, "run", "b") == ["big.yaml"]


def test_folders_are_offered_beside_other_files_alone(shop: Any) -> None:
    (shop.root / "build").mkdir()
    assert offered(shop, "run", "b") == ["bare.yaml", "build/"]
    assert offered(shop, "run", "bu") == []


def test_components_connections_and_runs_are_those_of_the_project(shop: Any) -> None:
    components = offered(shop, "components", "show", "")
    assert {"probe.relay", "duckdb.processor"} <= set(components)
    assert offered(shop, "components", "validate", "probe.relay", "probe.s") == [
        "probe.sink",
        "probe.source",
        "probe.split",
    ]
    assert offered(shop, "connections", "doctor", "") == [
        c.reference for c in shop.project.connections.entries.values()
    ]
    first, second = (shop.run(shop.source("a"), shop.sink("s", "a.df"), new=True) for _ in range(2))
    newest = sorted((first.status.run_id, second.status.run_id), reverse=True)
    assert offered(shop, "runs", "show", "") == ["last", *newest]
    assert offered(shop, "runs", "show", newest[0]) == [newest[0]]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["run", "--adapter", ""], list(ADAPTERS)),
        (["run", "--progress", ""], ["auto", "plain", "quiet"]),
        (["runs", "list", "--state", ""], ["running", "succeeded", "failed", "interrupted", "died"]),
        (["components", "list", "--mode", "e"], ["extract"]),
        (["components", "list", "--capability", "bulk"], ["bulkOperations"]),
        (["components", "validate", "--level", ""], ["basic", "enhanced", "strict"]),
        (["schema", ""], sorted(SCHEMAS)),
        (["runs", ""], ["list", "show"]),
        (["run", "--run"], ["--run-key"]),
        (["con"], ["connections"]),
    ],
    ids=" ".join,
)
def test_what_may_follow_is_offered(lab: Any, words: list[str], found: list[str]) -> None:
    assert offered(lab, *words) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["connections", "doctor", "@"], "@duckdb.wh"),
        (["connections", "doctor", "@", "duckdb.w"], "@duckdb.wh"),
        (["run", "--adapter", "="], "local"),
        (["run", "--adapter", "=", "lo"], "local"),
        (["run", "--param", "a", "=", "b", "--adapter", ""], "local"),
    ],
)
def test_what_bash_takes_for_words_is_put_together(lab: Any, words: list[str], found: str) -> None:
    assert found in offered(lab, *words)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_told_what_a_run_was(lab: Any, shell: str) -> None:
    run = lab.run(lab.source("a"), lab.sink("s", "a.df")).status.run_id
    said = asked(lab, shell, "runs", "show", "run_").stdout
    assert run in said
    assert "p succeeded" in said
    assert "@duckdb.wh" in asked(lab, shell, "connections", "doctor", "@").stdout


BROKEN = "{{{: ["


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("osiris.yaml", ["run", ""]),
        ("osiris.yaml", ["runs", "show", ""]),
        ("osiris_connections.yaml", ["connections", "doctor", ""]),
        ("components", ["components", "show", ""]),
        ("logs", ["runs", "show", ""]),
        ("pipelines", ["run", "pipelines/"]),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_trouble_is_passed_over_in_silence(lab: Any, file: str, words: list[str], shell: str) -> None:
    folder = lab.root / file
    if folder.is_dir():
        folder.rename(lab.root / "aside")
    folder.write_text(BROKEN)
    done = asked(lab, shell, *words)
    assert done.stderr == ""
    assert "Error" not in done.stdout
    assert BROKEN not in done.stdout


def test_a_broken_run_is_still_named(lab: Any) -> None:
    (lab.root / "logs/run_1").mkdir(parents=True)
    (lab.root / "logs/run_1/status.json").write_text("[1")
    assert offered(lab, "runs", "show", "run") == ["run_1"]


def test_a_tab_leaves_nothing_behind(project: Path) -> None:
    class Here:
        root = project

    for words in (
        ["run", ""],
        ["components", "show", ""],
        ["connections", "doctor", ""],
        ["runs", "show", ""],
    ):
        asked(Here, "bash", *words)
    assert list(project.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["run", ""],
        ["run", "--adapter", ""],
        ["components", "show", ""],
        ["connections", "doctor", ""],
        ["runs", "show", ""],
        ["runs", "list", "--state", ""],
        ["schema", ""],
    ],
    ids=" ".join,
)
def test_no_answer_loads_what_runs_pipelines(lab: Any, words: list[str]) -> None:
    done = asked(lab, "bash", *words, PYTHONPROFILEIMPORTTIME="1")
    loaded = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    assert "osiris.cli.main" in loaded
    assert [module for module in loaded if module.startswith(HEAVY)] == []


def test_the_adapters_are_all_there() -> None:
    assert set(completion.ADAPTERS) == set(ADAPTERS)


def test_bash_completes_after_the_installation(shop: Any, screen: Callable[..., Any], tmp_path: Path) -> None:
    """The whole way, as a person goes it."""
    (tmp_path / ".bashrc").write_text("PS1='ready> '\nbind 'set bell-style none'\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    seen = screen(["bash", "-i"], shop.root, columns=250, HOME=str(tmp_path), PATH=path)
    seen.see("^ready>").type("osiris --install-completion; exec bash -i\r")
    seen.see(r"completion installed in .*osiris\.sh", r"^ready>$")
    for typed, completed in {
        "osiris run pipelines/b": "osiris run pipelines/big.yaml",
        "osiris connections doctor @duckdb.": "osiris connections doctor @duckdb.wh",
        "osiris run --adapter=l": "osiris run --adapter=local",
        "osiris components show probe.r": "osiris components show probe.relay",
    }.items():
        seen.type(f"\x15{typed}\t")
        seen.see(f"^ready> {completed}")
    seen.type("\x15exit\r")
    assert seen.end() == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_can_be_had_by_name(lab: Any, shell: str) -> None:
    done = asked(lab, "bash", "", _OSIRIS_COMPLETE=f"source_{shell}")
    assert "_OSIRIS_COMPLETE" in done.stdout
    assert "osiris" in done.stdout
