"""Types: exact in both directions, or refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from duckdb import sqltype
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.connectors.duckdb.arrow_types import exact_stream
from osiris.connectors.duckdb.engine import open_engine
from osiris.connectors.duckdb.inputs import Input
from osiris.connectors.duckdb.lossless import is_lossless
from osiris.errors import OsirisError

UTC = dt.UTC
INTERVAL = pa.month_day_nano_interval()


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    con = open_engine(temp_dir=tmp_path)
    yield con
    con.close()


RESULTS: dict[str, tuple[pa.DataType, Any]] = {
    "1::UBIGINT": (pa.uint64(), 1),
    "(2::HUGEINT ** 100)::HUGEINT": (pa.decimal128(38, 0), Decimal(2**100)),
    "-(10::HUGEINT)": (pa.decimal128(38, 0), Decimal(-10)),
    "7::UHUGEINT": (pa.decimal128(38, 0), Decimal(7)),
    "1.50::DECIMAL(38,2)": (pa.decimal128(38, 2), Decimal("1.50")),
    "DATE '2024-02-29'": (pa.date32(), dt.date(2024, 2, 29)),
    "TIME '23:59:59.999999'": (pa.time64("us"), dt.time(23, 59, 59, 999999)),
    "TIMESTAMP '2024-01-01 00:00:01.5'": (pa.timestamp("us"), dt.datetime(2024, 1, 1, 0, 0, 1, 500000)),  # noqa: DTZ001
    "TIMESTAMPTZ '2024-01-01 02:00:00+02'": (pa.timestamp("us", "UTC"), dt.datetime(2024, 1, 1, tzinfo=UTC)),
    "'00000000-0000-0000-0000-000000000001'::UUID": (pa.string(), "00000000-0000-0000-0000-000000000001"),
    "'a'::ENUM('a', 'b')": (pa.dictionary(pa.uint8(), pa.string()), "a"),
    "'\\xAA'::BLOB": (pa.binary(), b"\xaa"),
    "[1, NULL]": (pa.list_(pa.field("l", pa.int32())), [1, None]),
    "'a' || chr(0) || 'b'": (pa.string(), "a\0b"),
    "true": (pa.bool_(), True),
}


@pytest.mark.parametrize(("sql", "expected"), RESULTS.items())
def test_results_are_exact(con: duckdb.DuckDBPyConnection, sql: str, expected: tuple[Any, Any]) -> None:
    table = exact_stream(con.sql(f"SELECT {sql} AS x")).read_all()
    assert (table.schema.field("x").type, table["x"][0].as_py()) == expected
    table.validate(full=True)


REFUSED = [
    "'12:00+02'::TIMETZ",
    "'101'::BIT",
    "12345678901234567890::BIGNUM",
    "union_value(k := 1)",
    "{'a': '101'::BIT}",
    "[1::HUGEINT]",
    "MAP {'a': '101'::BIT}",
    "1::VARIANT",
    "DATE 'infinity'",
    "TIMESTAMP '-infinity'",
    "TIMESTAMPTZ 'infinity'",
    "TIME '24:00:00'",
    "[DATE '-infinity']",
    "{'a': TIME '24:00:00'}",
    "MAP {'a': TIMESTAMP 'infinity'}",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_arrow_cannot_carry_is_refused(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(OsirisError) as caught:
        exact_stream(con.sql(f"SELECT {sql} AS x")).read_all()
    assert caught.value.code == "SQL009"
    assert "VARCHAR" in str(caught.value.hint)


def test_a_sum_of_39_digits_is_an_error(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(OsirisError) as caught:
        exact_stream(con.sql(f"SELECT sum(x) AS x FROM (VALUES ({2**127 - 1})) t(x)")).read_all()
    assert caught.value.code == "SQL008"


INPUTS: dict[str, tuple[pa.Array, str]] = {
    "uint64": (pa.array([2**64 - 1], pa.uint64()), "UBIGINT"),
    "float16": (pa.array([1.5], pa.float16()), "FLOAT"),
    "decimal32": (pa.array([Decimal("1.5")], pa.decimal32(5, 1)), "DECIMAL(5,1)"),
    "decimal256 that fits": (pa.array([Decimal("1.5")], pa.decimal256(38, 1)), "DECIMAL(38,1)"),
    "negative scale": (pa.array([Decimal(100)], pa.decimal128(5, -2)), "DECIMAL(7,0)"),
    "dictionary": (pa.array(["a"]).dictionary_encode(), "VARCHAR"),
    "string view": (pa.array(["a"], pa.string_view()), "VARCHAR"),
    "large binary": (pa.array([b"a"], pa.large_binary()), "BLOB"),
    "ns": (pa.array([1001], pa.timestamp("ns")), "TIMESTAMP_NS"),
    "ns zoned": (pa.array([1001], pa.timestamp("ns", "UTC")), "TIMESTAMPTZ_NS"),
    "zoned": (pa.array([1], pa.timestamp("s", "Europe/Prague")), "TIMESTAMP WITH TIME ZONE"),
    "duration": (pa.array([1000], pa.duration("ns")), "INTERVAL"),
    "interval": (pa.array([(1, 2, 3000)], pa.month_day_nano_interval()), "INTERVAL"),
    "list": (pa.array([[1]]), "BIGINT[]"),
}


@pytest.mark.parametrize(("array", "kind"), INPUTS.values(), ids=INPUTS)
def test_inputs_are_taken_exactly(con: duckdb.DuckDBPyConnection, array: pa.Array, kind: str) -> None:
    con.register("s", Input("df", pa.table({"x": array}).to_reader()).reader)
    row = con.execute("SELECT typeof(x) FROM s").fetchone()
    assert row == (kind,)


REFUSED_INPUTS: dict[str, pa.Array] = {
    "decimal256": pa.array([1], pa.decimal256(39, 0)),
    "nested decimal256": pa.array([[1]], pa.list_(pa.decimal256(10, 0))),
    "duration with nanoseconds": pa.array([1001], pa.duration("ns")),
    "interval with nanoseconds": pa.array([(0, 0, 1000), (1, 2, 3001)], pa.month_day_nano_interval()),
}


@pytest.mark.parametrize("array", REFUSED_INPUTS.values(), ids=REFUSED_INPUTS)
def test_inputs_that_duckdb_would_change_are_refused(array: pa.Array) -> None:
    with pytest.raises(OsirisError) as caught:
        Input("df", pa.table({"x": array}).to_reader()).reader.read_all()
    assert caught.value.code == "SQL010"


def test_text_that_is_not_utf8_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    offsets = pa.array([0, 2], pa.int32()).buffers()[1]
    broken = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])
    con.register("s", Input("df", pa.table({"x": broken}).to_reader()).reader)
    with pytest.raises(duckdb.InvalidInputException):
        con.execute("CREATE TEMP TABLE t AS FROM s")


LOSSLESS = """
INTEGER -> BIGINT
BIGINT -> INTEGER
BIGINT -> UTINYINT
INTEGER -> DOUBLE
SMALLINT -> FLOAT
BIGINT -> DECIMAL(10,0)
BIGINT -> VARCHAR
DECIMAL(10,2) -> DECIMAL(12,4)
DECIMAL(10,2) -> DECIMAL(5,2)
DECIMAL(10,0) -> BIGINT
FLOAT -> DOUBLE
DATE -> TIMESTAMP
TIMESTAMP_S -> TIMESTAMP
TIMESTAMP -> TIMESTAMP_NS
VARCHAR -> JSON
VARCHAR -> UUID
VARCHAR -> ENUM('a')
DATE -> VARCHAR
INTEGER[] -> BIGINT[]
STRUCT(a INTEGER) -> STRUCT(a BIGINT)
INTEGER[3] -> INTEGER[3]
"""
LOSSY = """
DOUBLE -> BIGINT
DOUBLE -> FLOAT
BIGINT -> DOUBLE
INTEGER -> FLOAT
DECIMAL(10,2) -> DECIMAL(10,1)
DECIMAL(10,2) -> BIGINT
DECIMAL(10,2) -> DOUBLE
DOUBLE -> DECIMAL(10,2)
TIMESTAMP -> DATE
TIMESTAMP -> TIMESTAMP WITH TIME ZONE
TIMESTAMP WITH TIME ZONE -> TIMESTAMP
TIMESTAMP_NS -> TIMESTAMP
VARCHAR -> INTEGER
VARCHAR -> DATE
VARCHAR -> BOOLEAN
BOOLEAN -> INTEGER
INTEGER -> BOOLEAN
BLOB -> VARCHAR
VARCHAR -> BLOB
DOUBLE -> VARCHAR
TIME -> TIMESTAMP
BIGINT[] -> DOUBLE[]
STRUCT(a INTEGER) -> STRUCT(b INTEGER)
INTEGER[] -> VARCHAR
INTEGER[3] -> INTEGER[4]
"""


@pytest.mark.parametrize("pair", LOSSLESS.strip().splitlines())
def test_exact_assignments_are_allowed(pair: str) -> None:
    assert is_lossless(*map(sqltype, pair.split(" -> ")))


@pytest.mark.parametrize("pair", LOSSY.strip().splitlines())
def test_lossy_assignments_are_refused(pair: str) -> None:
    assert not is_lossless(*map(sqltype, pair.split(" -> ")))


SCALARS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "int8": (pa.int8(), st.integers(-(2**7), 2**7 - 1)),
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "uint64": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "float64": (pa.float64(), st.floats(allow_nan=False)),
    "bool": (pa.bool_(), st.booleans()),
    "text": (pa.string(), st.text()),
    "bytes": (pa.binary(), st.binary()),
    "date": (pa.date32(), st.dates()),
    "time": (pa.time64("us"), st.times()),
    "timestamp": (pa.timestamp("us"), st.datetimes()),
    "instant": (pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(UTC))),
    "decimal": (pa.decimal128(38, 10), st.decimals(-(10**27), 10**27, places=10)),
    "list": (pa.list_(pa.field("l", pa.int32())), st.lists(st.none() | st.integers(-5, 5))),
}


@pytest.mark.parametrize(("kind", "values"), SCALARS.values(), ids=SCALARS)
@settings(max_examples=25)
@given(data=st.data())
def test_values_come_back_as_they_were(
    kind: pa.DataType, values: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    given_values = data.draw(st.lists(st.none() | values, max_size=20))
    array = pa.array(given_values, kind)
    con = open_engine()
    con.register("s", Input("df", pa.table({"x": array}).to_reader()).reader)
    con.execute("CREATE TEMP TABLE t AS SELECT * FROM s")
    back = exact_stream(con.sql("FROM t")).read_all()["x"]
    assert back.type == kind
    assert back.to_pylist() == array.to_pylist()
    con.close()


def one_column(array: pa.Array, name: str = "x") -> pa.RecordBatchReader:
    return pa.table({name: array}).to_reader()


BAD_INPUTS = {
    "nul": (lambda: one_column(pa.array([1]), "a\0x"), "SQL014"),
    "empty name": (lambda: one_column(pa.array([1]), ""), "SQL015"),
    "no columns": (lambda: pa.RecordBatchReader.from_batches(pa.schema([]), []), "SQL015"),
    "nested interval": (lambda: one_column(pa.array([[(1, 2, 3)]], pa.list_(INTERVAL))), "SQL010"),
    "nested null": (lambda: one_column(pa.array([[None]], pa.list_(pa.null()))), "SQL010"),
    "date64": (lambda: one_column(pa.array([1], pa.int64()).view(pa.date64())), "SQL010"),
    "timestamp": (lambda: one_column(pa.array([2**63 - 1], pa.int64()).view(pa.timestamp("us"))), "SQL010"),
    "date32": (lambda: one_column(pa.array([2**31 - 1], pa.int32()).view(pa.date32())), "SQL010"),
    "UTF-8": (lambda: one_column(pa.array([b"\xff"]).view(pa.string())), "SQL010"),
}


@pytest.mark.parametrize(("make", "code"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_inputs_of_a_wrong_shape_or_value_are_refused(
    make: Callable[[], pa.RecordBatchReader], code: str
) -> None:
    with pytest.raises(OsirisError) as caught:
        Input("df", make()).reader.read_all()
    assert caught.value.code == code
    assert caught.value.hint
