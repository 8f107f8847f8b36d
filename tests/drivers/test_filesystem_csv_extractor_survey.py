"""A whole file is looked through before its first row is delivered: damage and misleading line breaks."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.connectors.filesystem import csv_end, csv_text
from osiris.connectors.filesystem.connection import FilesystemConnector
from osiris.connectors.filesystem.csv_dialect import CsvDialect
from osiris.connectors.filesystem.csv_survey import may_be_shared
from osiris.core import DiscoveryRequest, as_reader
from osiris.drivers.filesystem_csv_extractor_driver import FilesystemCsvExtractorDriver
from osiris.errors import Cancelled, DataError
from osiris.testing.context import RecordingContext

CODECS: dict[str, Callable[[bytes], bytes]] = {
    "a.csv.gz": gzip.compress,
    "a.csv.zst": lambda raw: bytes(pa.compress(raw, "zstd", asbytes=True)),
}


def never() -> bool:
    return False


def shared(path: Path, quote: str = '"') -> bool:
    return may_be_shared(path, CsvDialect(quote=quote), path.name, never)


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 1 << 18])
@pytest.mark.parametrize(
    ("content", "safe"),
    [
        ("v,w\n1,2\n", True),
        ('v,w\n"a",2\n"b","c"\n', True),
        ('v,w\n"a ""b""","""",""\n', True),
        ('v,w\n"a\nb",2\n', False),
        ('v,w\n"a\rb",2\n', False),
        ('v,w\r\n"a""\r\nb",2\r\n', False),
        ('v,w\n"",2\n"\n",3\n', False),
        ('v,w\n5" x,1\n', False),
        ('v,w\n1,"open', True),
        ('"v\nw",x\n', False),
        ("", True),
    ],
)
def test_line_breaks_inside_quotes_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, safe: bool, piece: int
) -> None:
    monkeypatch.setattr(csv_text, "_PIECE", piece)
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode())
    assert shared(path) is safe
    path.write_bytes(content.replace('"', "'").encode())
    assert shared(path, "'") is safe
    assert shared(path, "") is True


_CELL = st.lists(st.sampled_from(['"', "\n", "\r", ",", "a", "é", '""'])).map("".join)


@given(st.lists(st.lists(_CELL, min_size=1, max_size=3), max_size=6), st.integers(1, 20))
def test_a_file_is_safe_exactly_when_no_value_has_a_line_break(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], piece: int
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    path = tmp_path_factory.mktemp("survey") / "a.csv"
    path.write_bytes(text.getvalue().encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_text, "_PIECE", piece)
        assert shared(path) is not any("\n" in cell or "\r" in cell for row in rows for cell in row)


OPEN = [
    ('v,w\n1,"a\nb"\n2,"open\n3,4\n', 4),
    ('v,w\n1,"a\nb"\n2,"""\n', 4),
    ('v,w\n1,"a\nb"\n2, "', 4),
    ('v,w\r\n1,"a\r\nb"\r\n"c\r\nd","open', 4),
    ('v,w\n5" x,y\n1,"a\nb"\n2,"open', 5),
    ('v,w\n5" x,"y\n1,"a\nb"\n', 2),
    ('v,w\n"a\nb" "open\n', 2),
    ("v,w\n" + '1,""\n' * 50 + '"\n"," \n', 52),
]
CLOSED = [
    ('v,w\n1,"a\nb"\n2,5" x\n', ["a\nb", '5" x']),
    ('v,w\n1,"a\n""b""" \n', ['a\n"b"']),
    ('v,w\n1,"\n"\n2,  "a\n', ["\n", '  "a']),
    ('v,w\n"a\nb", "\n"', ["\n"]),
    ('v,w\n1,""\n2,"\n"\n3,', ["", "\n", None]),
]


