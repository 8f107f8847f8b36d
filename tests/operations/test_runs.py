"""`run_pipeline`, `list_runs` and `show_run` as an embedding program calls them."""

from __future__ import annotations

from typing import Any

import pytest

from osiris.errors import InvalidPipeline, UsageError
from osiris.operations import list_runs, show_run


def test_a_run_is_a_result_even_when_it_fails(lab: Any) -> None:
    result = lab.run(lab.source("a", at={"run": {"raise": "DataError"}}), lab.sink("s", "a.df"))
    assert result.outcome.error.code == "DAT001"
    assert result.to_dict()["session"] == result.session == f"logs/{result.status.run_id}"


def test_what_cannot_begin_raises_and_leaves_no_session(lab: Any) -> None:
    with pytest.raises(InvalidPipeline) as caught:
        lab.run(lab.source("a"), lab.sink("s", "b.df"))
    assert [finding.code for finding in caught.value.findings if finding.severity.value == "error"] == [
        "OML021"
    ]
    assert not (lab.root / "logs").exists()


def test_observers_see_every_event_in_order(lab: Any) -> None:
    seen: list[dict[str, Any]] = []
    result = lab.run(lab.source("a"), lab.sink("s", "a.df"), observers=(seen.append,))
    assert seen == lab.events(result)


def test_a_session_is_closed_even_after_a_crash(lab: Any) -> None:
    def crash(_: Any) -> None:
        raise RuntimeError("the embedding program's own")

    with pytest.raises(RuntimeError):
        lab.run(lab.source("a"), lab.sink("s", "a.df"), on_start=crash)
    assert lab.run(lab.source("a"), lab.sink("s", "a.df")).outcome.error is None


def test_list_and_show_agree(lab: Any) -> None:
    result = lab.run(lab.source("a"), lab.sink("s", "a.df"))
    (row,) = list_runs(lab.project)
    view = show_run(lab.project, "last")
    assert row.run_id == view.status["run_id"] == result.status.run_id
    assert row.rows_written == view.status["steps"][1]["rows_written"] == 1


@pytest.mark.parametrize("run", ["last", "x"])
def test_without_runs_there_is_nothing_to_show(lab: Any, run: str) -> None:
    with pytest.raises(UsageError) as caught:
        show_run(lab.project, run)
    assert (caught.value.code, caught.value.hint) == ("RUN008", "There are no runs yet.")


def test_as_many_branches_run_at_once_as_the_settings_say(lab: Any) -> None:
    """With one at a time the first branch cannot wait for the second."""
    (lab.root / "osiris.yaml").write_text("max_parallel: 1\n")
    first = lab.source("a", timeout_seconds=0.3, at={"run": {"wait_for": lab.file("second")}})
    second = lab.source("b", at={"run": {"touch": lab.file("second")}})
    result = lab.run(first, lab.sink("s", "a.df"), second, lab.sink("t", "b.df"))
    assert lab.states(result) == {"a": "failed", "s": "cancelled", "b": "complete", "t": "complete"}
