"""`filesystem.jsonl_extractor`: lines as they are, each value exact or refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from osiris.connectors.filesystem.connection import FilesystemConnector
from osiris.core import DiscoveryRequest, as_reader, source_columns
from osiris.drivers.filesystem_jsonl_extractor_driver import FilesystemJsonlExtractorDriver
from osiris.errors import Cancelled, DataError, OsirisError, PipelineError

JSON = "extension<arrow.json>"


def values(table: pa.Table, column: str = "v") -> list[Any]:
    return list(table.column(column).to_pylist())


def lines(*texts: str) -> str:
    """One object per value, in a key of its own name."""
    return "".join(f'{{"v": {text}}}\n' for text in texts)


def test_capability_streaming(files: Any) -> None:
    """The stream exists before the rows are read, and comes in batches of bounded size."""
    files.put("a.jsonl", "".join(f'{{"v":{i},"w":"{"x" * 50}"}}\n' for i in range(300_000)))
    ctx = files.context()
    config = {"path": "a.jsonl", "resolved_connection": {"base_dir": str(files.base)}}
    rows = FilesystemJsonlExtractorDriver().run(step_id="s", config=config, inputs=None, ctx=ctx)["df"]
    reader = as_reader(rows)
    assert reader.schema.names == ["v", "w"]
    assert ctx.metric("rows_read") == 0
    batches = list(reader)
    assert sum(batch.num_rows for batch in batches) == 300_000 == ctx.metric("rows_read")
    assert [batch.column("v")[0].as_py() for batch in batches[1:]] == [
        batch.column("v")[-1].as_py() + 1 for batch in batches[:-1]
    ]
    assert max(batch.nbytes for batch in batches) < 12 << 20
    assert ctx.metric("bytes_read") == (files.base / "a.jsonl").stat().st_size
    ctx.finish()


def test_capability_discover(files: Any) -> None:
    files.put("deep/a.jsonl", '{"id":1,"zip":"00501","amount":1.5,"tags":[]}\n')
    files.put("bad.ndjson", "[1]\n")
    connector = FilesystemConnector({"base_dir": str(files.base)})
    bad, good = connector.discover(DiscoveryRequest()).relations
    assert (good.name, good.rows, good.rows_exact) == ("deep/a.jsonl", 1, True)
    assert [(column.name, column.source_type, column.arrow_type) for column in good.columns] == [
        ("id", "BIGINT", "int64"),
        ("zip", "VARCHAR", "string"),
        ("amount", "DOUBLE", "double"),
        ("tags", "JSON", JSON),
    ]
    assert (bad.comment or "").startswith("DAT030")


@pytest.mark.parametrize(
    ("content", "config", "expected"),
    [
        ('{"v":1,"w":"a"}\n{"w":"b","v":2}\n', {}, {"v": [1, 2], "w": ["a", "b"]}),
        ('{"v":1}\n{"w":true}\n{}\n', {}, {"v": [1, None, None], "w": [None, True, None]}),
        ('{"v":null}\n{"v":1}\n', {}, {"v": [None, 1]}),
        ('{"v":1}\n\n  \n{"v":2}', {}, {"v": [1, 2]}),
        ('{"v":1}\r\n{"v":2}\r\n', {}, {"v": [1, 2]}),
        ('{"v":1}\r\n{"v":2}\n{"v":3}\r', {}, {"v": [1, 2, 3]}),
        (' \t{ "v" :\t1 , "w" : 2 } \n', {}, {"v": [1], "w": [2]}),
        ('{"v":1,"V":2}\n', {}, {"v": [1], "V": [2]}),
        ('{"a b":1,"ab":2}\n{"ab":3}\n', {}, {"a b": [1, None], "ab": [2, 3]}),
        ('{"\\u00e9":1,"a\\"b":2,"/~0":3,"0":4,"-1":5,"*":6,"$.v":7}\n', {},
         {"é": [1], 'a"b': [2], "/~0": [3], "0": [4], "-1": [5], "*": [6], "$.v": [7]}),
        ('{"v":1,"w":2,"x":3}\n', {"columns": ["x", "v"]}, {"x": [3], "v": [1]}),
        ('{"v":"\\u0000\\ud83d\\ude00\\/\\"\\\\n\\t","w":""}\n', {}, {"v": ['\0😀/"\\n\t'], "w": [""]}),
        ('{"v":"NaN","w":"Infinity"}\n', {}, {"v": ["NaN"], "w": ["Infinity"]}),
    ],
)  # fmt: skip
def test_json_lines_in_all_their_forms(
    files: Any, content: str, config: dict[str, Any], expected: dict[str, Any]
) -> None:
    files.put("a.jsonl", content)
    assert files.read_jsonl("a.jsonl", **config).to_pydict() == expected


@pytest.mark.parametrize(
    ("type_name", "text", "value"),
    [
        ("bigint", "-9223372036854775808", -(2**63)),
        ("UBIGINT", "18446744073709551615", 2**64 - 1),
        ("BIGINT", '"9007199254740993"', 2**53 + 1),
        ("BIGINT", "5.0", 5),
        ("INTEGER", "1.20e2", 120),
        ("DECIMAL(12,2)", "-1234567890.5", Decimal("-1234567890.50")),
        ("DECIMAL(12,2)", "12.5000", Decimal("12.50")),
        ("DECIMAL(12,2)", "1E+3", Decimal("1000.00")),
        ("DECIMAL(38,30)", "0.100000000000000005551115123126", Decimal("0.100000000000000005551115123126")),
        ("DECIMAL(38,0)", "9" * 38, Decimal("9" * 38)),
        ("DECIMAL(3,1)", '"0.5"', Decimal("0.5")),
        ("DOUBLE", "1e300", 1e300),
        ("DOUBLE", "-0.0", -0.0),
        ("DOUBLE", "0.1000000000000000055511151231257827", 0.1),
        ("DOUBLE", '"-Infinity"', float("-inf")),
        ("FLOAT", "0.5", 0.5),
        ("BOOLEAN", "true", True),
        ("BOOLEAN", '"false"', False),
        ("DATE", '"2024-02-29"', date(2024, 2, 29)),
        ("TIME", '"23:59:59.999999"', time(23, 59, 59, 999999)),
        ("TIMESTAMP", '"2024-02-29T10:00:00.5"', datetime.fromisoformat("2024-02-29 10:00:00.5")),
        ("TIMESTAMPTZ", '"2024-02-29T10:00:00+02:30"', datetime(2024, 2, 29, 7, 30, tzinfo=UTC)),
        ("VARCHAR", '" 007 "', " 007 "),
        ("VARCHAR", "1.50", "1.50"),
        ("VARCHAR", "1e400", "1e400"),
        ("VARCHAR", "true", "true"),
        ("VARCHAR", '"{\\"a\\": 1}"', '{"a": 1}'),
        ("JSON", "1.50", "1.50"),
        ("JSON", '"\\u00e9\\/"', '"\\u00e9\\/"'),
        ("JSON", '{ "x": [1.0, 1E5,\t"a b"] }', '{"x":[1.0,1E5,"a b"]}'),
    ],
)  # fmt: skip
def test_declared_types_are_read_exactly(files: Any, type_name: str, text: str, value: Any) -> None:
    files.put("a.jsonl", lines(text, "null") + "{}\n")
    found = values(files.read_jsonl("a.jsonl", schema={"v": type_name}))
    assert found == [value, None, None]
    assert str(found[0]) == str(value)


@pytest.mark.parametrize(
    ("type_name", "text"),
    [
        *[("BIGINT", text) for text in ("1.5", "9223372036854775808", '"5.0"', '"x"', "true", "[1]", "1e-1")],
        ("TINYINT", "128"),
        ("UINTEGER", "-1"),
        *[("DECIMAL(12,2)", text) for text in ("1.239", "12345678901.00", '"1e2"', '""', "{}", "1e-3")],
        *[("DECIMAL(12,2)", text) for text in ("1e400", "1e999999999999999999999")],
        *[("DOUBLE", text) for text in ("1e400", '"one"', '"1_0"', "{}", "false")],
        *[("BOOLEAN", text) for text in ("2", '"maybe"', "[]", "1.0")],
        *[("DATE", text) for text in ('"2024-01-01 10:00"', '"01/02/2024"', "20240101")],
        ("TIME", '"24:00:00"'),
        *[("TIMESTAMP", text) for text in ('"2024-01-01 10:00:00Z"', "1704", '"2024-01-01 0:00:00.1234567"')],
        ("TIMESTAMPTZ", '"2024-01-01 10:00:00"'),
        *[("VARCHAR", text) for text in ("{}", "[]", '{"a": 1}')],
    ],
)  # fmt: skip
def test_what_does_not_fit_a_declared_type_is_refused(files: Any, type_name: str, text: str) -> None:
    files.put("a.jsonl", "{}\n\n" + lines(text))
    with pytest.raises(DataError) as raised:
        files.read_jsonl("a.jsonl", schema={"v": type_name})
    assert raised.value.code == "DAT011"
    assert (raised.value.where.file, raised.value.where.line) == ("a.jsonl", 3)
    assert raised.value.details["column"] == "v"
    assert "schema: {v: JSON}" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("texts", "type_name"),
    [
        (["0", "-12", "9223372036854775807"], "BIGINT"),
        (["12345678901234567890", "1"], "DECIMAL(38,0)"),
        (["1" * 39], "JSON"),
        (['"00501"', '"12345"'], "VARCHAR"),
        (['"2024-02-29"'], "VARCHAR"),
        (["true", "false", "null"], "BOOLEAN"),
        (["0.1", "1", "-2.5", "1e-7", "1E-07", "1e+300", "-0", "3.0", "0.00001"], "DOUBLE"),
        (["0.1", "9007199254740993"], "DECIMAL(18,1)"),
        (["0.1", "9007199254740992"], "DOUBLE"),
        (["1.50", "3.99"], "DECIMAL(18,2)"),
        (["1.50", "3.9", "2"], "DECIMAL(18,2)"),
        (["0.1000000000000000055511151231257827"], "DECIMAL(38,34)"),
        (["0." + "1" * 39], "JSON"),
        (["1e400"], "JSON"),
        (["1e-400"], "JSON"),
        (["1.50e3"], "JSON"),
        (["1", '"1"'], "JSON"),
        (["true", "1"], "JSON"),
        (["{}", "[]", '"x"', "null"], "JSON"),
        (["null"], "VARCHAR"),
    ],
)  # fmt: skip
def test_types_are_inferred_only_where_nothing_changes(files: Any, texts: list[str], type_name: str) -> None:
    files.put("a.jsonl", "".join(f'{{"k":1,"v":{text}}}\n' for text in texts))
    found = values(files.read_jsonl("a.jsonl"))
    assert files.ctx.event("schema_inferred")["columns"] == {"k": "BIGINT", "v": type_name}
    expected = [None if text == "null" else text for text in texts]
    if type_name == "JSON":
        assert found == expected
    elif type_name in ("BIGINT", "DOUBLE") or type_name.startswith("DECIMAL"):
        assert [Decimal(str(value)) for value in found] == [Decimal(text) for text in texts]


def test_the_inferred_schema_can_be_pasted_into_the_pipeline(files: Any) -> None:
    files.put("a.jsonl", '{"id":1,"no":2.5,"a \\"b\\": c":"x","tags":["a"]}\n')
    files.read_jsonl("a.jsonl")
    event = files.ctx.event("schema_inferred")
    pinned = yaml.safe_load(event["pin"])
    assert pinned == {"schema": {"id": "BIGINT", "no": "DOUBLE", 'a "b": c': "VARCHAR", "tags": "JSON"}}
    assert (files.ctx.artifacts_dir / "schema.yaml").read_text() == event["pin"]
    assert event["rows_sampled"] == 1
    files.read_jsonl("a.jsonl", **pinned)
    assert not files.ctx.events


def test_numbers_that_get_another_text_are_reported(files: Any, caplog: pytest.LogCaptureFixture) -> None:
    files.put("a.jsonl", '{"v":1.50,"w":1.50}\n{"v":2.5,"w":2.25}\n')
    assert values(files.read_jsonl("a.jsonl")) == [Decimal("1.50"), Decimal("2.50")]
    assert files.ctx.event("schema_inferred")["normalised"] == ["v"]
    assert "v" in caplog.text


def test_a_value_that_is_missing_has_no_number_of_decimals(files: Any) -> None:
    files.put("a.jsonl", '{"v":1.50}\n{"v":null}\n{"w":1}\n')
    assert values(files.read_jsonl("a.jsonl")) == [Decimal("1.50"), None, None]
    assert files.ctx.event("schema_inferred")["normalised"] == []


@pytest.fixture
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osiris.connectors.filesystem.jsonl_reader.SAMPLE_ROWS", 10)


@pytest.mark.usefixtures("small_sample")
@pytest.mark.parametrize(
    ("first", "late"),
    [
        ("1", '"1"'),
        ("1", "1.5"),
        ("1", "true"),
        ("1", "9223372036854775808"),
        ("0.5", "0.1000000000000000055511151231257827"),
        ("0.5", "9007199254740993"),
        ("0.5", '"0.5"'),
        ("1.50", "1.505"),
        ("true", "1"),
        ("true", '"true"'),
        ('"x"', "1"),
        ('"x"', "true"),
        ('"x"', "{}"),
    ],
)
def test_a_late_value_of_another_kind_is_refused(files: Any, first: str, late: str) -> None:
    files.put("a.jsonl", lines(*[first] * 20, late))
    with pytest.raises(DataError) as raised:
        files.read_jsonl("a.jsonl")
    assert (raised.value.code, raised.value.where.line) == ("DAT012", 21)
    assert late in raised.value.message
    assert "schema: {v: JSON}" in (raised.value.hint or "")
    assert values(files.read_jsonl("a.jsonl", schema={"v": "JSON"})) == [first] * 20 + [late]


@pytest.mark.usefixtures("small_sample")
@pytest.mark.parametrize(("first", "late"), [("1", "2.0"), ("0.5", "1.50"), ("0.5", "7"), ("1.50", "2.5")])
def test_a_late_number_of_another_spelling_is_the_same_number(files: Any, first: str, late: str) -> None:
    files.put("a.jsonl", lines(*[first] * 20, late))
    assert Decimal(str(values(files.read_jsonl("a.jsonl"))[-1])) == Decimal(late)


@pytest.mark.usefixtures("small_sample")
def test_a_key_after_the_sample_is_refused_or_pinned_or_left_out(files: Any) -> None:
    files.put("a.jsonl", lines(*["1"] * 20) + '{"v":1,"vv":"x"}\n')
    with pytest.raises(DataError) as raised:
        files.read_jsonl("a.jsonl")
    assert (raised.value.code, raised.value.where.line, raised.value.details) == ("DAT032", 21, {"key": "vv"})
    assert "schema: {vv: VARCHAR}" in (raised.value.hint or "")
    assert values(files.read_jsonl("a.jsonl", schema={"vv": "VARCHAR"}), "vv") == [None] * 20 + ["x"]
    assert files.read_jsonl("a.jsonl", columns=["v"]).num_rows == 21


def test_columns_that_nobody_reads_are_left_out(files: Any) -> None:
    files.put("a.jsonl", '{"v":1,"w":"x","W2":2}\n{"v":2,"w":{},"W2":3}\n')
    ctx = files.context()
    config = {
        "path": "a.jsonl",
        "schema": {"w": "BIGINT"},
        "resolved_connection": {"base_dir": str(files.base)},
    }
    rows = FilesystemJsonlExtractorDriver().run(step_id="s", config=config, inputs=None, ctx=ctx)["df"]
    table = rows.project({"w2"}).reader().read_all()
    assert table.to_pydict() == {"W2": [2, 3]}
    assert source_columns(table.schema) == ("v", "w", "W2")
    ctx.finish()


def test_a_declared_key_that_no_row_has_is_told(files: Any) -> None:
    files.put("a.jsonl", lines("1"))
    assert files.read_jsonl("a.jsonl", schema={"w": "DATE"}).to_pydict() == {"v": [1], "w": [None]}
    assert "'w'" in files.ctx.event("warning")["message"]


@pytest.mark.parametrize("config", [{}, {"schema": {"w": "BIGINT"}}])
def test_files_without_rows_have_columns_only_where_they_are_declared(files: Any, config: Any) -> None:
    files.put("a.jsonl", "\n")
    if config:
        assert files.read_jsonl("a.jsonl", **config).to_pydict() == {"w": []}
        return
    with pytest.raises(DataError) as raised:
        files.read_jsonl("a.jsonl")
    assert raised.value.code == "DAT006"


BAD = [
    ("[1]\n", "DAT030", 1),
    ("5\n", "DAT030", 1),
    ('{"v":1}\n"x"\n', "DAT030", 2),
    ('{"v":1}\n{"v":1\n', "DAT030", 2),
    ('{"v":1} {"v":2}\n', "DAT030", 1),
    ('{"v":1}x\n', "DAT030", 1),
    ('{"v":1,}\n', "DAT030", 1),
    ('{"v":[1,]}\n', "DAT030", 1),
    ('{"v" 1}\n', "DAT030", 1),
    ("{'v':1}\n", "DAT030", 1),
    ('{"v":01}\n', "DAT030", 1),
    ('{"v":+1}\n', "DAT030", 1),
    ('{"v":.5}\n', "DAT030", 1),
    ('{"v":NaN}\n', "DAT030", 1),
    ('{"v":-Infinity}\n', "DAT030", 1),
    ('{"v":nan}\n', "DAT030", 1),
    ('{"v":[1,Infinity]}\n', "DAT030", 1),
    ('{"v":1}\n{"v":"\\ud800"}\n', "DAT030", 2),
    ('{"v":"\\udc00\\ud800"}\n', "DAT030", 1),
    ('{"\\ud83d":1}\n', "DAT030", 1),
    ('{"v":{"x":"\\ud800 "}}\n', "DAT030", 1),
    ('{"v":"a\tb"}\n', "DAT030", 1),
    ('{"v":"a\0b"}\n', "DAT030", 1),
    ('{"v":1}\0\n', "DAT030", 1),
    ('{"v":"a\\x41"}\n', "DAT030", 1),
    ('{"v":"a\n"}\n', "DAT030", 1),
    ('// x\n{"v":1}\n', "DAT030", 1),
    ('\ufeff{"v":1}\n', "DAT030", 1),
    ('{"v":' + "[" * 200_000 + "\n", "DAT030", 1),
    ('{"v":1,"v":1}\n', "DAT031", 1),
    ('{"v":1}\n{"v":1,"\\u0076":2}\n', "DAT031", 2),
    (b'{"v":1}\n{"v":"caf\xe9"}\n', "DAT003", 2),
    (b'{"v":"\xed\xa0\x80"}\n', "DAT003", 1),
    ('{"v":1}\n'.encode("utf-16"), "DAT003", 1),
    ('{"v":1}\n' * 3 + '{"v":"' + "x" * 2_000_000 + '"}\n', "DAT004", 4),
    ('{"v":"' + "x" * 9_000_000, "DAT004", 1),
    ('{"":1}\n', "DAT006", None),
    ('{"a\\u0000":1}\n', "DAT006", None),
]  # fmt: skip


@pytest.mark.parametrize(("content", "code", "line"), BAD)
def test_malformed_files_are_refused_with_their_place(
    files: Any, content: str | bytes, code: str, line: int | None
) -> None:
    files.put("bad.jsonl", content)
    with pytest.raises(DataError) as raised:
        files.read_jsonl("bad.jsonl")
    assert (raised.value.code, raised.value.where.file, raised.value.where.line) == (code, "bad.jsonl", line)
    assert "bad.jsonl" in raised.value.message
    assert raised.value.hint
    assert len(raised.value.message) < 200


@pytest.mark.parametrize(("content", "code", "line"), [case for case in BAD if case[2] is not None])
def test_they_are_refused_also_after_the_sample(
    files: Any, content: str | bytes, code: str, line: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osiris.connectors.filesystem.jsonl_reader.SAMPLE_ROWS", 3)
    files.put("1.jsonl", lines(*"12345"))
    files.put("bad.jsonl", content)
    with pytest.raises(DataError) as raised:
        files.read_jsonl("*.jsonl", schema={"v": "JSON"}, columns=["v"])
    assert (raised.value.code, raised.value.where.file, raised.value.where.line) == (code, "bad.jsonl", line)


def test_a_long_line_is_read_when_it_is_allowed(files: Any) -> None:
    files.put("a.jsonl", lines('"' + "x" * 5_000_000 + '"', '"y"'))
    with pytest.raises(OsirisError, match="max_line_bytes"):
        files.read_jsonl("a.jsonl")
    found = values(files.read_jsonl("a.jsonl", max_line_bytes=6_000_000))
    assert [len(text) for text in found] == [5_000_000, 1]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_the_line_end_does_not_count_for_the_longest_line(files: Any, end: str) -> None:
    files.put("a.jsonl", '{"v":"' + "x" * 992 + '"}' + end)
    assert files.read_jsonl("a.jsonl", max_line_bytes=1000).num_rows == 1
    files.put("a.jsonl", '{"v":"' + "x" * 993 + '"}' + end)
    with pytest.raises(DataError, match="max_line_bytes"):
        files.read_jsonl("a.jsonl", max_line_bytes=1000)


@pytest.mark.parametrize("codec", ["none", "gzip", "zstd"])
def test_lines_are_whole_wherever_a_piece_of_the_file_ends(files: Any, codec: str) -> None:
    texts = [f'{{"v":{i},"w":"{"é" * (i % 97)}"}}' + ("\r\n" if i % 3 else "\n") for i in range(120_000)]
    raw = "".join(texts).encode()
    assert len(raw) > 9 << 20
    files.put("a", raw if codec == "none" else pa.compress(raw, codec, asbytes=True))
    assert values(files.read_jsonl("a", compression=codec)) == list(range(120_000))


@pytest.mark.parametrize("pack", [gzip.compress, lambda raw: pa.compress(raw, "zstd", asbytes=True)])
def test_compressed_files_by_option_and_by_name(files: Any, pack: Callable[[bytes], bytes]) -> None:
    codec = "gzip" if pack is gzip.compress else "zstd"
    packed = pack(b'{"v":1}\n')
    files.put("a.jsonl.gz" if codec == "gzip" else "a.jsonl.zst", packed)
    files.put("b.bin", packed)
    assert values(files.read_jsonl("a.jsonl.*")) == [1]
    assert values(files.read_jsonl("b.bin", compression=codec)) == [1]
    files.put("plain.gz", '{"v":1}\n')
    assert values(files.read_jsonl("plain.gz", compression="none")) == [1]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
@pytest.mark.parametrize("size", [0.0, 0.5, -1])
def test_damaged_compression_is_refused(files: Any, name: str, size: float) -> None:
    text = "".join(f'{{"v":{i * 7919 % 1000}}}\n' for i in range(100_000)).encode()
    packed = gzip.compress(text) if name.endswith("gz") else pa.compress(text, "zstd", asbytes=True)
    cut = packed[:-1] if size < 0 else packed[: int(len(packed) * size)]
    files.put(name, cut or b"nothing of the kind")
    with pytest.raises(DataError) as raised:
        files.read_jsonl(name)
    assert (raised.value.code, raised.value.where.file) == ("DAT009", name)


def test_many_files_are_read_in_name_order(files: Any) -> None:
    files.put("in/2.jsonl", '{"v":2,"w":"b"}\n')
    files.put("in/1.jsonl", '{"w":"a","v":1}\n')
    files.put("in/1b.jsonl", "")
    files.put("in/deep/3.jsonl", '{"v":"x"}\n')
    assert files.read_jsonl("in/*.jsonl").to_pydict() == {"w": ["a", "b"], "v": [1, 2]}
    with pytest.raises(DataError) as raised:
        files.read_jsonl("in/**/*.jsonl", schema={"v": "BIGINT"})
    assert (raised.value.where.file, raised.value.where.line) == ("in/deep/3.jsonl", 1)


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"schema": {"v": "BIGNT"}}, "DAT010"),
        ({"schema": {"v": "JSONB"}}, "DAT010"),
        ({"columns": ["x"]}, "DAT008"),
    ],
)
def test_a_config_that_does_not_fit_the_file(files: Any, config: dict[str, Any], code: str) -> None:
    files.put("a.jsonl", lines("1"))
    with pytest.raises(PipelineError) as raised:
        files.read_jsonl("a.jsonl", **config)
    assert raised.value.code == code
    assert raised.value.hint


def test_too_many_keys_are_refused_unless_columns_are_named(files: Any) -> None:
    files.put("a.jsonl", "".join(json.dumps({f"key {i}": i, "v": i}) + "\n" for i in range(2_500)))
    with pytest.raises(DataError) as raised:
        files.read_jsonl("a.jsonl")
    assert raised.value.code == "DAT006"
    assert values(files.read_jsonl("a.jsonl", columns=["v"])) == list(range(2_500))


def test_check_finds_problems_without_a_file() -> None:
    config = {"path": "../x", "schema": {"v": "BIGNT", "w": "json"}}
    found = FilesystemJsonlExtractorDriver().check(config, ())
    assert [(problem.field, problem.code) for problem in found] == [("path", "FIL001"), ("schema", "DAT010")]


def test_rows_are_compared_with_the_sidecar_at_the_end(files: Any) -> None:
    path = files.write_jsonl(pa.table({"v": [1, 2, 3]}), "a.jsonl")
    sidecar = path.with_name("a.jsonl.osiris.json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"rows": 4}))
    with pytest.raises(DataError, match="3 rows") as raised:
        files.read_jsonl("a.jsonl")
    assert raised.value.code == "FIL008"


def test_cancelling_stops_the_query(files: Any) -> None:
    files.put("a.jsonl", '{"v":1}\n' * 2_000_000)
    ctx = files.context()
    config = {
        "path": "a.jsonl",
        "schema": {"v": "BIGINT"},
        "resolved_connection": {"base_dir": str(files.base)},
    }
    rows = FilesystemJsonlExtractorDriver().run(step_id="s", config=config, inputs=None, ctx=ctx)["df"]
    reader = as_reader(rows)
    reader.read_next_batch()
    ctx.cancel()
    with pytest.raises(Cancelled):
        reader.read_all()
    ctx.finish()
    ctx.cancel()


def test_a_long_value_is_shortened_in_the_error(files: Any) -> None:
    files.put("a.jsonl", lines("9" * 5000))
    with pytest.raises(DataError) as raised:
        files.read_jsonl("a.jsonl", schema={"v": "BIGINT"})
    assert len(raised.value.message) < 160


# --- whatever the spelling, the same value ---

_PIECES = ["1.50", "0", "\\", "/", '"', "u00e9", "é", "NaN", "e-07", ",", ":", "}", "a"]
_INSERTS = ["", ",", '"', "{", "}", "[", ":", "0", "\\", "\\ud800", "NaN", " ", "\0", "a", "-", ".", "//"]
_SPACE = st.sampled_from(["", "", "", " ", "  ", "\t"])
_NUMBER = st.one_of(
    st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
    st.integers(-(2**64), 2**64).map(str),
    st.sampled_from(["1e-07", "0.00001", "1e-05", "1.0", "1.00", "-0", "-0.0", "12.50", "1e5", "1E+05"]),
)  # fmt: skip
_TEXT = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
    st.lists(st.sampled_from(_PIECES), max_size=5).map("".join),
)  # fmt: skip


def _string(text: str, ascii_only: bool, slashes: bool) -> str:
    spelled = json.dumps(text, ensure_ascii=ascii_only)
    return spelled.replace("/", "\\/") if slashes else spelled


_STRING = st.builds(_string, _TEXT, st.booleans(), st.booleans())
_SCALAR = st.one_of(_NUMBER, _STRING, st.sampled_from(["true", "false"]))
_VALUE = st.recursive(
    _SCALAR,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
        st.dictionaries(_STRING, inner, max_size=3).map(
            lambda items: "{" + ",".join(f"{key}:{value}" for key, value in items.items()) + "}"
        ),
    ),
    max_leaves=5,
)
_KEYS = ("a", "b c", "é", "d/~", '"')


@st.composite
def _rows(draw: st.DrawFn) -> tuple[list[dict[str, str]], str]:
    """Rows of JSON texts by key, and the file that spells them."""
    rows, text = [], ""
    for _ in range(draw(st.integers(1, 6))):
        row = {key: draw(_VALUE) for key in draw(st.permutations(_KEYS))[: draw(st.integers(0, 5))]}
        s = [draw(_SPACE) for _ in range(4)]
        is_ascii = draw(st.booleans())
        members = f"{s[0]},{s[1]}".join(
            f"{json.dumps(key, ensure_ascii=is_ascii)}{s[2]}:{s[3]}{value}" for key, value in row.items()
        )
        rows.append(row)
        text += f"{s[0]}{{{s[1]}{members}{s[2]}}}{s[3]}\n"
    return rows, text


@given(_rows())
def test_json_columns_hold_each_value_as_it_stands(
    new_files: Callable[[], Any], drawn: tuple[list[dict[str, str]], str]
) -> None:
    rows, text = drawn
    files = new_files()
    files.put("a.jsonl", text)
    found = files.read_jsonl("a.jsonl", schema=dict.fromkeys(_KEYS, "JSON")).to_pylist()
    assert list(map(_plain, found)) == [_plain({key: row.get(key) for key in found[0]}) for row in rows]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row with slashes spelled one way: JSON may escape them, and a value inside a value may lose that."""
    return {key: value.replace("\\/", "/") if isinstance(value, str) else value for key, value in row.items()}


