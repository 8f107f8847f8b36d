"""`filesystem.csv_extractor`: files as they are, each value exact or refused."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from osiris.connectors.filesystem import csv_text
from osiris.connectors.filesystem.connection import FilesystemConnector
from osiris.connectors.filesystem.csv_text import Record
from osiris.core import DiscoveryRequest, as_reader
from osiris.drivers.filesystem_csv_extractor_driver import FilesystemCsvExtractorDriver
from osiris.errors import Cancelled, DataError, OsirisError, PipelineError


def values(table: pa.Table, column: str = "v") -> list[Any]:
    return list(table.column(column).to_pylist())


def test_capability_streaming(files: Any) -> None:
    """The stream exists before the rows are read, and comes in batches of bounded size."""
    files.put("a.csv", "v,w\n" + "".join(f"{i},{'x' * 50}\n" for i in range(300_000)))
    ctx = files.context()
    config = {"path": "a.csv", "resolved_connection": {"base_dir": str(files.base)}}
    reader = as_reader(
        FilesystemCsvExtractorDriver().run(step_id="s", config=config, inputs=None, ctx=ctx)["df"]
    )
    assert reader.schema.names == ["v", "w"]
    assert ctx.metric("rows_read") == 0
    batches = list(reader)
    assert sum(batch.num_rows for batch in batches) == 300_000 == ctx.metric("rows_read")
    assert max(batch.nbytes for batch in batches) < 12 << 20
    assert ctx.metric("bytes_read") == (files.base / "a.csv").stat().st_size
    ctx.finish()


def test_batches_stay_small_where_lines_grow(files: Any) -> None:
    files.put("a.csv", "v\n" + "x\n" * 500_000 + ("x" * 5_000 + "\n") * 5_000)
    batches = files.read_csv("a.csv").to_batches()
    assert max(batch.nbytes for batch in batches) < 16 << 20


def test_capability_discover(files: Any) -> None:
    files.put("deep/a.csv", "id,zip,amount\n1,00501,1.50\n")
    files.put("bad.csv", "a,a\n1,2\n")
    connector = FilesystemConnector({"base_dir": str(files.base)})
    bad, good = connector.discover(DiscoveryRequest()).relations
    assert (good.name, good.rows, good.rows_exact) == ("deep/a.csv", 1, True)
    assert [(column.name, column.source_type, column.arrow_type) for column in good.columns] == [
        ("id", "BIGINT", "int64"),
        ("zip", "VARCHAR", "string"),
        ("amount", "DECIMAL(18,2)", "decimal128(18, 2)"),
    ]
    assert (bad.comment or "").startswith("DAT006")


@pytest.mark.parametrize(
    ("type_name", "text", "value"),
    [
        ("bigint", "-9223372036854775808", -(2**63)),
        ("UBIGINT", "18446744073709551615", 2**64 - 1),
        ("TINYINT", "+007", 7),
        ("int", " 5 ", 5),
        ("DECIMAL(12,2)", "-1234567890.5", Decimal("-1234567890.50")),
        (
            "decimal( 38 , 10 )",
            "1234567890123456789012345678.0123456789",
            Decimal("1234567890123456789012345678.0123456789"),
        ),
        ("DECIMAL(5)", "00012", Decimal(12)),
        ("numeric(3,3)", ".125", Decimal("0.125")),
        ("DOUBLE", "1e300", 1e300),
        ("DOUBLE", "-0.0", -0.0),
        ("DOUBLE", "Infinity", float("inf")),
        ("FLOAT", "0.5", 0.5),
        ("BOOLEAN", "TRUE", True),
        ("bool", "0", False),
        ("DATE", "2024-02-29", date(2024, 2, 29)),
        ("DATE", "2024-2-9", date(2024, 2, 9)),
        ("TIME", "23:59:59.999999", time(23, 59, 59, 999999)),
        ("TIMESTAMP", "2024-02-29T10:00:00", datetime.fromisoformat("2024-02-29 10:00:00")),
        ("TIMESTAMP", "2024-02-29 10:00:00.123456", datetime.fromisoformat("2024-02-29 10:00:00.123456")),
        ("TIMESTAMP", "2024-02-29", datetime.fromisoformat("2024-02-29 00:00:00")),
        ("TIMESTAMPTZ", "2024-02-29 10:00:00+02:30", datetime(2024, 2, 29, 7, 30, tzinfo=UTC)),
        ("timestamp with time zone", "2024-02-29T10:00:00Z", datetime(2024, 2, 29, 10, tzinfo=UTC)),
        ("TEXT", " 007 ", " 007 "),
    ],
)
def test_declared_types_are_read_exactly(files: Any, type_name: str, text: str, value: Any) -> None:
    files.put("a.csv", f"k,v\n1,{text}\n2,\n")
    found = values(files.read_csv("a.csv", schema={"v": type_name}))
    assert found == [value, None]
    assert str(found[0]) == str(value)


@pytest.mark.parametrize(
    ("type_name", "text"),
    [
        *[
            ("BIGINT", text)
            for text in ("1.5", "1e3", "0x1f", "1_000", "9223372036854775808", "abc", " ", "1,5")
        ],
        ("TINYINT", "128"),
        ("UINTEGER", "-1"),
        *[
            ("DECIMAL(12,2)", text)
            for text in ("1.239", "1e2", "1_0.5", "12345678901.00", "1.2e-9", "0x1", "nan")
        ],
        *[("DECIMAL(12,5)", text) for text in ("1.2e-9", "1.e-4", "1_0.12345")],
        *[("DOUBLE", text) for text in ("1e400", "1_0.5", "0x1p3", "1,5", "one", "1.5.2", "")],
        ("FLOAT", "1e39"),
        *[("BOOLEAN", text) for text in ("2", "on", "maybe", "yes")],
        *[("DATE", text) for text in ("2024-01-01 10:00", "2023-02-29", "infinity", "epoch", "01/02/2024")],
        *[("TIME", text) for text in ("10:00:00.1234567", "10:00:00+02", "24:00:00", "25:00", "10")],
        *[
            ("TIMESTAMP", text)
            for text in (
                "2024-01-01 10:00:00+02:00",
                "2024-01-01 10:00:00Z",
                "2024-01-01 10:00:00.1234567",
                "infinity",
                "2024-01-01 10:00:00 UTC",
                "2024-1-01 10:00:00Z",
                "2024-13-01 00:00:00",
            )
        ],
        *[
            ("TIMESTAMPTZ", text)
            for text in (
                "2024-01-01 10:00:00",
                "2024-01-01 10:00:00.1234567Z",
                "2024-01-01 10:00:00 Europe/Prague",
            )
        ],
    ],
)
def test_what_does_not_fit_a_declared_type_is_refused(files: Any, type_name: str, text: str) -> None:
    files.put("a.csv", f'k,v\n1,\n2,"{text}"\n')
    with pytest.raises(DataError) as raised:
        files.read_csv("a.csv", schema={"v": type_name})
    assert raised.value.code == "DAT011"
    assert (raised.value.where.file, raised.value.where.line) == ("a.csv", 3)
    assert raised.value.details["column"] == "v"
    assert "VARCHAR" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("texts", "type_name"),
    [
        (["0", "-12", "999999999999999999"], "BIGINT"),
        (["00501", "12345"], "VARCHAR"),
        (["+5", "6"], "VARCHAR"),
        (["-0"], "VARCHAR"),
        (["1234567890123456789"], "VARCHAR"),
        (["1e5"], "VARCHAR"),
        (["1.50", "-0.25"], "DECIMAL(18,2)"),
        (["1.5", "2"], "DECIMAL(18,1)"),
        (["1.5", "2.25", "-3"], "DECIMAL(18,2)"),
        (["1.00", "01.00"], "VARCHAR"),
        (["1.0", "-0.0"], "VARCHAR"),
        ([".5"], "VARCHAR"),
        (["12345678901234567890.5"], "DECIMAL(38,1)"),
        (["1234567890123456789012345678901234567890.5"], "VARCHAR"),
        (["true", "false"], "BOOLEAN"),
        (["true", "TRUE"], "VARCHAR"),
        (["2024-02-29"], "DATE"),
        (["2023-02-29"], "VARCHAR"),
        (["2024-2-9"], "VARCHAR"),
        (["2024-02-29", "2024-02-29 10:00:00"], "VARCHAR"),
        (["2024-02-29 10:00:00", "2024-02-29 10:00:00.5"], "TIMESTAMP"),
        (["2024-02-29 10:00:00.50"], "VARCHAR"),
        (["2024-02-29T10:00:00"], "VARCHAR"),
        (["2024-02-29 24:00:00"], "VARCHAR"),
        (["infinity"], "VARCHAR"),
        (["NULL", "NA", "\\N", "nan"], "VARCHAR"),
        (["", ""], "VARCHAR"),
        (["1", " 2"], "VARCHAR"),
    ],
)
def test_types_are_inferred_only_where_nothing_changes(files: Any, texts: list[str], type_name: str) -> None:
    files.put("a.csv", "k,v\n" + "".join(f"1,{text}\n" for text in texts))
    table = files.read_csv("a.csv")
    assert files.ctx.event("schema_inferred")["columns"] == {"k": "BIGINT", "v": type_name}
    assert len(table) == len(texts)


def test_the_inferred_schema_can_be_pasted_into_the_pipeline(files: Any) -> None:
    files.put("a.csv", 'id,"no","a ""b"": c",zip\n1,2.5,x,00501\n')
    files.read_csv("a.csv")
    event = files.ctx.event("schema_inferred")
    pinned = yaml.safe_load(event["pin"])
    assert pinned == {
        "schema": {"id": "BIGINT", "no": "DECIMAL(18,1)", 'a "b": c': "VARCHAR", "zip": "VARCHAR"}
    }
    assert (files.ctx.artifacts_dir / "schema.yaml").read_text() == event["pin"]
    assert event["rows_sampled"] == 1
    files.read_csv("a.csv", **pinned)
    assert not files.ctx.events


def test_numbers_that_get_another_text_are_reported(files: Any, caplog: pytest.LogCaptureFixture) -> None:
    files.put("a.csv", "v,w\n1.5,1.5\n2.25,2.5\n")
    assert values(files.read_csv("a.csv")) == [Decimal("1.50"), Decimal("2.25")]
    assert files.ctx.event("schema_inferred")["normalised"] == ["v"]
    assert "v" in caplog.text


def test_a_null_among_numbers_of_one_scale_changes_no_text(files: Any) -> None:
    files.put("a.csv", "v,w\n1.10,1\n,2\n3.30,3\n")
    assert values(files.read_csv("a.csv")) == [Decimal("1.10"), None, Decimal("3.30")]
    assert files.ctx.event("schema_inferred")["normalised"] == []


@pytest.mark.parametrize(
    ("first", "late"),
    [
        ("1", "007"),
        ("1", "1.0"),
        ("1.50", "1.5"),
        ("1.5", "1.25"),
        ("true", "True"),
        ("2024-01-01", "2024-1-2"),
        ("2024-01-01 00:00:00", "2024-01-01T00:00:00"),
        ("2024-01-01 00:00:00", "2024-01-01"),
    ],
)
def test_a_late_row_that_breaks_the_inferred_form_is_refused(
    files: Any, monkeypatch: pytest.MonkeyPatch, first: str, late: str
) -> None:
    monkeypatch.setattr("osiris.connectors.filesystem.csv_inference.SAMPLE_ROWS", 10)
    files.put("a.csv", "k v\n".replace(" ", ",") + f"1,{first}\n" * 20 + f"1,{late}\n")
    with pytest.raises(DataError) as raised:
        files.read_csv("a.csv")
    assert (raised.value.code, raised.value.where.line) == ("DAT012", 22)
    assert repr(late) in raised.value.message
    assert "schema: {v: VARCHAR}" in (raised.value.hint or "")
    assert len(files.read_csv("a.csv", schema={"v": "VARCHAR"})) == 21


@given(st.data())
def test_inference_never_changes_a_text_unless_it_says_so(
    new_files: Callable[[], Any], data: st.DataObject
) -> None:
    texts = data.draw(st.lists(_TEXTS, min_size=1, max_size=6))
    files = new_files()
    files.put("a.csv", "k,v\n" + "".join(f"1,{text}\n" for text in texts))
    table = files.read_csv("a.csv")
    normalised = files.ctx.event("schema_inferred")["normalised"]
    for text, value in zip(texts, values(table), strict=True):
        if "v" in normalised:
            assert text == "" or Decimal(text) == value
        else:
            assert _as_text(value) == text


_TEXTS = st.one_of(
    st.from_regex(r"[+-]?[0-9]{0,4}([.][0-9]{0,3})?(e[0-9])?", fullmatch=True),
    st.from_regex(r"-?[0-9][.][0-9]{1,3}", fullmatch=True),
    st.from_regex(
        r"20[012][0-9]-[01][0-9]-[0123][0-9]( [012][0-9]:[0-6]0:00([.][0-9]{1,3})?)?", fullmatch=True
    ),
    st.sampled_from(["true", "false", "True", "", "NULL", "nan", "inf", "-", "0", "-0", "00", "infinity"]),
)


def _as_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Decimal():
            return format(value, "f")
        case datetime():
            text = value.isoformat(sep=" ")
            return text.rstrip("0") if "." in text else text
    return str(value)


def test_null_and_empty_text_stay_apart(files: Any) -> None:
    files.put("a.csv", 'v,w\n,""\n"",\nNULL,NA\n')
    table = files.read_csv("a.csv")
    assert (values(table), values(table, "w")) == ([None, "", "NULL"], ["", None, "NA"])


def test_null_values_count_only_without_quotes(files: Any) -> None:
    files.put("a.csv", 'v,w\nNA,1\n"NA",-\n')
    table = files.read_csv("a.csv", null_values=["NA", "-"])
    assert (values(table), values(table, "w")) == ([None, "NA"], [1, None])


@pytest.mark.parametrize(
    ("content", "config", "expected"),
    [
        ("v|w\n1|2\n", {"delimiter": "|"}, {"v": [1], "w": [2]}),
        ("v\tw\n1\t2\n", {"delimiter": "\t"}, {"v": [1], "w": [2]}),
        ("v,w\n'a,''b',2\n", {"quote": "'"}, {"v": ["a,'b"], "w": [2]}),
        ('v,w\n"a,2\n', {"quote": ""}, {"v": ['"a'], "w": [2]}),
        ("1,2\n3,4\n", {"header": False}, {"column0": [1, 3], "column1": [2, 4]}),
        ("1,2\n", {"header": False, "columns": ["b", "a"]}, {"b": [1], "a": [2]}),
        ("v,w\n1,2\n", {"columns": ["w"]}, {"w": [2]}),
        ("v,w,x\n1,2,3\n", {"columns": ["x", "v"]}, {"x": [3], "v": [1]}),
        ("\ufeffv,w\n1,2\n", {}, {"v": [1], "w": [2]}),
        ("v,w\r\n1,2\r\n", {}, {"v": [1], "w": [2]}),
        ("v,w\r1,2\r", {}, {"v": [1], "w": [2]}),
        ('v,w\n"a\r\nb",2\n', {}, {"v": ["a\r\nb"], "w": [2]}),
        ("v,w\n1,2", {}, {"v": [1], "w": [2]}),
        ("v,w\n\n1,2\n\n", {}, {"v": [1], "w": [2]}),
        ("v\n\nx\n\n", {}, {"v": [None, "x", None]}),
        ("v,V\n1,2\n", {}, {"v": [1], "V": [2]}),
        ('"a ""b""","c\nd",é😀\n1,2,3\n', {}, {'a "b"': [1], "c\nd": [2], "é😀": [3]}),
        ("v,w\n#1,2\n", {}, {"v": ["#1"], "w": [2]}),
        ('v,w\n"a\0b",2\n', {}, {"v": ["a\0b"], "w": [2]}),
        ("v,w\n", {}, {"v": [], "w": []}),
        ('v, "w"\n1, "x, y"\n', {}, {"v": [1], "w": ["x, y"]}),
        ('v, "w, x","y"\n1, "a,",\n', {}, {"v": [1], "w, x": ["a,"], "y": [None]}),
        ("v,w\n =1+1 ,@x\n", {}, {"v": [" =1+1 "], "w": ["@x"]}),
    ],
)
def test_csv_in_all_its_forms(
    files: Any, content: str, config: dict[str, Any], expected: dict[str, Any]
) -> None:
    files.put("a.csv", content)
    assert files.read_csv("a.csv", **config).to_pydict() == expected


