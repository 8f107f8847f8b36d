"""The same command again: resumed, not repeated; and when a run may not begin at all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from osiris.errors import PipelineError, RunError, UsageError
from osiris.manifest import dump_manifest, load_manifest


def steps(lab: Any, **last: Any) -> list[dict[str, Any]]:
    """Two tables and a file; a last step that may fail when all of them are written."""
    return [
        lab.source("a", batches=2),
        lab.table("t", "a.df"),
        lab.table("u", "a.df", write_mode="merge", primary_key=["id"], needs=["t"]),
        lab.step("f", "filesystem.csv_writer", "a.df", path="out/f.csv"),
        lab.source("z", needs=["t", "u", "f"], **last),
        lab.sink("s", "z.df"),
    ]


def fails_once(lab: Any) -> dict[str, Any]:
    """Fails unless there is a file `go`: what a mended world looks like to an unchanged pipeline."""
    return {"timeout_seconds": 0.2, "at": {"run": {"wait_for": lab.file("go")}}}


def targets(lab: Any, result: Any) -> dict[str, str]:
    return {step: lab.states(result)[step] for step in ("t", "u", "f")}


def test_an_unfinished_run_goes_on_under_its_run_key(lab: Any) -> None:
    first = lab.run(*steps(lab, **fails_once(lab)))
    assert targets(lab, first) == dict.fromkeys("tuf", "complete")
    (lab.root / "go").touch()
    second = lab.run(*steps(lab, **fails_once(lab)))
    assert second.status.run_key == first.status.run_key
    assert (second.status.resumes, second.status.exit_code) == (first.status.run_id, 0)
    assert targets(lab, second) == dict.fromkeys("tuf", "already_committed")
    assert lab.rows_of("t") == lab.rows_of("u") == [0, 1]
    assert (lab.root / "out/f.csv").read_text() == "id\n0\n1\n"


def test_a_finished_run_is_not_resumed(lab: Any) -> None:
    keys = {lab.run(*steps(lab)).status.run_key for _ in range(2)}
    assert len(keys) == 2
    assert lab.rows_of("t") == [0, 0, 1, 1]


def test_new_starts_afresh(lab: Any) -> None:
    first = lab.run(*steps(lab, **fails_once(lab)))
    (lab.root / "go").touch()
    second = lab.run(*steps(lab, **fails_once(lab)), new=True)
    assert second.status.run_key != first.status.run_key
    assert second.status.resumes is None
    assert lab.rows_of("t") == [0, 0, 1, 1]


def test_a_named_run_is_applied_once(lab: Any) -> None:
    states = [lab.states(lab.run(*steps(lab), run_key="2024-01-31"))["t"] for _ in range(3)]
    assert states == ["complete", "already_committed", "already_committed"]
    assert lab.rows_of("t") == [0, 1]


@pytest.mark.parametrize("step", ["t", "f"])
def test_a_run_key_of_another_version_is_refused(lab: Any, step: str) -> None:
    def version(batches: int) -> list[dict[str, Any]]:
        writer = {
            "t": lab.table("t", "a.df"),
            "f": lab.step("f", "filesystem.csv_writer", "a.df", path="f.csv"),
        }
        return [lab.source("a", batches=batches), writer[step]]

    lab.run(*version(1), run_key="k")
    with pytest.raises(PipelineError) as caught:
        lab.run(*version(2), run_key="k")
    assert (caught.value.code, caught.value.exit_code) == ("RUN009", 3)
    for record in ("logs", ".osiris"):  # without them it is the target that knows
        shutil.rmtree(lab.root / record)
    again = lab.run(*version(2), run_key="k")
    assert (again.outcome.error.code, again.status.exit_code) == ("RUN009", 3)
    assert lab.states(again)[step] == "failed"


def test_a_renamed_step_is_another_version(lab: Any) -> None:
    lab.run(lab.source("a"), lab.table("w", "a.df"), run_key="k")
    shutil.rmtree(lab.root / "logs")
    renamed = lab.table("w", "a.df") | {"id": "w2"}
    assert lab.run(lab.source("a"), renamed, run_key="k").outcome.error.code == "RUN009"
    assert lab.rows_of("w") == [0]


def test_a_run_key_is_free_for_a_mended_version_when_nothing_was_written(lab: Any) -> None:
    failed = lab.run(lab.source("a", at={"run": {"raise": "DataError"}}), lab.table("t", "a.df"), run_key="k")
    assert failed.status.exit_code == 5
    assert lab.run(lab.source("a"), lab.table("t", "a.df"), run_key="k").outcome.error is None


def test_a_run_key_belongs_to_its_pipeline(lab: Any) -> None:
    file = lab.pipeline(lab.source("a"), lab.sink("s", "a.df"))
    ended: list[Any] = []

    def other(_: dict[str, Any]) -> None:
        if not ended:
            ended.append(None)
            ended[0] = lab.run(lab.source("b"), lab.sink("t", "b.df"), name="other", run_key="day1")

    lab.run_file(file, run_key="day1", observers=(on_first_step(other),))
    assert ended[0].outcome.error is None


def on_first_step(act: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """An observer that acts when the run can be seen and its steps begin."""
    return lambda event: act(event) if event["event"] == "step_start" else None


def test_of_two_runs_that_begin_at_once_the_second_is_refused(lab: Any) -> None:
    """The second begins after the first has looked for others and before it can be seen itself."""
    file = lab.pipeline(lab.source("a"), lab.table("t", "a.df"))
    refused: list[str] = []

    def begin() -> None:
        try:
            lab.run_file(file)
        except RunError as error:
            refused.append(error.code)

    second = threading.Thread(target=begin)

    def start_second(_: Any) -> None:
        second.start()
        second.join(1.0)

    lab.run_file(file, on_start=start_second, observers=(on_first_step(lambda _: second.join(30)),))
    assert refused == ["RUN006"]
    assert lab.rows_of("t") == [0]


def test_a_named_run_does_not_end_the_unfinished_one(lab: Any) -> None:
    first = lab.run(*steps(lab, **fails_once(lab)))
    (lab.root / "go").touch()
    named = lab.run(*steps(lab, **fails_once(lab)), run_key="K1")
    assert (named.status.named_key, named.status.exit_code) == (True, 0)
    again = lab.run(*steps(lab, **fails_once(lab)))
    assert again.status.resumes == first.status.run_id
    assert lab.rows_of("t") == [0, 0, 1, 1]
    later = lab.run(*steps(lab, **fails_once(lab)))
    assert later.status.resumes is None, "the unfinished one has come to its end"


def test_only_its_name_takes_a_named_run_up_again(lab: Any) -> None:
    lab.run(*steps(lab, **fails_once(lab)), run_key="K1")
    (lab.root / "go").touch()
    plain = lab.run(*steps(lab, **fails_once(lab)))
    assert (plain.status.resumes, plain.status.run_key) == (None, plain.status.run_id)
    named = lab.run(*steps(lab, **fails_once(lab)), run_key="K1")
    assert targets(lab, named)["t"] == "already_committed"


def test_an_unfinished_run_may_be_ended_under_its_key_by_name(lab: Any) -> None:
    first = lab.run(*steps(lab, **fails_once(lab)))
    (lab.root / "go").touch()
    lab.run(*steps(lab, **fails_once(lab)), run_key=first.status.run_key)
    assert lab.run(*steps(lab, **fails_once(lab))).status.resumes is None


@pytest.mark.parametrize("key", ["", " ", "a\nb", "../x", "k" * 65, "\x1b[31m"])
def test_a_run_key_is_a_short_plain_name(lab: Any, key: str) -> None:
    with pytest.raises(UsageError, match="run key"):
        lab.run(lab.source("a"), lab.sink("s", "a.df"), run_key=key)
    assert not list((lab.root / "logs").glob("run_*"))


def test_an_unknown_adapter_is_refused_before_anything_is_written(lab: Any) -> None:
    with pytest.raises(UsageError, match="no adapter 'locale'"):
        lab.run(lab.source("a"), lab.sink("s", "a.df"), adapter="locale")
    assert not (lab.root / "logs").exists()


@pytest.fixture
def manifest(lab: Any) -> Path:
    """A compiled pipeline."""
    lab.run(lab.source("a"), lab.sink("s", "a.df"))
    return next((lab.root / "build").rglob("manifest.yaml"))


def test_a_manifest_runs_like_its_pipeline(lab: Any, manifest: Path) -> None:
    result = lab.run_file(manifest)
    assert result.status.exit_code == 0
    assert (result.folder / "manifest.yaml").read_text() == manifest.read_text()


def test_a_manifest_runs_under_any_name(lab: Any, manifest: Path) -> None:
    copy = manifest.rename(lab.root / "approved.yaml")
    assert lab.run_file(copy).status.exit_code == 0


def test_the_parameters_of_a_manifest_are_fixed(lab: Any, manifest: Path) -> None:
    with pytest.raises(UsageError) as caught:
        lab.run_file(manifest, params={"x": "1"})
    assert (caught.value.code, caught.value.exit_code) == ("USE004", 2)


def test_a_manifest_that_was_changed_is_refused(lab: Any, manifest: Path) -> None:
    text = manifest.read_text()
    manifest.write_text(text.replace("probe.source", "probe.other"))
    with pytest.raises(PipelineError) as caught:
        lab.run_file(manifest)
    assert caught.value.code == "MAN002"


@pytest.mark.parametrize("awaited", ["itself", "later", "nobody"])
def test_a_manifest_whose_steps_wait_in_a_circle_is_refused(lab: Any, manifest: Path, awaited: str) -> None:
    made = load_manifest(manifest)
    needs = {"itself": "a", "later": "s", "nobody": "x"}[awaited]
    steps = (made.steps[0].model_copy(update={"needs": (needs,)}), *made.steps[1:])
    manifest.write_text(dump_manifest(made.model_copy(update={"steps": steps}).sealed()))
    with pytest.raises(PipelineError, match="order") as caught:
        lab.run_file(manifest)
    assert caught.value.code == "MAN001"


def test_a_component_that_was_changed_is_refused(lab: Any, manifest: Path) -> None:
    driver = lab.root / "components/probe/driver.py"
    driver.write_text(driver.read_text() + "\n# changed\n")
    result = lab.run_file(manifest)
    assert (result.outcome.error.code, result.status.exit_code) == ("MAN003", 3)
    assert set(lab.states(result).values()) == {"skipped"}
    assert lab.events(result)[-1]["event"] == "run_failed"


def test_a_living_run_refuses_a_second_one_and_a_dead_one_does_not(lab: Any) -> None:
    waiting = lab.source("a", at={"run": {"touch": lab.file("here"), "wait_for": lab.file("go")}})
    file = lab.pipeline(waiting, lab.sink("s", "a.df"))
    alive = lab.start("run", file)
    lab.wait_for("here")
    with pytest.raises(RunError) as caught:
        lab.run_file(file)
    assert caught.value.code == "RUN006"
    with pytest.raises(RunError):
        lab.run_file(file, run_key=lab.project.index.rows()[0].run_key)
    alive.send_signal(signal.SIGKILL)
    alive.communicate(timeout=30)
    listed = json.loads(lab.osiris("runs", "list", "--json").stdout)["runs"]
    assert [(row["state"], row["died"]) for row in listed] == [("running", True)]
    assert len(lab.leftovers) == 1
    (lab.root / "go").touch()
    result = lab.run_file(file)
    assert result.status.resumes == listed[0]["run_id"]
    assert result.status.exit_code == 0
    assert lab.leftovers == [], "the dead run's scratch space goes too"


def test_a_second_run_does_not_touch_a_living_ones_scratch_space(lab: Any) -> None:
    waiting = lab.source("a", at={"run": {"touch": lab.file("here"), "wait_for": lab.file("go")}})
    alive = lab.start("run", lab.pipeline(waiting, lab.sink("s", "a.df"), lab.sink("t", "a.df")))
    lab.wait_for("here")
    lab.run(lab.source("b"), lab.sink("u", "b.df"), name="other")
    assert len(lab.leftovers) == 1
    (lab.root / "go").touch()
    alive.communicate(timeout=30)
    assert alive.returncode == 0


def test_a_mended_pipeline_does_not_append_twice_unasked(lab: Any) -> None:
    lab.run(*steps(lab, **fails_once(lab)))
    with pytest.raises(PipelineError) as raised:
        lab.run(*steps(lab))
    assert raised.value.code == "RUN010"
    assert lab.rows_of("t") == [0, 1]
    assert lab.run(*steps(lab), new=True).status.resumes is None


def test_of_a_mended_pipeline_all_tries_count(lab: Any) -> None:
    """The second try fails before it comes to the writer that the first one was done with."""

    def version(**last: Any) -> list[dict[str, Any]]:
        read = lab.step("a", "filesystem.csv_extractor", path="a.csv")
        return [read, lab.table("t", "a.df"), lab.source("z", needs=["t"], **last), lab.sink("s", "z.df")]

    (lab.root / "a.csv").write_text("id\n0\n")
    lab.run(*version(**fails_once(lab)))
    (lab.root / "a.csv").unlink()
    assert lab.states(lab.run(*version(**fails_once(lab))))["t"] == "cancelled"
    (lab.root / "a.csv").write_text("id\n0\n")
    with pytest.raises(PipelineError, match=r"had appended to wh\.duckdb:t\.$") as raised:
        lab.run(*version())
    assert raised.value.code == "RUN010"
    assert lab.rows_of("t") == [0]


def test_a_mended_pipeline_does_not_append_after_a_death_unasked(lab: Any) -> None:
    """Killed after COMMIT, before anybody could write down that it happened."""
    env = os.environ | {"OSIRIS_FAILPOINTS": "commit.after_commit=kill"}
    died = lab.osiris("run", lab.pipeline(lab.source("a"), lab.table("t", "a.df")), env=env)
    assert died.returncode == -signal.SIGKILL
    with pytest.raises(PipelineError, match="may have appended to the target of 't'"):
        lab.run(lab.source("a", batches=2), lab.table("t", "a.df"))
    assert lab.rows_of("t") == [0]


def grow_old(lab: Any, hours: float) -> None:
    """Let all runs so far have begun so long ago."""
    for file in lab.root.glob("logs/run_*/status.json"):
        status = json.loads(file.read_text())
        began = datetime.fromisoformat(status["started_at"]) - timedelta(hours=hours)
        file.write_text(json.dumps(status | {"started_at": began.isoformat().replace("+00:00", "Z")}))
    (lab.root / ".osiris/runs.jsonl").unlink()


def merging(lab: Any) -> list[dict[str, Any]]:
    """What may be written twice without harm; the last step fails once."""
    u = lab.table("u", "a.df", write_mode="merge", primary_key=["id"])
    return [lab.source("a"), u, lab.source("z", needs=["u"], **fails_once(lab)), lab.sink("s", "z.df")]


@pytest.mark.parametrize(("setting", "hours"), [("", 11.9), ("resume_within_hours: 100", 99)])
def test_a_young_run_is_taken_up(lab: Any, setting: str, hours: float) -> None:
    (lab.root / "osiris.yaml").write_text(setting)
    first = lab.run(*merging(lab))
    grow_old(lab, hours)
    assert lab.run(*merging(lab)).status.resumes == first.status.run_id


@pytest.mark.parametrize(
    ("setting", "hours"), [("", 12.1), ("resume_within_hours: 0.5", 0.6), ("resume_within_hours: 0", 0)]
)
def test_an_old_run_is_not_taken_up_and_that_is_said(lab: Any, setting: str, hours: float) -> None:
    (lab.root / "osiris.yaml").write_text(setting)
    old = lab.run(*merging(lab))
    grow_old(lab, hours)
    (lab.root / "go").touch()
    said = lab.osiris("run", "pipelines/p.yaml")
    assert f"not taking up {old.status.run_id}, which began too long ago" in said.stderr
    row = lab.project.index.rows()[0]
    assert (row.run_key, row.state) == (row.run_id, "succeeded")


def test_what_is_taken_up_again_and_again_does_not_stay_young(lab: Any) -> None:
    first = lab.run(*merging(lab))
    grow_old(lab, 11)
    assert lab.run(*merging(lab)).status.run_key == first.status.run_key
    grow_old(lab, 2)
    again = lab.run(*merging(lab))
    assert (again.status.resumes, again.status.run_key) == (None, again.status.run_id)


def test_an_old_run_that_has_appended_is_not_passed_over_silently(lab: Any) -> None:
    old = lab.run(*steps(lab, **fails_once(lab)))
    grow_old(lab, 30)
    (lab.root / "go").touch()
    with pytest.raises(PipelineError) as raised:
        lab.run(*steps(lab, **fails_once(lab)))
    assert raised.value.code == "RUN010"
    hint = f"Complete that run with --run-key {old.status.run_key}, or append again with --new."
    assert raised.value.hint == hint
    lab.run(*steps(lab, **fails_once(lab)), run_key=old.status.run_key)
    assert lab.rows_of("t") == [0, 1]
    assert lab.run(*steps(lab, **fails_once(lab))).status.resumes is None
    assert lab.rows_of("t") == [0, 0, 1, 1]


def test_an_old_run_that_is_alive_is_not_overtaken(lab: Any) -> None:
    waiting = lab.source("a", at={"run": {"touch": lab.file("here"), "wait_for": lab.file("go")}})
    file = lab.pipeline(waiting, lab.sink("s", "a.df"))
    alive = lab.start("run", file)
    lab.wait_for("here")
    grow_old(lab, 30)
    with pytest.raises(RunError) as caught:
        lab.run_file(file)
    assert caught.value.code == "RUN006"
    (lab.root / "go").touch()
    alive.communicate(timeout=30)
