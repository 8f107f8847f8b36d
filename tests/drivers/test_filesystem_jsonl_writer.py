"""`filesystem.jsonl_writer`: one object per line, which can be read back exactly, by us and by others."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.drivers.filesystem_jsonl_writer_driver import FilesystemJsonlWriterDriver
from osiris.errors import DataError, OsirisError, PipelineError

ROWS = pa.table({"id": [1, 2, 3], "name": ["a", "", None]})
JSON = pa.json_(pa.string())
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


def as_json(*texts: str | None) -> pa.Array:
    return pa.ExtensionArray.from_storage(JSON, pa.array(texts, pa.string()))


def written(files: Any, array: pa.Array, **config: Any) -> list[str]:
    """The JSON texts of one column."""
    path = files.write_jsonl(pa.table({"v": array}), "a.jsonl", **config)
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    assert all(line.startswith('{"v":') and line.endswith("}") for line in lines)
    return [line[5:-1] for line in lines]


def test_each_row_is_an_object_with_its_keys_in_column_order(files: Any) -> None:
    text = '{"id":1,"name":"a"}\n{"id":2,"name":""}\n{"id":3,"name":null}\n'
    assert files.write_jsonl(ROWS, "a.jsonl").read_bytes() == text.encode()


def test_capability_streaming(files: Any) -> None:
    """Rows are pulled batch by batch; what is written does not stay in memory."""
    made = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(100):
            made.append(number)
            yield pa.record_batch({"v": pa.array(range(number * 10_000, (number + 1) * 10_000))})

    before = pa.total_allocated_bytes()
    files.write_jsonl(pa.RecordBatchReader.from_batches(pa.schema({"v": pa.int64()}), batches()), "a.jsonl")
    assert len(made) == 100
    assert pa.total_allocated_bytes() - before < 4 << 20
    assert files.ctx.metric("rows_written") == 1_000_000
    assert files.ctx.metric("bytes_written") == (files.base / "a.jsonl").stat().st_size
    assert files.ctx.event("target_written")["rows"] == 1_000_000


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([-(2**63), 0, None]), ["-9223372036854775808", "0", "null"]),
        (pa.array([-0.0, 0.1, 1e300, 5e-324, 5.0]), ["-0.0", "0.1", "1e+300", "5e-324", "5.0"]),
        (pa.array([0.1, -0.0], pa.float32()), ["0.1", "-0.0"]),
        (pa.array([Decimal("1E-5"), Decimal("-0.5")], pa.decimal128(38, 5)), ["0.00001", "-0.50000"]),
        (pa.array([Decimal("9" * 60 + ".5"), None], pa.decimal256(76, 5)), ["9" * 60 + ".50000", "null"]),
        (pa.array([Decimal("0.10"), Decimal("-0.99")], pa.decimal128(2, 2)), ["0.10", "-0.99"]),
        (pa.array([Decimal("1E-38")], pa.decimal128(38, 38)), ["0." + "0" * 37 + "1"]),
        (pa.array([True, None]), ["true", "null"]),
        (pa.array(['\0\x1f\x7f"\\/\b\n\u2028é😀']), ['"\\u0000\\u001F\x7f\\"\\\\/\\b\\n\u2028é😀"']),
        (pa.array(["null", "1", ""]), ['"null"', '"1"', '""']),
        (pa.array([date(1, 1, 1), date(9999, 12, 31)]), ['"0001-01-01"', '"9999-12-31"']),
        (pa.array([time(1, 2, 3, 4)]), ['"01:02:03.000004"']),
        (pa.array([1_700_000_000_000_000_001], pa.timestamp("ns")), ['"2023-11-14T22:13:20.000000001"']),
        (pa.array([NOON.replace(tzinfo=None)], pa.timestamp("s")), ['"2024-02-29T12:00:00"']),
        (pa.array([NOON], pa.timestamp("us", "Europe/Prague")), ['"2024-02-29T12:00:00Z"']),
        (pa.array(["b", "a", None]).dictionary_encode(), ['"b"', '"a"', "null"]),
        (pa.array(["x"], pa.large_string()), ['"x"']),
        (pa.nulls(2), ["null", "null"]),
        (pa.array([[1, None], [], None]), ["[1,null]", "[]", "null"]),
        (pa.array([[["a"], None]], pa.list_(pa.list_(pa.string()))), ['[["a"],null]']),
        (pa.array([[1.5, -0.0]], pa.list_(pa.float64(), 2)), ["[1.5,-0.0]"]),
        (pa.array([[Decimal("1.50")]], pa.list_(pa.decimal128(5, 2))), ["[1.50]"]),
        (
            pa.array([{"x": Decimal("0.10"), 'y "': "é"}, {"x": None, 'y "': None}, None]),
            ['{"x":0.10,"y \\"":"é"}', '{"x":null,"y \\"":null}', "null"],
        ),
        (
            pa.array([[{"at": NOON}]], pa.list_(pa.struct({"at": pa.timestamp("us", "UTC")}))),
            ['[{"at":"2024-02-29T12:00:00Z"}]'],
        ),
        (
            pa.array([[('k "', [1]), ("", None)], [], None], pa.map_(pa.string(), pa.list_(pa.int64()))),
            ['{"k \\"":[1],"":null}', "{}", "null"],
        ),
        (as_json('{"a" : 1.50,\n "a": 1e400}', " 5 ", None), ['{"a" : 1.50,  "a": 1e400}', "5", "null"]),
    ],
)  # fmt: skip
def test_each_type_has_one_exact_text(files: Any, array: pa.Array, texts: list[str]) -> None:
    assert written(files, array) == texts
    assert all(json.loads(text) is not None or text == "null" for text in texts)


def test_a_uuid_is_its_text(files: Any) -> None:
    uuid = UUID("12345678-1234-5678-1234-567812345678")
    array = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([uuid.bytes], pa.binary(16)))
    assert written(files, array) == [f'"{uuid}"']


@pytest.mark.parametrize(
    ("arrow_type", "hint"),
    [
        (pa.binary(), "base64"),
        (pa.list_(pa.binary()), "base64"),
        (pa.duration("us"), "epoch_us"),
        (pa.struct({"x": pa.duration("us")}), "epoch_us"),
        (pa.month_day_nano_interval(), "VARCHAR"),
        (pa.float16(), "FLOAT"),
        (pa.date64(), "DATE"),
        (pa.decimal128(5, -2), "scale"),
        (pa.list_(pa.decimal256(76, 5)), "DECIMAL"),
        (pa.map_(pa.int64(), pa.string()), "keys"),
        (pa.struct({"x": pa.int64(), "X": pa.int64()}), "case"),
        (pa.list_(JSON), "JSON"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_a_hint(files: Any, arrow_type: pa.DataType, hint: str) -> None:
    reader = pa.RecordBatchReader.from_batches(pa.schema({"v": arrow_type}), [])
    with pytest.raises(DataError) as raised:
        files.write_jsonl(reader, "a.jsonl")
    assert raised.value.code == "DAT013"
    assert hint in (raised.value.hint or "")
    assert files.names() == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "column",
    [
        lambda v: pa.array([1.0, None, v]),
        lambda v: pa.array([1.0, v], pa.float32()),
        lambda v: pa.array([[1.0], [v, None]]),
        lambda v: pa.array([{"x": [v]}]),
        lambda v: pa.array([[("k", v)]], pa.map_(pa.string(), pa.float64())),
        lambda v: pa.array([v]).dictionary_encode(),
    ],
)
def test_numbers_that_json_does_not_have_are_refused(
    files: Any, column: Callable[[float], pa.Array], value: float
) -> None:
    with pytest.raises(DataError) as raised:
        files.write_jsonl(pa.table({"v": column(value)}), "a.jsonl")
    assert (raised.value.code, raised.value.details) == ("DAT033", {"column": "v"})
    assert "isfinite" in (raised.value.hint or "")
    assert files.names() == []


def test_text_columns_become_json_values_where_that_is_asked(files: Any) -> None:
    texts = pa.array(['{"a": 1.50}', '"x"', None, "1E5"])
    assert written(files, texts, json_columns=["v"]) == ['{"a": 1.50}', '"x"', "null", "1E5"]
    assert written(files, texts, ctx=files.context("key-2"))[0] == '"{\\"a\\": 1.50}"'


@pytest.mark.parametrize("text", ["", "x", "{", "[1,]", "NaN", '"\\ud800"', "1 2", "'a'", "[" * 100_000])
def test_a_text_that_is_no_json_is_not_written_as_json(files: Any, text: str) -> None:
    with pytest.raises(DataError) as raised:
        files.write_jsonl(pa.table({"v": ["1", text]}), "a.jsonl", json_columns=["v"])
    assert (raised.value.code, raised.value.details) == ("DAT034", {"column": "v"})
    assert files.names() == []


@pytest.mark.parametrize(
    ("json_columns", "error", "code"), [(["nam"], PipelineError, "DAT008"), (["id"], DataError, "DAT034")]
)
def test_json_columns_name_text_columns_of_the_input(
    files: Any, json_columns: list[str], error: type[OsirisError], code: str
) -> None:
    with pytest.raises(error) as raised:
        files.write_jsonl(ROWS, "a.jsonl", json_columns=json_columns)
    assert raised.value.code == code


@pytest.mark.parametrize("names", [["a", "A"], ["a", "a"], ["", "a"], ["a\0", "b"]])
def test_names_that_cannot_be_told_apart_are_refused(files: Any, names: list[str]) -> None:
    with pytest.raises(DataError) as raised:
        files.write_jsonl(pa.table([pa.array([1]), pa.array([2])], names=names), "a.jsonl")
    assert raised.value.code == "DAT014"


def test_strange_names_are_kept(files: Any) -> None:
    names = ['a "b"', "c\nd", "é😀", "c0", "a'b", "\\", "{}", "line"]
    files.write_jsonl(pa.table({name: [1] for name in names}), "a.jsonl")
    assert files.read_jsonl("a.jsonl").to_pydict() == {name: [1] for name in names}


@pytest.mark.parametrize(
    ("name", "compression", "magic"),
    [
        ("a.jsonl.gz", "auto", b"\x1f\x8b"),
        ("a.jsonl.zst", "auto", b"\x28\xb5\x2f\xfd"),
        ("a.bin", "gzip", b"\x1f\x8b"),
        ("a.bin", "zstd", b"\x28\xb5\x2f\xfd"),
        ("a.jsonl.gz", "none", b'{"id'),
    ],
)
def test_compression_by_name_and_by_option(files: Any, name: str, compression: str, magic: bytes) -> None:
    path = files.write_jsonl(ROWS, name, compression=compression)
    assert path.read_bytes().startswith(magic)
    assert files.read_jsonl(name, compression=compression).to_pydict() == ROWS.to_pydict()
    if magic == b"\x1f\x8b":
        assert gzip.decompress(path.read_bytes()).startswith(b'{"id":1,')


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_an_empty_result_makes_a_new_file_but_replaces_none(files: Any, name: str) -> None:
    empty = ROWS.slice(0, 0)
    files.write_jsonl(empty, name)
    files.write_jsonl(ROWS, name, ctx=files.context("key-2"), write_mode="replace")
    with pytest.raises(DataError) as raised:
        files.write_jsonl(empty, name, ctx=files.context("key-3"))
    assert raised.value.code == "FIL009"
    assert files.read_jsonl(name).num_rows == 3
    files.write_jsonl(empty, name, ctx=files.context("key-3"), allow_empty=True)
    files.write_jsonl(empty, name, ctx=files.context("key-4"))


def test_a_run_key_writes_once(files: Any) -> None:
    files.write_jsonl(ROWS, "a.jsonl")
    files.write_jsonl(ROWS.slice(0, 1), "a.jsonl")
    assert files.ctx.event("already_committed")["rows"] == 3
    assert files.read_jsonl("a.jsonl").num_rows == 3


def test_check_finds_paths_that_leave_the_folder() -> None:
    found = FilesystemJsonlWriterDriver().check({"path": "/tmp/x.jsonl"}, ("df",))
    assert [problem.code for problem in found] == ["FIL001"]


def test_what_the_producer_raised_comes_out_unchanged(files: Any) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"v": [1]})
        raise DataError("DAT001", "ragged")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"v": pa.int64()}), batches())
    with pytest.raises(OsirisError, match="ragged") as raised:
        files.write_jsonl(reader, "a.jsonl")
    assert raised.value.code == "DAT001"
    assert files.names() == []


# --- what is written can be read back ---

_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
_STAMP = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))  # noqa: DTZ001 - the type has no zone
_JSON_VALUE = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), _TEXT
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXT, inner, max_size=3)),
    max_leaves=6,
).map(lambda value: json.dumps(value, separators=(",", ":")))
_COLUMNS = {
    "BIGINT": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "UBIGINT": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "DOUBLE": (pa.float64(), st.floats(allow_nan=False, allow_infinity=False)),
    "FLOAT": (pa.float32(), st.floats(allow_nan=False, allow_infinity=False, width=32)),
    "DECIMAL(38,9)": (pa.decimal128(38, 9), st.decimals(-(10**28), 10**28, places=9)),
    "BOOLEAN": (pa.bool_(), st.booleans()),
    "VARCHAR": (pa.string(), _TEXT),
    "DATE": (pa.date32(), st.dates()),
    "TIME": (pa.time64("us"), st.times()),
    "TIMESTAMP": (pa.timestamp("us"), _STAMP),
    "TIMESTAMPTZ": (pa.timestamp("us", "UTC"), _STAMP.map(lambda stamp: stamp.replace(tzinfo=UTC))),
    "JSON": (pa.string(), _JSON_VALUE.filter(lambda text: text != "null")),
}
_ROW = st.fixed_dictionaries({name: st.one_of(st.none(), values) for name, (_, values) in _COLUMNS.items()})


@given(st.lists(_ROW, min_size=1, max_size=5))
def test_all_types_survive_the_round_trip(new_files: Callable[[], Any], rows: list[dict[str, Any]]) -> None:
    schema = pa.schema({name: arrow_type for name, (arrow_type, _) in _COLUMNS.items()})
    table = pa.Table.from_pylist(rows, schema)
    position = schema.get_field_index("JSON")
    table = table.set_column(position, "JSON", as_json(*table["JSON"].to_pylist()))
    files = new_files()
    path = files.write_jsonl(table, "a.jsonl")
    again = files.read_jsonl("a.jsonl", schema={name: name for name in _COLUMNS})
    assert again.schema == table.schema
    assert [repr(row) for row in again.to_pylist()] == [repr(row) for row in table.to_pylist()]
    others = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    assert [list(row) for row in others] == [list(_COLUMNS)] * len(rows)
    assert [row["VARCHAR"] for row in others] == [row["VARCHAR"] for row in rows]


@given(st.lists(st.dictionaries(st.sampled_from("abc"), _JSON_VALUE), min_size=1, max_size=5))
def test_from_file_to_file_no_value_changes(new_files: Callable[[], Any], rows: list[dict[str, str]]) -> None:
    if not any(rows):
        return
    files = new_files()
    members = [", ".join(f'"{key}": {value}' for key, value in row.items()) for row in rows]
    files.put("a.jsonl", "".join(f"{{{text}}}\n" for text in members))
    first = files.read_jsonl("a.jsonl")
    files.write_jsonl(first, "b.jsonl")
    types = dict.fromkeys(first.schema.names, "JSON")
    before = files.read_jsonl("a.jsonl", schema=types).to_pylist()
    after = files.read_jsonl("b.jsonl", schema=types).to_pylist()
    assert [_numbers_by_value(row) for row in after] == [_numbers_by_value(row) for row in before]


def _numbers_by_value(row: dict[str, str | None]) -> dict[str, Any]:
    return {
        key: None if text is None else json.loads(text, parse_int=Decimal, parse_float=Decimal)
        for key, text in row.items()
    }