@pytest.mark.parametrize("pack", [gzip.compress, lambda raw: pa.compress(raw, "zstd", asbytes=True)])
def test_compressed_files_by_option_and_by_name(files: Any, pack: Callable[[bytes], bytes]) -> None:
    codec = "gzip" if pack is gzip.compress else "zstd"
    packed = pack(b"v\n1\n")
    files.put("a.csv.gz" if codec == "gzip" else "a.csv.zst", packed)
    files.put("b.bin", packed)
    assert values(files.read_csv("a.csv.*")) == [1]
    assert values(files.read_csv("b.bin", compression=codec)) == [1]
    files.put("plain.gz", "v\n1\n")
    assert values(files.read_csv("plain.gz", compression="none")) == [1]


def test_many_files_are_read_in_name_order_and_by_column_name(files: Any) -> None:
    files.put("in/2.csv", "w,v\nb,2\n")
    files.put("in/1.csv", "v,w\n1,a\n")
    files.put("in/deep/3.csv", "v,w\n3,c\n")
    files.put("in/1.csv.osiris.json.txt", "")
    assert files.read_csv("in/**/*.csv").to_pydict() == {"v": [1, 2, 3], "w": ["a", "b", "c"]}
    assert values(files.read_csv("in/[12].csv")) == [1, 2]


