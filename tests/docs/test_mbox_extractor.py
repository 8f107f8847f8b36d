"""The tests of the example component, as docs/components/authoring.md shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osiris.components.drivers import DriverRegistry
from osiris.components.registry import Registry
from osiris.core import as_reader
from osiris.errors import ConnectionFailed, DataError
from osiris.testing import RecordingContext

PROJECT = Path(__file__).parents[2] / "docs" / "examples"


def subjects(tmp_path: Path, path: Path = PROJECT / "data" / "team.mbox", **config: Any) -> list[str]:
    driver = DriverRegistry(Registry(PROJECT / "components")).get("mbox.extractor")
    ctx = RecordingContext(tmp_path)
    config = {"subject_contains": "", "resolved_connection": {"path": str(path)}} | config
    try:
        outputs = driver.run(step_id="messages", config=config, inputs=None, ctx=ctx)
        table = as_reader(outputs["df"]).read_all()
    finally:
        ctx.finish()  # what the runner does when the stream has ended, or at a failure
    assert ctx.metric("rows_read") == table.num_rows
    return table.column("subject").to_pylist()


def test_every_message_becomes_a_row(tmp_path: Path) -> None:
    assert subjects(tmp_path) == ["Invoice 2024-17", "Déjeuner?", "Re: invoice 2024-17"]


def test_subject_contains_leaves_other_messages_out(tmp_path: Path) -> None:
    assert subjects(tmp_path, subject_contains="INVOICE") == ["Invoice 2024-17", "Re: invoice 2024-17"]


def test_limit_ends_the_reading(tmp_path: Path) -> None:
    assert subjects(tmp_path, limit=1) == ["Invoice 2024-17"]


def test_a_date_that_cannot_be_read_ends_the_step(tmp_path: Path) -> None:
    mailbox = tmp_path / "broken.mbox"
    mailbox.write_text("From a Mon Mar  4 09:00:00 2024\nDate: soon\nMessage-ID: <1@x>\n\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"The message <1@x> has a date that cannot be read: soon\."):
        subjects(tmp_path, path=mailbox)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailed, match=r"There is no file 'none\.mbox'"):
        subjects(tmp_path, path=tmp_path / "none.mbox")
