"""A schema that the last run inferred is offered to be pinned, as long as the step is as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osiris.findings import Safety, Severity
from osiris.operations import Project, repair_pipeline, run_pipeline, validate_pipeline
from osiris.yamledit import changed

TEXT = """\
oml_version: "0.1.0"
name: x
steps:
  - id: a
    component: filesystem.csv_extractor
    config:
      path: a.csv   # the file
  - {id: w, component: filesystem.csv_writer, inputs: {df: "${a.df}"}, config: {path: w.csv}}
"""


@pytest.fixture
def file(project: Path) -> Path:
    (project / "osiris.yaml").touch()
    (project / "a.csv").write_text("id,name,zip code\n1,one,01234\n", encoding="utf-8")
    (project / "p.yaml").write_text(TEXT, encoding="utf-8")
    return project / "p.yaml"


def run(file: Path) -> None:
    assert run_pipeline(Project.find(file.parent), file).outcome.error is None


def notes(file: Path) -> list[Any]:
    result = validate_pipeline(Project.find(file.parent), file)
    assert result.is_valid
    return result.findings


def test_before_the_first_run_there_is_nothing_to_pin_and_nothing_is_written(file: Path) -> None:
    before = sorted(file.parent.rglob("*"))
    assert notes(file) == []
    assert sorted(file.parent.rglob("*")) == before


def test_the_schema_of_the_last_run_is_a_note_with_a_patch_to_review(file: Path) -> None:
    run(file)
    (note,) = notes(file)
    assert (note.code, note.severity, note.step_id, note.mark.line) == ("CMP008", Severity.NOTE, "a", 7)
    assert note.patch.safety is Safety.NEEDS_REVIEW
    (operation,) = note.patch.operations
    schema = {"id": "BIGINT", "name": "VARCHAR", "zip code": "VARCHAR"}
    assert operation == {"op": "add", "path": "/steps/0/config/schema", "value": schema}


def test_it_is_not_applied_unseen_and_once_applied_it_is_not_offered_again(file: Path) -> None:
    run(file)
    result = repair_pipeline(Project.find(file.parent), file)
    assert (file.read_text(encoding="utf-8"), result.written) == (TEXT, False)
    (note,) = result.findings
    pinned = changed(TEXT, [note.patch.operations]).text
    added = '      schema: {id: BIGINT, name: VARCHAR, "zip code": VARCHAR}\n'
    assert pinned == TEXT.replace("# the file\n", f"# the file\n{added}")
    file.write_text(pinned, encoding="utf-8")
    assert notes(file) == []
    run(file)
    assert notes(file) == []


def test_a_schema_in_part_is_replaced_as_a_whole(file: Path) -> None:
    file.write_text(TEXT.replace("# the file", "# the file\n      schema: {id: INTEGER}"), encoding="utf-8")
    run(file)
    (note,) = notes(file)
    assert [(o["op"], o["value"]["id"], len(o["value"])) for o in note.patch.operations] == [
        ("replace", "INTEGER", 3)
    ]


@pytest.mark.parametrize("change", ["path: b.csv", "null_values: [NA], path: a.csv"])
def test_a_step_that_has_changed_since_is_offered_nothing(file: Path, change: str) -> None:
    run(file)
    changes = TEXT.replace("config:\n      path: a.csv   # the file", f"config: {{{change}}}")
    file.write_text(changes, encoding="utf-8")
    assert notes(file) == []


def test_another_pipeline_is_offered_nothing(file: Path) -> None:
    run(file)
    file.write_text(TEXT.replace("name: x", "name: y"), encoding="utf-8")
    assert notes(file) == []


@pytest.mark.parametrize("damage", ["manifest.yaml", "artifacts/a/schema.yaml"])
def test_a_record_that_is_gone_or_damaged_has_nothing_to_offer(file: Path, damage: str) -> None:
    run(file)
    (record,) = (file.parent / "logs").glob(f"run_*/{damage}")
    record.write_text("[", encoding="utf-8")
    assert notes(file) == []
    record.unlink()
    assert notes(file) == []