def test_a_type_is_inferred_over_all_files(files: Any) -> None:
    files.put("1.csv", "v\n1\n")
    files.put("2.csv", "v\nx\n")
    assert values(files.read_csv("*.csv")) == ["1", "x"]


@pytest.mark.parametrize("name", ["a[1].csv", "a*.csv", "k=v/a.csv", "a?b.csv", "é 'x'.csv"])
def test_names_that_look_like_patterns_are_taken_literally(files: Any, name: str) -> None:
    files.put(name, "v\n1\n")
    files.put("a1.csv", "v\n2\n")
    assert files.read_csv(name).to_pydict() == {"v": [1]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("v,w\n3,4\n", None),
        ("v,x\n3,4\n", "lacks column 'w'"),
        ("v,w,x\n3,4,5\n", "extra column 'x'"),
    ],
)
def test_files_of_one_step_have_the_same_columns(files: Any, content: str, message: str | None) -> None:
    files.put("1.csv", "v,w\n1,2\n")
    files.put("2.csv", content)
    if message is None:
        assert len(files.read_csv("*.csv")) == 2
        return
    with pytest.raises(DataError, match=message) as raised:
        files.read_csv("*.csv")
    assert (raised.value.code, raised.value.where.file) == ("DAT007", "2.csv")


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"schema": {"v": "BIGNT"}}, "DAT010"),
        ({"schema": {"v": "DECIMAL(39,2)"}}, "DAT010"),
        ({"schema": {"v": "DECIMAL(4,5)"}}, "DAT010"),
        ({"schema": {"v": "HUGEINT"}}, "DAT010"),
        ({"schema": {"vv": "BIGINT"}}, "DAT008"),
        ({"columns": ["x"]}, "DAT008"),
    ],
)
def test_a_config_that_does_not_fit_the_file(files: Any, config: dict[str, Any], code: str) -> None:
    files.put("a.csv", "v\n1\n")
    with pytest.raises(PipelineError) as raised:
        files.read_csv("a.csv", **config)
    assert raised.value.code == code
    assert raised.value.hint


