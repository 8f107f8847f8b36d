"""The published schemas say what is really written: pipelines, manifests, specs and sessions."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from osiris.yamlsource import read_yaml

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "osiris"
SPECS = sorted(PACKAGE.glob("components/*.*/spec.yaml"))
CONNECTIONS = sorted(PACKAGE.glob("components/*/connection.yaml"))


def problems(name: str, document: Any) -> list[str]:
    schema = json.loads((PACKAGE / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(document)
    ]


@pytest.fixture(scope="module", params=["good", "failed"])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of `osiris init` after one run, which fails where its data is spoilt."""
    folder = tmp_path_factory.mktemp(request.param) / "project"
    shutil.copytree(PACKAGE / "templates" / "project", folder)
    if request.param == "failed":
        data = folder / "data" / "orders.csv"
        data.write_text(
            data.read_text(encoding="utf-8").replace("2024-03-01", "2024-13-01"), encoding="utf-8"
        )
    run = [sys.executable, "-m", "osiris", "run", "pipelines/example.yaml"]
    done = subprocess.run(run, cwd=folder, capture_output=True, check=False)
    assert done.returncode == (0 if request.param == "good" else 5)
    return folder


@pytest.mark.parametrize(("file", "schema"), [("events.jsonl", "events"), ("metrics.jsonl", "metrics")])
def test_each_line_of_a_session_fits_its_schema(ran: Path, file: str, schema: str) -> None:
    (session,) = (ran / "logs").glob("run_*")
    lines = (session / file).read_text(encoding="utf-8").splitlines()
    assert lines
    assert [problem for line in lines for problem in problems(schema, json.loads(line))] == []


def test_a_status_fits_its_schema(ran: Path) -> None:
    (session,) = (ran / "logs").glob("run_*")
    assert problems("status", json.loads((session / "status.json").read_text(encoding="utf-8"))) == []


def test_a_pipeline_and_its_manifest_fit_their_schemas(ran: Path) -> None:
    (manifest,) = (ran / "build").glob("*/*/manifest.yaml")
    assert problems("oml", read_yaml(ran / "pipelines" / "example.yaml").value) == []
    assert problems("manifest", read_yaml(manifest).value) == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.parent.name)
def test_a_spec_fits_its_schema(spec: Path) -> None:
    assert problems("component", read_yaml(spec).value) == []


@pytest.mark.parametrize("declaration", CONNECTIONS, ids=lambda path: path.parent.name)
def test_a_connection_declaration_fits_its_schema(declaration: Path) -> None:
    assert problems("connection", read_yaml(declaration).value) == []
