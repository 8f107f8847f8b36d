"""The project's settings: read with a place for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from osiris.errors import PipelineError
from osiris.operations import Project

WRONG = {
    "an unknown key": ("logs_dir: l\nmax_paralel: 3\n", "did you mean 'max_parallel'?", (2, 1)),
    "too small": ("max_parallel: 0", "'max_parallel' is not right", (1, 1)),
    "no number": ("resume_within_hours: soon", "'resume_within_hours' is not right", (1, 1)),
    "before the start": ("resume_within_hours: -1", "'resume_within_hours' is not right", (1, 1)),
    "a list": ("- a", "must be a mapping of settings", (1, 1)),
}


@pytest.mark.parametrize(("text", "message", "place"), WRONG.values(), ids=WRONG)
def test_settings_that_are_wrong_are_told_with_their_place(
    tmp_path: Path, text: str, message: str, place: tuple[int, int]
) -> None:
    (tmp_path / "osiris.yaml").write_text(text)
    with pytest.raises(PipelineError) as caught:
        Project.find(tmp_path)
    where = caught.value.where
    assert (caught.value.code, where.file, (where.line, where.column)) == ("SET001", "osiris.yaml", place)
    assert message in caught.value.message
    assert "resume_within_hours" in (caught.value.hint or "")


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "osiris.yaml").touch()
    assert Project.find(tmp_path).settings == Project.find(tmp_path / "nowhere").settings


def test_a_file_is_of_the_project_above_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("here", "there"):
        (tmp_path / name / "pipelines").mkdir(parents=True)
        (tmp_path / name / "osiris.yaml").touch()
    monkeypatch.chdir(tmp_path / "here")
    assert Project.of(Path("../there/pipelines/p.yaml")).root == tmp_path / "there"
    assert Project.of(tmp_path / "loose.yaml").root == tmp_path / "here"