def test_check_finds_problems_without_a_file() -> None:
    found = FilesystemCsvExtractorDriver().check({"path": "../x", "schema": {"v": "BIGNT", "w": "DATE"}}, ())
    assert [(problem.field, problem.code) for problem in found] == [("path", "FIL001"), ("schema", "DAT010")]


@pytest.mark.parametrize(
    ("config", "field"),
    [
        *[({"delimiter": character}, "delimiter") for character in ("\0", "\n", "\r", "\ufeff")],
        *[({"quote": character}, "quote") for character in ("\0", "\n", "\r", " ", "«")],
        ({"delimiter": '"'}, "quote"),
        ({"delimiter": ";", "quote": ";"}, "quote"),
        *[({"null_values": ["NA", word]}, "null_values") for word in ("a,b", '"NA"', "x\ny", "\r", "\0")],
        ({"quote": "'", "null_values": ["'"]}, "null_values"),
    ],
)
def test_characters_that_tell_nothing_apart_are_refused(
    files: Any, config: dict[str, Any], field: str
) -> None:
    (found,) = FilesystemCsvExtractorDriver().check({"path": "a.csv"} | config, ())
    assert (found.field, found.code) == (field, "FIL011")
    assert found.hint
    files.put("a.csv", "v,w\n1,2\n")
    with pytest.raises(PipelineError) as raised:
        files.read_csv("a.csv", **config)
    assert (raised.value.code, raised.value.message) == ("FIL011", found.message)