@given(_rows())
def test_inferred_types_change_no_value(
    new_files: Callable[[], Any], drawn: tuple[list[dict[str, str]], str]
) -> None:
    rows, text = drawn
    assume(any(rows))
    files = new_files()
    files.put("a.jsonl", text)
    table = files.read_jsonl("a.jsonl")
    types = files.ctx.event("schema_inferred")["columns"]
    for row, found in zip(rows, table.to_pylist(), strict=True):
        expected = {key: _value(row.get(key), types[key], found[key]) for key in types}
        assert _plain(found) == _plain(expected)


def _value(text: str | None, type_name: str, found: Any) -> Any:
    """What the text means in its column; a number is what was found if that is the same number."""
    if text is None or type_name == "JSON":
        return text
    if type_name in ("VARCHAR", "BOOLEAN"):
        return json.loads(text)
    return found if Decimal(str(found)) == Decimal(text) else Decimal(text)


@given(st.lists(_NUMBER, min_size=1, max_size=8), st.integers(0, 12))
def test_a_declared_decimal_is_the_number_as_written_or_an_error(
    new_files: Callable[[], Any], numbers: list[str], scale: int
) -> None:
    exact = [number for number in numbers if _fits(Decimal(number), 24, scale)]
    files = new_files()
    files.put("a.jsonl", lines(*exact))
    found = values(files.read_jsonl("a.jsonl", schema={"v": f"DECIMAL(24,{scale})"}))
    assert [Decimal(number) for number in exact] == found
    for number in [number for number in numbers if number not in exact][:1]:
        files.put("a.jsonl", lines(number))
        with pytest.raises(DataError):
            files.read_jsonl("a.jsonl", schema={"v": f"DECIMAL(24,{scale})"})