@pytest.mark.parametrize("piece", [1, 2, 7, 1 << 18])
@pytest.mark.parametrize("name", ["a.csv", *CODECS])
class TestLastRecord:
    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
        monkeypatch.setattr(csv_text, "_PIECE", piece)
        monkeypatch.setattr(csv_end, "_MOST_BYTES", 20)

    @pytest.mark.parametrize(("content", "line"), OPEN)
    def test_it_is_not_dropped_where_its_quotes_are_never_closed(
        self, files: Any, name: str, content: str, line: int
    ) -> None:
        files.put(name, CODECS.get(name, bytes)(content.encode()))
        with pytest.raises(DataError) as raised:
            files.read_csv(name)
        assert (raised.value.code, raised.value.where.line) == ("DAT002", line)

    @pytest.mark.parametrize(("content", "values"), CLOSED)
    def test_it_is_read_where_they_are(
        self, files: Any, name: str, content: str, values: list[str | None]
    ) -> None:
        files.put(name, CODECS.get(name, bytes)(content.encode()))
        assert files.read_csv(name, schema={"w": "VARCHAR"})["w"].to_pylist() == values


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("damage", ["cut off", "one byte changed", "nothing of the kind"])
def test_a_damaged_file_is_refused_before_a_row_is_delivered(tmp_path: Path, name: str, damage: str) -> None:
    text = "".join(f"{i},{i * 7919 % 1000}\n" for i in range(100_000)).encode()
    whole = CODECS[name](text)
    middle = len(whole) // 2
    broken = {
        "cut off": whole[:-10],
        "one byte changed": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "nothing of the kind": text,
    }[damage]
    path = tmp_path / name
    path.write_bytes(whole)
    assert shared(path) is False
    path.write_bytes(broken)
    with pytest.raises(DataError) as raised:
        shared(path)
    assert (raised.value.code, raised.value.where.file) == ("DAT009", name)


@pytest.mark.parametrize("name", ["a.csv", *CODECS])
@pytest.mark.parametrize("schema", [{}, {"v": "BIGINT"}])
def test_a_step_that_must_stop_does_not_look_through_its_files(
    tmp_path: Path, name: str, schema: dict[str, str]
) -> None:
    (tmp_path / name).write_bytes(CODECS.get(name, bytes)(b'v\n"1"\n'))
    ctx = RecordingContext(tmp_path / "session")
    ctx.cancel()
    config = {"path": name, "schema": schema, "resolved_connection": {"base_dir": str(tmp_path)}}
    driver = FilesystemCsvExtractorDriver()
    with pytest.raises(Cancelled):  # a plain file is looked through when its rows are streamed
        as_reader(driver.run(step_id="s", config=config, inputs=None, ctx=ctx)["df"])
    ctx.finish()


@pytest.mark.parametrize(("rows", "told"), [(10, "DAT009"), (300_000, "")])
def test_discovery_unpacks_no_more_than_its_sample(tmp_path: Path, rows: int, told: str) -> None:
    """A short file is in the sample as a whole, so its damage is told."""
    text = "v\n" + "".join(f"{i * 7919}\n" for i in range(rows))
    whole = gzip.compress(text.encode())
    (tmp_path / "a.csv.gz").write_bytes(whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:])
    (found,) = FilesystemConnector({"base_dir": str(tmp_path)}).discover(DiscoveryRequest()).relations
    assert (found.comment or "")[:6] == told
    assert [column.name for column in found.columns] == ([] if told else ["v"])


@pytest.mark.slow
@pytest.mark.parametrize("before", [100, 290_000, 560_000])
def test_lines_inside_quotes_are_never_taken_for_rows(tmp_path: Path, before: int) -> None:
    """A consumer may stop early, so each row must be right when it is delivered."""
    fake = "".join(f"{10**8 + number},fake\n" for number in range(100_000))
    rows = "".join(f"{number},{'a' * 22}\n" for number in range(before))
    (tmp_path / "a.csv").write_text("k,v\n" + rows + f'-1,"\n{fake}9,"\n7,x\n' * 3)
    ctx = RecordingContext(tmp_path / "session")
    config = {"path": "a.csv", "schema": {"k": "BIGINT"}, "resolved_connection": {"base_dir": str(tmp_path)}}
    rows = FilesystemCsvExtractorDriver().run(step_id="s", config=config, inputs=None, ctx=ctx)["df"]
    keys = [*range(before), *([-1, 7] * 3)]
    delivered = 0
    for batch in as_reader(rows):
        assert batch["k"].to_pylist() == keys[delivered : delivered + batch.num_rows]
        delivered += batch.num_rows
    assert delivered == len(keys)
    ctx.finish()