def test_check_takes_characters_that_do_their_work() -> None:
    for config in ({"delimiter": "\t"}, {"quote": ""}, {"delimiter": "§"}, {"null_values": ["", "-", "N A"]}):
        assert FilesystemCsvExtractorDriver().check({"path": "a.csv"} | config, ()) == []


def test_a_file_that_does_not_fit_its_sidecar_is_refused(files: Any) -> None:
    table = pa.table({"v": [1, 2, 3]})
    path = files.write_csv(table, "a.csv")
    assert len(files.read_csv("a.csv")) == 3
    path.write_text("v\n1\n2\n")
    with pytest.raises(DataError) as raised:
        files.read_csv("a.csv")
    assert raised.value.code == "FIL008"


def test_rows_are_compared_with_the_sidecar_at_the_end(files: Any) -> None:
    path = files.write_csv(pa.table({"v": [1, 2, 3]}), "a.csv")
    sidecar = path.with_name("a.csv.osiris.json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"rows": 4}))
    with pytest.raises(DataError, match="3 rows") as raised:
        files.read_csv("a.csv")
    assert raised.value.code == "FIL008"


def test_cancelling_stops_the_query(files: Any) -> None:
    files.put("a.csv", "v\n" + "1\n" * 2_000_000)
    ctx = files.context()
    config = {
        "path": "a.csv",
        "schema": {"v": "BIGINT"},
        "resolved_connection": {"base_dir": str(files.base)},
    }
    reader = as_reader(
        FilesystemCsvExtractorDriver().run(step_id="s", config=config, inputs=None, ctx=ctx)["df"]
    )
    reader.read_next_batch()
    ctx.cancel()
    with pytest.raises(Cancelled):
        reader.read_all()
    ctx.finish()
    ctx.cancel()


BAD = [
    ("a,b\n1,2\n1\n", {}, "DAT001", 3),
    ("a,b\n1,2\n3,4,5\n", {}, "DAT001", 3),
    ("a,b\n1,2,\n", {}, "DAT001", 2),
    ("a,b\n1,2\n1,2,,\n", {}, "DAT001", 3),
    ('id, "a, b"\n1, "x,",\n', {}, "DAT001", 2),
    ("a,b\n1,2\n1,2,NA\n", {"null_values": ["NA"]}, "DAT001", 3),
    ("a,b\n" + '1,"x\ny"\n' * 1000 + "1\n", {}, "DAT001", 2002),
    ('a,b\n1,"x" \n2, "y\n"\n5" p,  "z\n1,2,3\n', {}, "DAT001", 6),
    ("a,b\r1,2\r\r3\r", {}, "DAT001", 4),
    ('a,b\n1,2\n"1,2\n3,4\n', {}, "DAT002", 3),
    ('a,b\n"1"x,2\n', {}, "DAT002", 2),
    ('a,b\n1,"2" \n1, "2"x\n', {}, "DAT002", 3),
    (b"a,b\n1,2\n\xff,1\n", {}, "DAT003", 3),
    (b"a,b\n1,caf\xe9\n", {}, "DAT003", 2),
    (b"\xff,b\n1,1\n", {}, "DAT003", 1),
    ("v,w\n".encode("utf-16"), {}, "DAT003", 1),
    ("a,b\n" + "1,2\n" * 300 + "x" * 5000 + ",1\n", {"max_line_bytes": 1000}, "DAT004", 302),
    ("a,b\n" + "é" * 600 + ",1\n", {"max_line_bytes": 1000}, "DAT004", 2),
    ("x" * 5000 + ",b\n", {"max_line_bytes": 1000}, "DAT004", 1),
    ('"' + "x\n" * 5000, {"max_line_bytes": 1000}, "DAT004", 1),
    ("a,b\n1,2\r\n3,4\n", {}, "DAT005", 2),
    ("a,b\r\n1,2\r\n3,4\n", {}, "DAT005", 3),
    ("a,b\r1,2\r3,4\r\n", {}, "DAT005", 3),
    ("a,a\n1,2\n", {}, "DAT006", 1),
    ("a,\n1,2\n", {}, "DAT006", 1),
    ("a,b\0\n1,2\n", {}, "DAT006", 1),
    ('a,"b\0"\n1,2\n', {}, "DAT006", 1),
    ("v,w\n1,2\n".encode("utf-16-le"), {}, "DAT006", 1),
    ("", {}, "DAT006", 1),
    ("", {"header": False}, "DAT006", None),
    ("1,2\n", {"header": False, "columns": ["a"]}, "DAT006", None),
]


@pytest.mark.parametrize("piece", [5, 1 << 18])
@pytest.mark.parametrize(("content", "config", "code", "line"), BAD)
def test_malformed_files_are_refused_with_their_place(
    files: Any,
    monkeypatch: pytest.MonkeyPatch,
    content: str | bytes,
    config: dict[str, Any],
    code: str,
    line: int | None,
    piece: int,
) -> None:
    monkeypatch.setattr(csv_text, "_PIECE", piece)
    files.put("bad.csv", content)
    with pytest.raises(DataError) as raised:
        files.read_csv("bad.csv", **config)
    assert (raised.value.code, raised.value.where.line) == (code, line)
    assert "bad.csv" in raised.value.message
    assert raised.value.hint
    assert len(raised.value.message) < 200


@pytest.mark.parametrize("piece", [5, 1 << 18])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("v,w\n1,x\n2,y\nx,z\n", 4),
        ('v,w\n1,"x\nx,x\n"\n"x",z\n', 5),
        ("v,w\n1,xx\n\n2,y\nx,z", 5),
        ("\ufeffv,w\r\n1,x\r\n x,2\r\n", 3),
        ('v,w\n1,v\n1,"v"\nv,w\n2,y\n', 4),
        ('v,w\n1,"say ""x"""\n"say ""x""",1\n', 3),
        ('v,w\n,\n"",1\n', 3),
    ],
)
def test_the_line_of_a_value_that_does_not_fit_is_exact(
    files: Any, monkeypatch: pytest.MonkeyPatch, content: str, line: int, name: str, piece: int
) -> None:
    monkeypatch.setattr(csv_text, "_PIECE", piece)
    files.put(name, gzip.compress(content.encode()) if name.endswith("gz") else content)
    with pytest.raises(DataError) as raised:
        files.read_csv(name, schema={"v": "BIGINT", "w": "VARCHAR"})
    assert (raised.value.code, raised.value.where.file, raised.value.where.line) == ("DAT011", name, line)


