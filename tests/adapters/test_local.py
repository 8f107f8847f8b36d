"""The execution adapter contract, as the local adapter keeps it: prepare, execute, collect, cancel."""

from __future__ import annotations

from typing import Any

import pytest

from osiris.adapters import ADAPTERS, ExecutionAdapter
from osiris.errors import Interrupted, Terminated


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_adapter_has_the_four_acts(name: str) -> None:
    adapter = ADAPTERS[name]()
    for act in ("prepare", "execute", "collect", "cancel"):
        assert callable(getattr(adapter, act))


def test_nothing_runs_before_execute_and_the_session_is_complete_after(lab: Any) -> None:
    seen: list[tuple[ExecutionAdapter, list[str]]] = []

    def look(adapter: ExecutionAdapter) -> None:
        seen.append((adapter, sorted(path.name for path in adapter.collect().iterdir())))

    result = lab.run(lab.source("a"), lab.sink("s", "a.df"), on_start=look)
    ((adapter, before),) = seen
    assert before == ["events.jsonl", "metrics.jsonl"]
    assert adapter.collect() == result.folder
    assert {path.name for path in result.folder.iterdir()} >= {"events.jsonl", "manifest.yaml", "status.json"}


@pytest.mark.parametrize("reason", [Interrupted, Terminated])
def test_a_run_that_is_cancelled_before_it_begins_does_nothing(lab: Any, reason: type[Interrupted]) -> None:
    result = lab.run(
        lab.source("a", batches=10**9),
        lab.sink("s", "a.df"),
        on_start=lambda adapter: adapter.cancel(reason("RUN004", "The run was stopped.")),
    )
    assert (result.status.state.value, result.status.exit_code) == ("interrupted", reason.exit_code)
    assert not (lab.root / "s.json").exists()
    assert lab.leftovers == []


@pytest.mark.parametrize("moment", ["step_start", "step_complete"])
def test_a_run_can_be_cancelled_by_who_watches_it(lab: Any, moment: str) -> None:
    """The call comes from a step's region, in the middle of its own report: it must not wait for itself."""
    adapters: list[ExecutionAdapter] = []

    def watch(event: dict[str, Any]) -> None:
        if event["event"] == moment:
            adapters[0].cancel(Interrupted("RUN004", "Enough."))

    result = lab.run(
        lab.source("a"), lab.sink("s", "a.df"), lab.source("b", needs=["s"]), lab.sink("t", "b.df"),
        observers=(watch,), on_start=adapters.append,
    )  # fmt: skip
    assert result.status.exit_code == 130
    assert lab.states(result)["b"] == "skipped"


def test_the_first_reason_stays(lab: Any) -> None:
    def cancel_twice(adapter: ExecutionAdapter) -> None:
        adapter.cancel(Terminated("RUN004", "First."))
        adapter.cancel(Interrupted("RUN004", "Second."))

    result = lab.run(lab.source("a", batches=10**9), lab.sink("s", "a.df"), on_start=cancel_twice)
    assert result.status.exit_code == 143
