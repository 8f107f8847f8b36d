"""The index of decisions is complete and agrees with the records."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "adr"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
STATUS = re.compile(r"^Status: (Proposed|Accepted|Superseded) ?(?:by \[\d{4}\]\(\d{4}-[a-z-]+\.md\))?$", re.M)


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_is_in_the_index_with_its_title_and_status(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    title, status = text.splitlines()[0].removeprefix("# "), STATUS.search(text)
    assert title.startswith(record.name[:4])
    assert status, "the status line is not one of the fixed words"
    row = f"| [{title}]({record.name}) | {status[1]} |"
    assert row in (FOLDER / "README.md").read_text(encoding="utf-8")