@pytest.mark.parametrize("content", ["1,x\n" * 100_000, '1,"x"\n' * 100_000, '1,"x\n"\n' * 100_000])
@pytest.mark.parametrize(("bad", "code"), [("y,1\n", "DAT011"), ("1,2,3\n", "DAT001")])
def test_the_search_after_a_failure_passes_over_what_is_in_order(
    files: Any, monkeypatch: pytest.MonkeyPatch, content: str, bad: str, code: str
) -> None:
    """Reading a record closely takes ten times as long."""
    close = []
    monkeypatch.setattr(csv_text, "Record", lambda *fields: close.append(fields) or Record(*fields))
    files.put("a.csv", "v,w\n" + content + bad)
    with pytest.raises(DataError) as raised:
        files.read_csv("a.csv", schema={"v": "BIGINT", "w": "VARCHAR"})
    assert (raised.value.code, raised.value.where.line) == (code, content.count("\n") + 2)
    assert len(close) < 300


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zst"])
@pytest.mark.parametrize("whole", [True, False])
def test_damaged_compression_is_refused(files: Any, name: str, whole: bool) -> None:
    text = "".join(f"{i},{i * 7919 % 1000}\n" for i in range(100_000)).encode()
    packed = gzip.compress(text) if name.endswith("gz") else pa.compress(text, "zstd", asbytes=True)
    files.put(name, b"nothing of the kind" if whole else packed[: len(packed) // 2])
    with pytest.raises(DataError) as raised:
        files.read_csv(name, header=False)
    assert (raised.value.code, raised.value.where.file) == ("DAT009", name)


def test_the_second_of_two_files_is_named(files: Any) -> None:
    files.put("1.csv", "v\n1\n")
    files.put("2.csv", "v\n1\nx\n")
    with pytest.raises(DataError) as raised:
        files.read_csv("*.csv", schema={"v": "BIGINT"})
    assert (raised.value.where.file, raised.value.where.line) == ("2.csv", 3)


def test_a_long_value_is_shortened_in_the_error(files: Any) -> None:
    files.put("a.csv", "v\n" + "9" * 5000 + "\n")
    with pytest.raises(DataError) as raised:
        files.read_csv("a.csv", schema={"v": "BIGINT"})
    assert len(raised.value.message) < 160
    assert raised.value.where.line == 2


def test_a_long_line_is_read_when_it_is_allowed(files: Any) -> None:
    files.put("a.csv", "v,w\n" + "x" * 5_000_000 + ",1\n")
    with pytest.raises(OsirisError, match="max_line_bytes"):
        files.read_csv("a.csv")
    assert len(values(files.read_csv("a.csv", max_line_bytes=6_000_000))[0]) == 5_000_000


@pytest.mark.parametrize("tail", ["", "3,4\n", "3,4\n" * 200_000])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_no_long_line_is_dropped_wherever_it_stands(files: Any, name: str, tail: str) -> None:
    """DuckDB's parallel reader drops a line longer than its buffer near the end of a file."""
    text = ("v,w\n" + "1,2\n" * 1000 + "x" * 9_000_000 + ",1\n" + tail).encode()
    files.put(name, gzip.compress(text, 1) if name.endswith("gz") else text)
    with pytest.raises(DataError) as raised:
        files.read_csv(name, schema={"v": "VARCHAR", "w": "BIGINT"})
    assert (raised.value.code, raised.value.where.line) == ("DAT004", 1002)


@pytest.mark.slow
def test_quoted_line_breaks_across_the_buffers_of_several_threads(files: Any) -> None:
    draw = Random(7)
    cells = ["", "a", 'q"', "x,y", "line\nline", "\r\n", '"\n,"', "é" * 300, "\n" * 50]
    rows = [[str(i), draw.choice(cells), draw.choice(cells) * draw.randint(0, 9)] for i in range(250_000)]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerows([["k", "v", "w"], *rows])
    path = files.put("a.csv", text.getvalue())
    assert path.stat().st_size > 5 * 8_000_000
    table = files.read_csv("a.csv", schema=dict.fromkeys("kvw", "VARCHAR"))
    assert [list(row.values()) for row in table.to_pylist()] == rows


@pytest.mark.slow
def test_a_line_of_100_mb_is_refused_by_default_and_can_be_allowed(files: Any) -> None:
    files.put("a.csv", "v,w\n" + "1,2\n" * 1000 + "x" * 100_000_000 + ",1\n")
    with pytest.raises(DataError) as raised:
        files.read_csv("a.csv")
    assert (raised.value.code, raised.value.where.line) == ("DAT004", 1002)
    assert files.read_csv("a.csv", max_line_bytes=110_000_000).num_rows == 1001


@pytest.mark.parametrize("text", ["2024-1-1 9:00+05:30", "2024-01-01 10:00:0Z", "1-1-1 10:00:00-05:30"])
def test_a_zone_never_gets_lost_in_a_timestamp(files: Any, text: str) -> None:
    files.put("a.csv", f"at\n{text}\n")
    with pytest.raises(DataError) as raised:
        files.read_csv("a.csv", schema={"at": "TIMESTAMP"})
    assert raised.value.code == "DAT011"


@pytest.mark.slow
def test_prose_with_line_breaks_is_read_in_one_piece_however_long(files: Any) -> None:
    texts = [f'He said: "line {n}"\nand went on,\r\nfor a while. ' * 8 for n in range(40_000)]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([["n", "t"], *enumerate(texts)])
    files.put("a.csv", buffer.getvalue().encode())
    assert files.read_csv("a.csv", schema={"n": "BIGINT"})["t"].to_pylist() == texts
