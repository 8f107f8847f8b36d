"""The session itself: what it takes, who may write, and when it is alive."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from osiris.errors import InternalError
from osiris.redaction import Secret, redactor
from osiris.runner.context import RunIdentity, StepContext
from osiris.session import Session
from osiris.session.events import DriverEvent
from osiris.session.session import is_alive


@pytest.fixture
def session(tmp_path: Path) -> Any:
    made = Session.create(tmp_path, "run_x")
    yield made
    made.close()


def lines(session: Session, name: str = "events.jsonl") -> list[dict[str, Any]]:
    """Lines of strict JSON: no NaN, each valid UTF-8."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    text = (session.folder / name).read_bytes().decode()
    return [json.loads(line, parse_constant=refuse) for line in text.split("\n") if line]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (float("nan"), "nan"),
        ({"x": [float("inf")]}, {"x": ["inf"]}),
        ("half \udc80 pair", "half \udc80 pair"),
        (Secret("hunter2hunter2"), "****"),
        (Decimal("1.10"), "1.10"),
        (Path("/x"), "/x"),
        (b"\x00\xff", "b'\\x00\\xff'"),
        ({1: {2}}, {"1": [2]}),
        ("\x00\u2028\n\x1b[31m", "\x00\u2028\n\x1b[31m"),
    ],
    ids=str,
)
def test_any_value_becomes_strict_json(session: Session, value: Any, written: Any) -> None:
    session.emit(DriverEvent(step_id="s", name="n", fields={"value": value}))
    session.measure("m", 1, tags={"value": value})
    assert lines(session)[0]["fields"]["value"] == written
    assert lines(session, "metrics.jsonl")[0]["tags"]["value"] == written


def test_many_threads_write_whole_lines_in_order(session: Session) -> None:
    def write(name: str) -> None:
        for number in range(200):
            session.emit(DriverEvent(step_id=name, name="n", fields={"n": number}))

    threads = [threading.Thread(target=write, args=(f"s{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line["seq"] for line in lines(session)] == list(range(1, 1601))


def test_a_closed_session_takes_nothing_more(session: Session) -> None:
    session.close()
    session.close()
    session.emit(DriverEvent(step_id="s", name="late", fields={}))
    session.measure("m", 1)
    assert lines(session) == lines(session, "metrics.jsonl") == []


def test_a_session_is_alive_until_it_is_closed(session: Session) -> None:
    assert is_alive(session.folder)
    session.close()
    assert not is_alive(session.folder)
    assert not is_alive(session.folder.parent / "nowhere")


@pytest.fixture
def context(session: Session, tmp_path: Path) -> StepContext:
    return StepContext(session, RunIdentity("run_x", "k", "p", "f"), "s", 1, tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_metric_is_a_number(context: StepContext, value: float) -> None:
    with pytest.raises(InternalError, match="no measure"):
        context.log_metric("rows_written", value)


def test_a_log_call_with_wrong_arguments_ends_no_step(context: StepContext, session: Session) -> None:
    context.logger.info("%d rows", "many")
    assert "many" in lines(session)[0]["message"]


def test_an_event_of_a_known_name_needs_its_fields(context: StepContext) -> None:
    with pytest.raises(InternalError, match="target_written"):
        context.log_event("target_written", rows=1)


def test_resources_are_closed_in_reverse_and_all_of_them(context: StepContext) -> None:
    closed: list[str] = []

    class Resource:
        def __init__(self, name: str, fails: bool = False) -> None:
            self.name, self.fails = name, fails

        def close(self) -> None:
            closed.append(self.name)
            if self.fails:
                raise OSError(self.name)

    for resource in (Resource("first"), Resource("second", fails=True), Resource("third")):
        context.closing(resource)
    with pytest.raises(OSError, match="second"):
        context.release()
    context.release()
    assert closed == ["third", "second", "first"]


def test_a_callback_that_comes_late_is_called_at_once(context: StepContext) -> None:
    called = []
    context.cancel()
    context.on_cancel(lambda: called.append("late"))
    assert called == ["late"]
    assert context.cancelled


def test_an_abandoned_step_is_silent(context: StepContext, session: Session) -> None:
    context.abandon()
    context.log_event("late")
    context.logger.error("late")
    context.log_metric("late", 1)
    assert lines(session) == lines(session, "metrics.jsonl") == []


def test_a_display_that_fails_stops_nothing(session: Session) -> None:
    def fail(event: dict[str, Any]) -> None:
        raise OSError("no space left")

    seen: list[dict[str, Any]] = []
    session.observe(fail)
    session.observe(seen.append)
    session.emit(DriverEvent(step_id="s", name="n", fields={}))
    assert seen == lines(session)


def test_a_mirror_sees_what_is_written_by_kind_and_number(session: Session) -> None:
    seen: list[tuple[str, int, dict[str, Any]]] = []
    session.mirror(lambda *told: seen.append(told))
    redactor.learn("hunter2mirrored")
    session.emit(DriverEvent(step_id="s", name="n", fields={"value": "hunter2mirrored"}))
    session.measure("m", 1)
    session.emit(DriverEvent(step_id="s", name="n", fields={}))
    assert [told[:2] for told in seen] == [("event", 1), ("metric", 1), ("event", 2)]
    assert [told[2] for told in seen if told[0] == "event"] == lines(session)
    assert [told[2] for told in seen if told[0] == "metric"] == lines(session, "metrics.jsonl")


def test_a_mirror_that_fails_does_not_harm_the_session(session: Session) -> None:
    session.mirror(lambda *_: 1 / 0)
    session.emit(DriverEvent(step_id="s", name="n", fields={}))
    session.emit(DriverEvent(step_id="s", name="n", fields={}))
    assert [line["seq"] for line in lines(session)] == [1, 2]


def test_what_is_replayed_keeps_its_number_and_is_masked_here_too(session: Session) -> None:
    redactor.learn("hunter2replayed")
    line = {
        "seq": 1,
        "ts": "2026-01-01T00:00:00.000Z",
        "session": "run_x",
        "event": "log",
        "message": "hunter2replayed",
    }
    session.replay(line)
    session.emit(DriverEvent(step_id="s", name="n", fields={}))
    assert lines(session)[0] == line | {"message": "****"}
    assert lines(session)[1]["seq"] == 2
