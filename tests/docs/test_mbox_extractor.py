"""The tests of the example component, as docs/components/authoring.md shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osiris.components.drivers import DriverRegistry
from osiris.components.registry import Registry
from osiris.core import as_reader
from osiris.errors import ConnectionFailed
from osiris.testing import RecordingContext

PROJECT = Path(__file__).parents[2] / "docs" / "examples"


def subjects(tmp_path: Path, path: Path = PROJECT / "data" / "team.mbox", **config: Any) -> list[str]:
    driver = DriverRegistry(Registry(PROJECT / "components")).get("mbox.extractor")
    ctx = RecordingContext(tmp_path)
    config = {"subject_contains": "", "resolved_connection": {"path": str(path)}} | config
    outputs = driver.run(step_id="messages", config=config, inputs=None, ctx=ctx)
    table = as_reader(outputs["df"]).read_all()
    ctx.finish()
    assert ctx.metric("rows_read") == table.num_rows
    return table.column("subject").to_pylist()


def test_every_message_becomes_a_row(tmp_path: Path) -> None:
    assert subjects(tmp_path) == ["Invoice 2024-17", "Lunch?", "Re: invoice 2024-17"]


def test_subject_contains_leaves_other_messages_out(tmp_path: Path) -> None:
    assert subjects(tmp_path, subject_contains="INVOICE") == ["Invoice 2024-17", "Re: invoice 2024-17"]


def test_limit_ends_the_reading(tmp_path: Path) -> None:
    assert subjects(tmp_path, limit=1) == ["Invoice 2024-17"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailed, match=r"There is no file 'none\.mbox'"):
        subjects(tmp_path, path=tmp_path / "none.mbox")
