"""An error that was recorded as data comes back as an error of the same branch."""

from __future__ import annotations

from typing import Any

import pytest

from osiris import errors
from osiris.errors import OsirisError, TargetState, Where, recorded_error
from osiris.findings import Finding


class AcmeFailed(errors.ConnectionFailed):
    """A branch that a component's author made."""


class AcmeBusy(errors.TargetBusy):
    """And a twig."""


BRANCHES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, OsirisError) and kind is not errors.InvalidPipeline
]


@pytest.mark.parametrize("branch", BRANCHES, ids=lambda branch: branch.__name__)
def test_each_branch_comes_back_as_itself(branch: type[OsirisError]) -> None:
    where = Where("p.yaml", 3, 7, "a")
    error = branch(
        "X001", "It failed.", hint="Mend it.", where=where, target=TargetState.UNKNOWN, details={"n": 1}
    )
    again = recorded_error(error.to_dict())
    assert type(again) is branch
    assert again.to_dict() == error.to_dict()


@pytest.mark.parametrize(
    ("error", "branch"),
    [
        (AcmeFailed("X001", "No."), errors.ConnectionFailed),
        (AcmeBusy("X001", "No."), errors.ConnectionFailed),
        (errors.InvalidPipeline("X001", "No.", [Finding("X002", "No.")]), errors.PipelineError),
    ],
    ids=str,
)
def test_a_class_that_is_not_ours_comes_back_as_its_branch(
    error: OsirisError, branch: type[OsirisError]
) -> None:
    again = recorded_error(error.to_dict())
    assert (type(again), again.exit_code) == (branch, error.exit_code)


@pytest.mark.parametrize(
    "record", [{}, {"where": None, "target": "gone", "error": 7, "code": "X001"}], ids=str
)
def test_a_record_of_another_version_may_lack_anything(record: dict[str, Any]) -> None:
    error = recorded_error(record)
    assert (type(error), error.target, error.where) == (OsirisError, TargetState.UNCHANGED, Where())
