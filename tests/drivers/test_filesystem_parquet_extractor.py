"""`filesystem.parquet_extractor`: types as they are, and no column that would change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from osiris.connectors.filesystem.connection import FilesystemConnector
from osiris.core import DiscoveryRequest, as_reader
from osiris.drivers.filesystem_parquet_extractor_driver import FilesystemParquetExtractorDriver
from osiris.errors import DataError, PipelineError


def put(files: Any, name: str, columns: Mapping[str, Any] | pa.Table, **options: Any) -> None:
    (files.base / name).parent.mkdir(exist_ok=True)
    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    parquet.write_table(table, files.base / name, **options)


def test_capability_streaming(files: Any) -> None:
    """The stream exists before the rows are read, and comes in batches of bounded size."""
    put(files, "a.parquet", {"v": range(1_000_000), "w": ["x" * 20] * 1_000_000})
    ctx = files.context()
    config = {"path": "a.parquet", "resolved_connection": {"base_dir": str(files.base)}}
    reader = as_reader(
        FilesystemParquetExtractorDriver().run(step_id="s", config=config, inputs=None, ctx=ctx)["df"]
    )
    assert ctx.metric("rows_read") == 0
    batches = list(reader)
    assert max(batch.nbytes for batch in batches) < 12 << 20
    assert sum(batch.num_rows for batch in batches) == 1_000_000 == ctx.metric("rows_read")
    ctx.finish()


def test_capability_discover(files: Any) -> None:
    put(files, "deep/a.parquet", {"v": pa.array([1, 2], pa.uint8())})
    files.put("bad.parquet", "no parquet")
    connector = FilesystemConnector({"base_dir": str(files.base)})
    bad, good = connector.discover(DiscoveryRequest()).relations
    assert (good.name, good.rows, good.rows_exact) == ("deep/a.parquet", 2, True)
    assert [(column.name, column.arrow_type) for column in good.columns] == [("v", "uint8")]
    assert (bad.comment or "").startswith("DAT015")


@pytest.mark.parametrize(
    "array",
    [
        pa.array([2**64 - 1, None], pa.uint64()),
        pa.array([-1], pa.int8()),
        pa.array([Decimal("1.50")], pa.decimal128(38, 10)),
        pa.array([float("nan"), -0.0, None]),
        pa.array([time(1, 2, 3, 4)]),
        pa.array([1], pa.time64("ns")),
        pa.array([1], pa.timestamp("ns")),
        pa.array([datetime.fromisoformat("2024-01-01 00:00:00")], pa.timestamp("us")),
        pa.array([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        pa.array([b"\0\xff", None]),
        pa.array([[1, None], [], None]),
        pa.array([{"x": 1, "y": "a"}, None]),
        pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
        pa.array([True, None]),
        pa.array(["", None, "é\0"]),
    ],
    ids=lambda array: str(array.type),
)
def test_types_and_values_are_kept(files: Any, array: pa.Array) -> None:
    put(files, "a.parquet", {"v": array})
    found = files.read_parquet("a.parquet").column("v")
    assert str(found.to_pylist()) == str(array.to_pylist())
    if not pa.types.is_nested(array.type):
        assert found.type == array.type


@pytest.mark.parametrize(
    ("array", "read"),
    [
        (pa.array(["a", "b"]).dictionary_encode(), pa.string()),
        (pa.array(["a"], pa.large_string()), pa.string()),
        (pa.array([b"abcd"], pa.binary(4)), pa.binary()),
        (pa.array([1], pa.time32("ms")), pa.time64("us")),
        (pa.array([1], pa.timestamp("ms")), pa.timestamp("us")),
        (pa.array([1.5], pa.float16()), pa.float32()),
        (pa.array([0], pa.timestamp("us", "Europe/Prague")), pa.timestamp("us", "UTC")),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_types_that_become_an_equal_one(files: Any, array: pa.Array, read: pa.DataType) -> None:
    put(files, "a.parquet", {"v": array})
    found = files.read_parquet("a.parquet").column("v")
    assert found.type == read
    assert (
        found.combine_chunks().cast(array.type, safe=True).to_pylist() == array.to_pylist()
        or read == pa.string()
    )


@pytest.mark.parametrize(
    ("array", "options"),
    [
        (pa.array([Decimal("1.5")], pa.decimal256(50, 2)), {}),
        (pa.array([1], pa.duration("us")), {}),
        (pa.array([1], pa.timestamp("ns")), {"use_deprecated_int96_timestamps": True}),
        (pa.array([{"x": 1, "X": 2}]), {}),
        (pa.array([[Decimal("1.5")]], pa.list_(pa.decimal256(50, 2))), {}),
    ],
)
def test_columns_that_would_change_are_refused(files: Any, array: pa.Array, options: dict[str, Any]) -> None:
    put(files, "a.parquet", {"k": [1], "v": array}, **options)
    with pytest.raises(DataError) as raised:
        files.read_parquet("a.parquet")
    assert (raised.value.code, raised.value.details["column"]) == ("DAT016", "v")
    assert files.read_parquet("a.parquet", columns=["k"]).to_pydict() == {"k": [1]}


def test_columns_are_chosen_in_order(files: Any) -> None:
    put(files, "a.parquet", {"a": [1], 'b "c"': [2], "é": [3]})
    assert files.read_parquet("a.parquet", columns=["é", 'b "c"']).schema.names == ["é", 'b "c"']
    with pytest.raises(PipelineError) as raised:
        files.read_parquet("a.parquet", columns=["z"])
    assert raised.value.code == "DAT008"


def test_many_files_are_read_in_name_order_and_by_column_name(files: Any) -> None:
    put(files, "in/b=2.parquet", {"w": ["b"], "v": [2]})
    put(files, "in/b=1.parquet", {"v": [1], "w": ["a"]})
    assert files.read_parquet("in/*.parquet").to_pydict() == {"v": [1, 2], "w": ["a", "b"]}
    assert files.ctx.metric("rows_read") == 2


@pytest.mark.parametrize("second", [{"v": [1.5]}, {"w": [1]}, {"v": [1], "w": [2]}])
def test_files_of_one_step_have_the_same_columns(files: Any, second: dict[str, Any]) -> None:
    put(files, "1.parquet", {"v": [1]})
    put(files, "2.parquet", second)
    with pytest.raises(DataError, match=r"2\.parquet") as raised:
        files.read_parquet("*.parquet")
    assert raised.value.code == "DAT007"


def test_names_that_differ_only_by_case_are_refused(files: Any) -> None:
    put(files, "a.parquet", {"a": [1], "A": [2]})
    with pytest.raises(DataError) as raised:
        files.read_parquet("a.parquet")
    assert raised.value.code == "DAT006"


@pytest.mark.parametrize("damage", ["text", "cut", "empty", "middle"])
def test_damaged_files_are_refused(files: Any, damage: str) -> None:
    put(files, "a.parquet", {"v": list(range(10_000)), "w": [str(i) for i in range(10_000)]})
    whole = (files.base / "a.parquet").read_bytes()
    middle = whole[:100] + b"\xff" * 2000 + whole[2100:]
    content = {"text": b"no parquet", "cut": whole[:-20], "empty": b"", "middle": middle}[damage]
    files.put("a.parquet", content)
    with pytest.raises(DataError) as raised:
        files.read_parquet("a.parquet")
    assert (raised.value.code, raised.value.where.file) == ("DAT015", "a.parquet")


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_columns_without_a_usable_name_are_refused(files: Any, name: str) -> None:
    put(files, "a.parquet", pa.table([pa.array([1]), pa.array([2])], names=["k", name]))
    with pytest.raises(DataError) as raised:
        files.read_parquet("a.parquet", columns=["k"])
    assert (raised.value.code, raised.value.where.file) == ("DAT006", "a.parquet")


def not_utf8() -> pa.Array:
    buffers = [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    return pa.Array.from_buffers(pa.string(), 1, buffers)


@pytest.mark.parametrize(
    "array",
    [
        not_utf8(),
        not_utf8().dictionary_encode(),
        pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), not_utf8()),
    ],
    ids=lambda array: str(array.type),
)
def test_text_that_is_not_utf8_is_refused(files: Any, array: pa.Array) -> None:
    put(files, "a.parquet", {"v": array})
    with pytest.raises(DataError) as raised:
        files.read_parquet("a.parquet")
    assert (raised.value.code, raised.value.where.file) == ("DAT003", "a.parquet")
    assert str(files.base) not in raised.value.message


def test_the_file_with_text_that_is_not_utf8_is_named(files: Any) -> None:
    put(files, "a.parquet", {"v": ["fine"]})
    put(files, "b.parquet", {"v": not_utf8()})
    with pytest.raises(DataError) as raised:
        files.read_parquet("*.parquet")
    assert (raised.value.code, raised.value.where.file) == ("DAT003", "b.parquet")


@pytest.mark.parametrize(
    "array",
    [
        pa.array([2**53], pa.timestamp("s")),
        pa.array([-1], pa.time64("us")),
        pa.array(["{" + "x" * 5000], pa.json_()),
    ],
    ids=lambda array: str(array.type),
)
def test_a_value_that_cannot_be_read_is_refused_without_a_path_of_the_machine(
    files: Any, array: pa.Array
) -> None:
    put(files, "a.parquet", {"v": array})
    with pytest.raises(DataError) as raised:
        files.read_parquet("a.parquet")
    assert raised.value.code == "DAT015"
    assert str(files.base) not in str(raised.value.to_dict())
    assert len(raised.value.message) < 300


def test_a_file_that_does_not_fit_its_sidecar_is_refused(files: Any) -> None:
    files.write_parquet(pa.table({"v": [1]}), "a.parquet")
    put(files, "a.parquet", {"v": list(range(100))})
    with pytest.raises(DataError) as raised:
        files.read_parquet("a.parquet")
    assert raised.value.code == "FIL008"


def test_check_finds_paths_that_leave_the_folder() -> None:
    assert [p.code for p in FilesystemParquetExtractorDriver().check({"path": "~/x"}, ())] == ["FIL001"]
