"""Faults of pipelines: each is found at its place, and mended to the byte or left alone."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from osiris.codes import CODES
from osiris.operations import Project, repair_pipeline, validate_pipeline
from osiris.yamledit import patched
from osiris.yamlsource import parse_yaml

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("faults", HERE / "faults.py")
assert spec is not None
assert spec.loader is not None
faults: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(faults)
CASES = faults.cases()

NOT_IN_A_PIPELINE = {
    "OML033": "a value is given by the command line; validate asks for none",
    "CMP008": "needs a run; tests/operations/test_pins.py has it",
    "CON001": "the connections file is at fault",
    "CON003": "the connections file is at fault",
    "CON004": "a secret is looked up when a step runs",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("corpus") / "project"
    shutil.copytree(HERE / "project", folder)
    return Project.find(folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_is_found_and_mended_as_it_is_written(case: Any, project: Project) -> None:
    file = project.root / "faulty.yaml"
    file.write_bytes(case.before)
    findings = validate_pipeline(project, file).findings
    mended = repair_pipeline(project, file)
    after = file.read_bytes()
    assert case.rendered(after, findings, mended.is_valid) == case.written
    assert mended.failed == []
    again = repair_pipeline(project, file)
    assert (again.applied, again.findings, file.read_bytes()) == ([], mended.findings, after)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_patch_removes_its_finding(case: Any, project: Project) -> None:
    file = project.root / "faulty.yaml"
    file.write_bytes(case.before)
    value = parse_yaml(case.before).value
    for finding in validate_pipeline(project, file).findings:
        if finding.patch:
            file.write_text(json.dumps(patched(value, finding.patch.operations)), encoding="utf-8")
            left = validate_pipeline(project, file).findings
            assert (finding.code, finding.pointer, finding.message) not in [
                (other.code, other.pointer, other.message) for other in left
            ]


def test_there_are_a_hundred_faults_of_different_names() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 100


def test_every_code_that_a_pipeline_can_cause_is_there() -> None:
    wanted = {code for code in CODES if code.startswith("OML") or code[:5] in ("CMP00", "CON00")}
    found = {code for case in CASES for code in case.codes}
    assert wanted - found == set(NOT_IN_A_PIPELINE)
