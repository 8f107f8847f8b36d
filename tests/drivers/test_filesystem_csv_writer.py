"""`filesystem.csv_writer`: what comes in can be read back exactly, by us and by others."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv as arrow_csv

from osiris.drivers.filesystem_csv_writer_driver import FilesystemCsvWriterDriver
from osiris.errors import DataError, OsirisError, PipelineError

ROWS = pa.table({"id": [1, 2, 3], "name": ["a", "", None]})


def test_null_is_an_empty_field_and_empty_text_two_quotes(files: Any) -> None:
    assert files.write_csv(ROWS, "a.csv").read_text() == 'id,name\n1,a\n2,""\n3,\n'


def test_capability_streaming(files: Any) -> None:
    """Rows are pulled batch by batch; the next one is asked for before the last one is made."""
    made = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(200):
            made.append(number)
            yield pa.record_batch({"v": pa.array(range(number * 10_000, (number + 1) * 10_000))})

    before = pa.total_allocated_bytes()
    files.write_csv(pa.RecordBatchReader.from_batches(pa.schema({"v": pa.int64()}), batches()), "a.csv")
    assert len(made) == 200
    assert pa.total_allocated_bytes() - before < 4 << 20
    assert files.ctx.metric("rows_written") == 2_000_000
    assert files.ctx.metric("bytes_written") == (files.base / "a.csv").stat().st_size


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (
            pa.array([float("nan"), float("inf"), float("-inf"), -0.0, 0.1, 1e300, 5e-324]),
            ["nan", "inf", "-inf", "-0.0", "0.1", "1e+300", "5e-324"],
        ),
        (pa.array([0.1, -0.0], pa.float32()), ["0.1", "-0.0"]),
        (
            pa.array([Decimal("1E-10"), Decimal("-0.5")], pa.decimal128(38, 10)),
            ["0.0000000001", "-0.5000000000"],
        ),
        (
            pa.array([Decimal("9" * 60 + ".5"), Decimal("0E-5"), None], pa.decimal256(76, 5)),
            ["9" * 60 + ".50000", "0.00000", ""],
        ),
        (pa.array([True, None]), ["true", ""]),
        (pa.array([date(1, 1, 1), date(9999, 12, 31)]), ["0001-01-01", "9999-12-31"]),
        (pa.array([time(1, 2, 3, 4)]), ["01:02:03.000004"]),
        (pa.array([86_399_123_456_789], pa.time64("ns")), ["23:59:59.123456789"]),
        (pa.array([1_700_000_000_000_000_001], pa.timestamp("ns")), ["2023-11-14 22:13:20.000000001"]),
        (
            pa.array([datetime.fromisoformat("2024-02-29 10:00:00")], pa.timestamp("s")),
            ["2024-02-29 10:00:00"],
        ),
        (
            pa.array([datetime(2024, 2, 29, 10, tzinfo=UTC)], pa.timestamp("us", "Europe/Prague")),
            ["2024-02-29 10:00:00+00"],
        ),
        (pa.array(["b", "a", None]).dictionary_encode(), ["b", "a", ""]),
        (pa.array(["x"], pa.large_string()), ["x"]),
    ],
)
def test_each_type_has_one_exact_text(files: Any, array: pa.Array, texts: list[str]) -> None:
    path = files.write_csv(pa.table({"k": range(len(array)), "v": array}), "a.csv")
    rows = list(csv.reader(io.StringIO(path.read_text())))
    assert [row[1] for row in rows[1:]] == texts


@pytest.mark.parametrize(
    ("arrow_type", "hint"),
    [
        (pa.binary(), "base64"),
        (pa.binary(4), "base64"),
        (pa.list_(pa.int64()), "to_json"),
        (pa.struct({"x": pa.int64()}), "to_json"),
        (pa.map_(pa.string(), pa.int64()), "to_json"),
        (pa.null(), "CAST"),
        (pa.duration("us"), "epoch_us"),
        (pa.month_day_nano_interval(), "VARCHAR"),
        (pa.float16(), "FLOAT"),
        (pa.date64(), "DATE"),
        (pa.decimal128(5, -2), "scale"),
        (pa.dictionary(pa.int8(), pa.binary()), "base64"),
    ],
)
def test_what_csv_cannot_hold_is_refused_with_a_hint(files: Any, arrow_type: pa.DataType, hint: str) -> None:
    with pytest.raises(DataError) as raised:
        files.write_csv(pa.table({"v": pa.nulls(1, arrow_type)}), "a.csv")
    assert raised.value.code == "DAT013"
    assert hint in (raised.value.hint or "")
    assert files.names() == []


@pytest.mark.parametrize("names", [["a", "A"], ["a", "a"], ["", "a"], ["a\0", "b"]])
def test_names_that_cannot_be_told_apart_are_refused(files: Any, names: list[str]) -> None:
    with pytest.raises(DataError) as raised:
        files.write_csv(pa.table([pa.array([1]), pa.array([2])], names=names), "a.csv")
    assert raised.value.code == "DAT014"


def test_strange_names_are_kept(files: Any) -> None:
    names = ['a "b"', "c\nd", " e ", "é😀", "É😀", "select", "x,y", "'"]
    table = pa.table([pa.array([1])] * len(names), names=names)
    path = files.write_csv(table, "a.csv")
    assert next(csv.reader(io.StringIO(path.read_text()))) == names
    assert files.read_csv("a.csv").schema.names == names


@pytest.mark.parametrize(
    ("config", "content"),
    [
        ({"delimiter": ";"}, 'id;name\n1;a\n2;""\n3;\n'),
        ({"quote": "'"}, "id,name\n1,a\n2,''\n3,\n"),
        ({"header": False}, '1,a\n2,""\n3,\n'),
        ({"write_mode": "replace"}, 'id,name\n1,a\n2,""\n3,\n'),
    ],
)
def test_each_choice_changes_the_file(files: Any, config: dict[str, Any], content: str) -> None:
    files.put("a.csv", "something,older\n")
    assert files.write_csv(ROWS, "a.csv", **config).read_text() == content


@pytest.mark.parametrize(
    ("name", "compression", "magic"),
    [
        ("a.csv.gz", "auto", b"\x1f\x8b"),
        ("a.csv.zst", "auto", b"\x28\xb5\x2f\xfd"),
        ("a.bin", "gzip", b"\x1f\x8b"),
        ("a.bin", "zstd", b"\x28\xb5\x2f\xfd"),
        ("a.csv.gz", "none", b"id,n"),
    ],
)
def test_compression_by_name_and_by_option(files: Any, name: str, compression: str, magic: bytes) -> None:
    path = files.write_csv(ROWS, name, compression=compression)
    assert path.read_bytes().startswith(magic)
    assert files.read_csv(name, compression=compression).to_pydict() == ROWS.to_pydict()
    if magic == b"\x1f\x8b":
        assert gzip.decompress(path.read_bytes()).startswith(b"id,name\n")


def test_an_empty_result_makes_a_new_file_but_replaces_none(files: Any) -> None:
    empty = ROWS.slice(0, 0)
    assert files.write_csv(empty, "a.csv").read_text() == "id,name\n"
    files.write_csv(ROWS, "a.csv", ctx=files.context("key-2"))
    with pytest.raises(DataError) as raised:
        files.write_csv(empty, "a.csv", ctx=files.context("key-3"))
    assert raised.value.code == "FIL009"
    assert len((files.base / "a.csv").read_text()) > 10
    files.write_csv(empty, "a.csv", ctx=files.context("key-3"), allow_empty=True)
    assert (files.base / "a.csv").read_text() == "id,name\n"
    files.write_csv(empty, "a.csv", ctx=files.context("key-4"))


def test_check_finds_paths_that_leave_the_folder() -> None:
    found = FilesystemCsvWriterDriver().check({"path": "/tmp/x.csv"}, ("df",))
    assert [problem.code for problem in found] == ["FIL001"]


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"delimiter": "\n"}, "delimiter"),
        ({"delimiter": "\r"}, "delimiter"),
        ({"quote": "\0"}, "quote"),
        ({"quote": "“"}, "quote"),
        ({"delimiter": "|", "quote": "|"}, "quote"),
    ],
)
def test_characters_that_tell_nothing_apart_are_refused(
    files: Any, config: dict[str, Any], field: str
) -> None:
    (found,) = FilesystemCsvWriterDriver().check({"path": "a.csv"} | config, ("df",))
    assert (found.field, found.code) == (field, "FIL011")
    with pytest.raises(PipelineError) as raised:
        files.write_csv(ROWS, "a.csv", **config)
    assert raised.value.code == "FIL011"
    assert files.names() == []


def test_what_the_producer_raised_comes_out_unchanged(files: Any) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"v": [1]})
        raise DataError("DAT001", "ragged")

    with pytest.raises(OsirisError, match="ragged") as raised:
        files.write_csv(pa.RecordBatchReader.from_batches(pa.schema({"v": pa.int64()}), batches()), "a.csv")
    assert raised.value.code == "DAT001"
    assert files.names() == []


# A surrogate has no UTF-8 form; everything else is text.
_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
_AWKWARD = st.lists(
    st.sampled_from(['"', ",", "\n", "\r", " ", "'", "\\", "a", "é", "\t", ";", "#", "NULL"]), max_size=6
)
_CELL = st.one_of(st.none(), _TEXT, _AWKWARD.map("".join))


@given(
    st.lists(st.tuples(_CELL, _CELL, _CELL), min_size=1, max_size=8), st.sampled_from([",", ";", "\t", "|"])
)
def test_any_text_survives_the_round_trip(
    new_files: Callable[[], Any], rows: list[tuple[Any, ...]], delimiter: str
) -> None:
    table = pa.table(
        {
            name: pa.array(column, pa.string())
            for name, column in zip("xyz", zip(*rows, strict=True), strict=True)
        }
    )
    files = new_files()
    path = files.write_csv(table, "a.csv", delimiter=delimiter)
    schema = dict.fromkeys("xyz", "VARCHAR")
    assert files.read_csv("a.csv", delimiter=delimiter, schema=schema).to_pylist() == table.to_pylist()
    _other_readers_agree(path, delimiter, rows)


def _other_readers_agree(path: Path, delimiter: str, rows: list[tuple[Any, ...]]) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        found = list(csv.reader(file, delimiter=delimiter))
    assert found[1:] == [[cell or "" for cell in row] for row in rows]
    convert = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys("xyz", pa.string()),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    parse = arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    again = arrow_csv.read_csv(path, parse_options=parse, convert_options=convert)
    assert [tuple(row.values()) for row in again.to_pylist()] == rows


@given(st.lists(_CELL, max_size=8))
def test_one_column_survives_the_round_trip(new_files: Callable[[], Any], cells: list[Any]) -> None:
    files = new_files()
    files.write_csv(pa.table({"v": pa.array(cells, pa.string())}), "a.csv")
    assert files.read_csv("a.csv", schema={"v": "VARCHAR"}).to_pydict() == {"v": cells}


_CHARACTERS = st.characters(max_codepoint=127)


@given(_CHARACTERS, _CHARACTERS, st.data())
def test_any_characters_that_are_accepted_survive_the_round_trip(
    new_files: Callable[[], Any], delimiter: str, quote: str, data: st.DataObject
) -> None:
    config = {"delimiter": delimiter, "quote": quote}
    if FilesystemCsvWriterDriver().check({"path": "a.csv"} | config, ("df",)):
        return
    cell = st.one_of(_CELL, st.lists(st.sampled_from([delimiter, quote, "1", "\n"])).map("".join))
    cells = data.draw(st.lists(cell, min_size=1, max_size=6))
    names = ["n", f"a{delimiter}{quote}", f"{quote} {delimiter} b"]
    table = pa.table(
        [range(len(cells)), pa.array(cells, pa.string()), pa.array(cells[::-1], pa.string())], names
    )
    files = new_files()
    files.write_csv(table, "a.csv", **config)
    schema = dict.fromkeys(names[1:], "VARCHAR") | {"n": "BIGINT"}
    assert files.read_csv("a.csv", schema=schema, **config).to_pylist() == table.to_pylist()
