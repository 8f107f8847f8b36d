"""One edge between two threads: bounded, honest about its end, and never a place to wait for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from osiris.errors import Cancelled, InternalError
from osiris.runner.channel import Channel
from osiris.runner.regions import EdgePlan
from osiris.runner.spool import Spool

EDGE = EdgePlan("a", "df", "b", "df", spooled=False)
SCHEMA = pa.schema({"id": pa.int64()})
CAUSE = Cancelled("RUN003", "Stopped because the step 'x' failed.", details={"because_of": "x"})
SECONDS = 10


def batch(*ids: int) -> pa.RecordBatch:
    return pa.record_batch({"id": pa.array(ids, pa.int64())})


class Aside:
    """A call in a thread of its own."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.result: object = None
        self.error: BaseException | None = None
        self._act = act
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._act()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.error = error

    def end(self) -> Aside:
        self._thread.join(SECONDS)
        assert not self._thread.is_alive(), "still waiting"
        return self

    @property
    def is_waiting(self) -> bool:
        self._thread.join(0.05)
        return self._thread.is_alive()


def opened(limit_bytes: int = 10_000) -> Channel:
    channel = Channel(EDGE, limit_bytes)
    channel.open(SCHEMA)
    return channel


def test_put_waits_while_the_channel_is_full() -> None:
    channel = opened(limit_bytes=1)
    assert channel.put(batch(1))
    second = Aside(lambda: channel.put(batch(2)))
    assert second.is_waiting
    channel.reader().read_next_batch()
    assert second.end().result is True


def test_a_batch_larger_than_the_limit_passes_alone() -> None:
    channel = opened(limit_bytes=8)
    assert Aside(lambda: channel.put(batch(*range(1000)))).end().result is True


@pytest.mark.parametrize("rows", [0, 1])
def test_many_tiny_batches_are_bounded_too(rows: int) -> None:
    channel = opened(limit_bytes=100_000)
    flood = Aside(lambda: [channel.put(batch(*range(rows))) for _ in range(1000)])
    assert flood.is_waiting
    channel.close()
    flood.end()


def test_the_reader_waits_for_the_schema() -> None:
    channel = Channel(EDGE)
    reader = Aside(channel.reader)
    assert reader.is_waiting
    channel.open(SCHEMA)
    assert reader.end().result.schema == SCHEMA  # type: ignore[attr-defined]


def test_no_batches_are_a_stream_too() -> None:
    channel = opened()
    channel.end()
    assert channel.reader().read_all().schema == SCHEMA
    assert channel.ended


def test_the_end_is_a_message_of_its_own() -> None:
    channel = opened()
    channel.put(batch(1))
    reader = channel.reader()
    reader.read_next_batch()
    last = Aside(reader.read_next_batch)
    assert last.is_waiting
    assert not channel.ended
    channel.end()
    assert isinstance(last.end().error, StopIteration)
    assert channel.ended


@pytest.mark.parametrize(
    "wait", [lambda c: c.reader().read_all(), lambda c: [c.put(batch(1)) for _ in range(3)]]
)
def test_poison_wakes_and_stops_either_side(wait: Callable[[Channel], object]) -> None:
    channel = opened(limit_bytes=1)
    side = Aside(lambda: wait(channel))
    assert side.is_waiting
    channel.poison(CAUSE)
    channel.poison(Cancelled("RUN003", "Another cause, too late."))
    assert side.end().error is CAUSE
    assert not channel.ended


def test_poison_before_the_schema_reaches_the_reader() -> None:
    channel = Channel(EDGE)
    reader = Aside(channel.reader)
    channel.poison(CAUSE)
    assert reader.end().error is CAUSE


def test_poison_comes_before_batches_that_wait() -> None:
    """A reader must not finish what its source could not."""
    channel = opened()
    channel.put(batch(1))
    channel.end()
    channel.poison(CAUSE)
    with pytest.raises(Cancelled):
        channel.reader().read_all()


def test_early_close_tells_the_producer() -> None:
    channel = opened(limit_bytes=1)
    channel.put(batch(1))
    waiting = Aside(lambda: channel.put(batch(2)))
    assert waiting.is_waiting
    channel.close()
    assert waiting.end().result is False
    assert channel.closed_early


def test_close_after_the_end_is_not_early() -> None:
    channel = opened()
    channel.end()
    channel.reader().read_all()
    channel.close()
    assert not channel.closed_early


def test_counts_on_both_sides() -> None:
    channel = opened()
    channel.put(batch(1, 2, 3))
    channel.put(batch(4))
    channel.reader().read_next_batch()
    assert (channel.rows_delivered, channel.rows_received, channel.bytes) == (4, 3, 32)


def test_a_side_that_need_not_wait_has_waited_for_nothing() -> None:
    channel = opened()
    channel.put(batch(1, 2))
    channel.end()
    channel.reader().read_all()
    stands = channel.progress()
    assert (stands.producer_wait_ms, stands.consumer_wait_ms, stands.waiting) == (0, 0, None)
    assert (stands.rows, stands.bytes, stands.filled) == (2, 16, 0)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_full_channel_makes_its_producer_wait() -> None:
    channel = opened(limit_bytes=1)
    channel.put(batch(1))
    second = Aside(lambda: channel.put(batch(2)))
    until(lambda: channel.progress().producer_wait_ms > 5)
    assert channel.progress().waiting == "producer"
    assert channel.progress().filled > 1
    channel.reader().read_next_batch()
    second.end()
    stands = channel.progress()
    assert (stands.waiting, stands.consumer_wait_ms) == (None, 0)
    assert stands.producer_wait_ms > 5
    assert channel.progress().producer_wait_ms == stands.producer_wait_ms


def test_an_empty_channel_makes_its_consumer_wait_for_schema_and_rows() -> None:
    channel = Channel(EDGE)
    reader = Aside(channel.reader)
    until(lambda: channel.progress().consumer_wait_ms > 5)
    assert channel.progress().waiting == "consumer"
    channel.open(SCHEMA)
    rows = reader.end().result
    waited = channel.progress().consumer_wait_ms
    first = Aside(rows.read_next_batch)  # type: ignore[attr-defined]
    until(lambda: channel.progress().consumer_wait_ms > waited + 5)
    channel.put(batch(1))
    first.end()
    assert (channel.progress().waiting, channel.progress().producer_wait_ms) == (None, 0)


def spool(folder: Path, readers: int = 1) -> Spool:
    made = Spool(folder, "a", "df", readers)
    made.open(SCHEMA)
    made.put(batch(1, 2))
    return made


def test_a_spool_is_read_by_each_reader_and_then_removed(tmp_path: Path) -> None:
    whole = spool(tmp_path, readers=2)
    whole.end()
    for left in (1, 0):
        reader = whole.reader(EDGE)
        assert reader.reader().read_all().num_rows == reader.rows_delivered == reader.rows_received == 2
        assert reader.ended
        reader.close()
        whole.release()
        assert len(list(tmp_path.iterdir())) == left


def test_a_spool_without_its_end_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="not complete"):
        spool(tmp_path).reader(EDGE)


def test_a_spool_begins_anew_with_each_attempt(tmp_path: Path) -> None:
    again = spool(tmp_path)
    again.poison(CAUSE)
    again.open(SCHEMA)
    again.put(batch(7))
    again.end()
    assert again.reader(EDGE).reader().read_all()["id"].to_pylist() == [7]


def test_a_spool_closed_before_its_end_was_closed_early(tmp_path: Path) -> None:
    whole = spool(tmp_path)
    whole.end()
    reader = whole.reader(EDGE)
    reader.close()
    assert reader.closed_early
