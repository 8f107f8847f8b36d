"""`filesystem.parquet_writer`: what comes in can be read back exactly, by us and by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from osiris.drivers.filesystem_parquet_writer_driver import FilesystemParquetWriterDriver
from osiris.errors import DataError

ROWS = pa.table({"id": range(10_000), "name": ["a", "", None, "é\0"] * 2500})


def test_rows_types_and_order_are_kept(files: Any) -> None:
    path = files.write_parquet(ROWS, "deep/a.parquet")
    assert parquet.read_table(path).cast(ROWS.schema).equals(ROWS)
    assert files.read_parquet("deep/a.parquet").equals(ROWS)


def test_capability_streaming(files: Any) -> None:
    """Rows are pulled batch by batch, and row groups are written as they fill."""

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(100):
            yield pa.record_batch({"v": pa.array(range(number * 10_000, (number + 1) * 10_000))})

    before = pa.total_allocated_bytes()
    path = files.write_parquet(
        pa.RecordBatchReader.from_batches(pa.schema({"v": pa.int64()}), batches()), "a.parquet"
    )
    assert pa.total_allocated_bytes() - before < 4 << 20
    assert parquet.read_metadata(path).num_rows == 1_000_000 == files.ctx.metric("rows_written")
    assert parquet.read_metadata(path).num_row_groups > 1


@pytest.mark.parametrize(
    "array",
    [
        pa.array([2**64 - 1, None], pa.uint64()),
        pa.array([-128], pa.int8()),
        pa.array([Decimal("-1.5")], pa.decimal128(38, 10)),
        pa.array([float("nan"), float("-inf"), -0.0, 5e-324, None]),
        pa.array([0.1], pa.float32()),
        pa.array([date(1, 1, 1), date(9999, 12, 31)]),
        pa.array([time(1, 2, 3, 4)]),
        pa.array([1], pa.time64("ns")),
        pa.array([datetime.fromisoformat("0001-01-01 00:00:00")], pa.timestamp("us")),
        pa.array([1], pa.timestamp("ns")),
        pa.array([1], pa.timestamp("ms")),
        pa.array([1], pa.timestamp("us", "UTC")),
        pa.array([b"\0\xff", b"", None]),
        pa.array([[1, None], [], None]),
        pa.array([{"x": 1, "y": [{"z": "a"}]}, None]),
        pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
        pa.array([True, None]),
        pa.array(["a", "b", None]).dictionary_encode(),
        pa.array(["x"], pa.large_string()),
        pa.nulls(2),
        pa.array([b"abcd"], pa.binary(4)),
        pa.array([1], pa.time32("s")),
    ],
    ids=lambda array: str(array.type),
)
def test_pyarrow_reads_the_same_values(files: Any, array: pa.Array) -> None:
    path = files.write_parquet(pa.table({"v": array}), "a.parquet")
    assert str(parquet.read_table(path).column("v").to_pylist()) == str(array.to_pylist())


@pytest.mark.parametrize(
    ("arrow_type", "hint"),
    [
        (pa.decimal256(50, 2), "DECIMAL(38,s)"),
        (pa.duration("us"), "epoch_us"),
        (pa.month_day_nano_interval(), "VARCHAR"),
        (pa.float16(), "FLOAT"),
        (pa.date64(), "DATE"),
        (pa.decimal128(5, -2), "scale"),
        (pa.list_(pa.duration("s")), "epoch_us"),
        (pa.struct({"x": pa.decimal256(50, 2)}), "DECIMAL"),
        (pa.struct({"x": pa.int8(), "X": pa.int8()}), "Rename"),
        (pa.map_(pa.string(), pa.float16()), "FLOAT"),
    ],
)
def test_what_cannot_be_written_exactly_is_refused(files: Any, arrow_type: pa.DataType, hint: str) -> None:
    with pytest.raises(DataError) as raised:
        files.write_parquet(pa.table({"v": pa.nulls(1, arrow_type)}), "a.parquet")
    assert raised.value.code == "DAT013"
    assert hint in (raised.value.hint or "")


def test_names_that_cannot_be_told_apart_are_refused(files: Any) -> None:
    with pytest.raises(DataError) as raised:
        files.write_parquet(pa.table({"a": [1], "A": [2]}), "a.parquet")
    assert raised.value.code == "DAT014"


def test_strange_names_are_kept(files: Any) -> None:
    names = ['a "b"', "c\nd", " e ", "é", "É", "select", "c1", "c0"]
    path = files.write_parquet(pa.table([pa.array([i]) for i in range(8)], names=names), "a.parquet")
    assert parquet.read_schema(path).names == names
    assert files.read_parquet("a.parquet").to_pylist() == [dict(zip(names, range(8), strict=True))]


@pytest.mark.parametrize("codec", ["zstd", "snappy", "gzip", "none"])
def test_compression_is_what_is_asked_for(files: Any, codec: str) -> None:
    path = files.write_parquet(ROWS, "a.parquet", compression=codec)
    expected = "UNCOMPRESSED" if codec == "none" else codec.upper()
    assert parquet.read_metadata(path).row_group(0).column(0).compression == expected


def test_row_groups_have_the_size_that_is_asked_for(files: Any) -> None:
    path = files.write_parquet(ROWS, "a.parquet", row_group_rows=2048)
    assert parquet.read_metadata(path).row_group(0).num_rows == 2048


def test_an_empty_result_makes_a_new_file_but_replaces_none(files: Any) -> None:
    empty = ROWS.slice(0, 0)
    assert parquet.read_table(files.write_parquet(empty, "a.parquet")).num_rows == 0
    files.write_parquet(ROWS, "a.parquet", ctx=files.context("key-2"))
    with pytest.raises(DataError) as raised:
        files.write_parquet(empty, "a.parquet", ctx=files.context("key-3"), write_mode="replace")
    assert raised.value.code == "FIL009"
    files.write_parquet(empty, "a.parquet", ctx=files.context("key-3"), allow_empty=True)
    assert files.ctx.event("target_written")["rows"] == 0


def test_check_finds_paths_that_leave_the_folder() -> None:
    assert [p.code for p in FilesystemParquetWriterDriver().check({"path": "x/../../y"}, ("df",))] == [
        "FIL001"
    ]