def _fits(number: Decimal, precision: int, scale: int) -> bool:
    """Whether a decimal type holds the number exactly; done with integers, since contexts round."""
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    shifted = int("".join(map(str, digits))) * 10 ** max(0, exponent + scale)
    divisor = 10 ** max(0, -(exponent + scale))
    return shifted % divisor == 0 and shifted // divisor < 10**precision


def _is_strict_object(line: str) -> bool:
    """What Python's own parser says, held to the letter of RFC 8259."""

    def unique(pairs: list[tuple[str, Any]]) -> Any:
        return (len(dict(pairs)) == len(pairs), dict(pairs))

    def refuse(word: str) -> Any:
        raise ValueError(word)

    try:
        found = json.loads(line, object_pairs_hook=unique, parse_constant=refuse, parse_int=str)
        json.dumps(found, ensure_ascii=False).encode()
    except ValueError:
        return False
    return isinstance(found, tuple) and found[0] and all(key.strip() and "\0" not in key for key in found[1])


@given(_rows(), st.integers(0, 10_000), st.sampled_from(_INSERTS), st.integers(0, 2))
def test_a_line_is_taken_if_and_only_if_it_is_one_object(
    new_files: Callable[[], Any], drawn: Any, at: int, insert: str, delete: int
) -> None:
    line = drawn[1].split("\n")[0]
    at %= len(line) + 1
    line = line[:at] + insert + line[at + delete :]
    assume(line.strip(" \t"))
    files = new_files()
    files.put("a.jsonl", line + "\n")
    if _is_strict_object(line):
        assert files.read_jsonl("a.jsonl", schema={"zzz": "JSON"}).num_rows == 1
        return
    with pytest.raises(DataError):
        files.read_jsonl("a.jsonl", schema={"zzz": "JSON"})
