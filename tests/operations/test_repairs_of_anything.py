"""Whatever stands in a pipeline, repairing it ends, changes nothing but what it says, and finds rest."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from osiris.operations import Project, repair_pipeline
from osiris.yamledit import patched
from osiris.yamlsource import parse_yaml

CORPUS = Path(__file__).parents[1] / "corpus" / "project"

PIPELINE = {
    "oml_version": "0.1.0",
    "name": "x",
    "params": {
        "since": {"type": "date", "default": "2024-01-01"},
        "head": {"type": "boolean", "default": True},
    },
    "steps": [
        {
            "id": "orders",
            "component": "filesystem.csv_extractor",
            "config": {"path": "a.csv", "header": "${params.head}", "columns": ["id", "day"]},
        },
        {"id": "more", "component": "acme.source", "mode": "extract", "config": {"rows": 5, "tags": ["a"]}},
        {"id": "both", "component": "acme.join", "inputs": {"left": "${orders.df}", "right": "${more.left}"}},
        {
            "id": "recent",
            "component": "duckdb.processor",
            "inputs": {"both": "${both.df}"},
            "config": {
                "query": "SELECT *\nFROM both\nWHERE day >= :since\n",
                "bind": {"since": "${params.since}"},
            },
        },
        {
            "id": "table",
            "component": "duckdb.writer",
            "inputs": {"df": "${recent.df}"},
            "needs": ["more"],
            "retry": {"max_attempts": 2},
            "config": {
                "connection": "@duckdb.warehouse",
                "table": "t",
                "write_mode": "merge",
                "primary_key": ["id"],
            },
        },
    ],
}

Token = str | int
WORDS = st.sampled_from(
    [
        *(
            "table",
            "tabel",
            "paht",
            "path",
            "id",
            "name",
            "steps",
            "inputs",
            "component",
            "df",
            "orders",
            "order",
        ),
        *(
            "${orders.df}",
            "orders.df",
            "${params.sinc}",
            "${since}",
            "5",
            "yes",
            "0.1",
            "",
            "a, b",
            "é 😀",
            "'",
            '"',
        ),
        *(
            "@duckdb.warehose",
            "duckdb.warehouse",
            "Append",
            "extarct",
            "password",
            "~",
            "connection",
            "query",
        ),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.just(1.5) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)


def paths(value: Any, path: tuple[Token, ...] = ()) -> list[tuple[Token, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    return [each for key, item in pairs for each in [(*path, key), *paths(item, (*path, key))]]


@st.composite
def faulty(draw: st.DrawFn) -> str:
    """A pipeline with a few of its parts renamed, replaced, added or taken away, in some layout."""
    value: Any = copy.deepcopy(PIPELINE)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(paths(value) or [("x",)]))
        owner = value
        for token in path[:-1]:
            owner = owner[token]
        match draw(st.sampled_from(["rename", "replace", "add", "remove"])):
            case "rename" if isinstance(owner, dict) and path[-1] in owner:
                owner[draw(WORDS)] = owner.pop(path[-1])
            case "add" if isinstance(owner, dict):
                owner[draw(WORDS)] = draw(VALUES)
            case "remove" if path[-1] in owner or isinstance(owner, list):
                del owner[path[-1]]
            case _:
                owner[path[-1]] = draw(VALUES)
    style = draw(st.sampled_from([None, False, True]))
    return yaml.safe_dump(value, default_flow_style=style, allow_unicode=True, sort_keys=False, width=60)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("any") / "project"
    shutil.copytree(CORPUS, folder)
    return Project.find(folder)


@given(faulty())
def test_repairing_ends_and_finds_rest(project: Project, text: str) -> None:
    file = project.root / "any.yaml"
    file.write_text(text, encoding="utf-8")
    result = repair_pipeline(project, file)
    after = file.read_text(encoding="utf-8")
    assert (after != text) == result.written
    assert all("finding" not in failure.reason for failure in result.failed)
    again = repair_pipeline(project, file)
    assert (again.applied, again.written, again.findings) == ([], False, result.findings)
    value = parse_yaml(after).value
    for finding in again.findings:
        if finding.patch:
            assert patched(value, finding.patch.operations) != value
