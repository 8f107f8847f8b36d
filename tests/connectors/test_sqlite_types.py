"""Arrow and SQLite: every pair of types is exact or refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from osiris.connectors.sqlite.column_types import ColumnType, Kind, declared_type, schema_type
from osiris.connectors.sqlite.decoding import MisfitError, decode
from osiris.connectors.sqlite.encoding import CREATED, FORMS, UnfitError, ValueKind, form_for, value_kind
from osiris.drivers.sqlite_extractor_driver import SQLiteExtractorDriver
from osiris.drivers.sqlite_writer_driver import SQLiteWriterDriver
from osiris.testing import RecordingContext

NAMES: dict[str, Kind | ColumnType] = {
    "": Kind.ANY,
    "INTEGER": Kind.INTEGER,
    "int": Kind.INTEGER,
    "UNSIGNED BIG INT": Kind.INTEGER,
    "FLOATING POINT": Kind.INTEGER,
    "CHARINT": Kind.INTEGER,
    "VARCHAR(20)": Kind.TEXT,
    "NATIVE CHARACTER(70)": Kind.TEXT,
    "CLOB": Kind.TEXT,
    "BLOB": Kind.BLOB,
    "LONGBLOB": Kind.BLOB,
    "DOUBLE PRECISION": Kind.REAL,
    "Float": Kind.REAL,
    "STRING": Kind.NUMERIC,
    "JSON": Kind.NUMERIC,
    "ANY": Kind.NUMERIC,
    "NUMERIC": Kind.NUMERIC,
    "DECIMAL(10,-2)": Kind.NUMERIC,
    "DECIMAL(2,5)": Kind.NUMERIC,
    "DECIMAL(77,2)": Kind.NUMERIC,
    "decimal": Kind.NUMERIC,
    "Decimal( 10 , 2 )": ColumnType(Kind.DECIMAL, 10, 2),
    "NUMERIC(5)": ColumnType(Kind.DECIMAL, 5, 0),
    "bool": Kind.BOOLEAN,
    "BOOLEAN": Kind.BOOLEAN,
    "date": Kind.DATE,
    "TIME": Kind.TIME,
    "datetime": Kind.TIMESTAMP,
    "TIMESTAMP(6)": Kind.TIMESTAMP,
    "timestamp  without time zone": Kind.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMPTZ,
}


@pytest.mark.parametrize(("declared", "meant"), NAMES.items())
def test_a_declared_type_means_what_people_mean_by_it(declared: str, meant: Kind | ColumnType) -> None:
    assert declared_type(declared) == (meant if isinstance(meant, ColumnType) else ColumnType(meant))


AFFINITIES = {
    Kind.INTEGER: "integer",
    Kind.TEXT: "text",
    Kind.BLOB: "text",
    Kind.ANY: "text",
    Kind.REAL: "real",
}


@pytest.mark.parametrize("declared", NAMES)
def test_the_affinity_is_that_of_sqlite(declared: str) -> None:
    """What becomes of the text '7' shows it; numeric affinity makes an integer of it, too."""
    with closing(sqlite3.connect(":memory:")) as con:
        con.execute(f"CREATE TABLE t (v {declared})")
        con.execute("INSERT INTO t VALUES ('7')")
        ((stored,),) = con.execute("SELECT typeof(v) FROM t").fetchall()
    assert AFFINITIES.get(declared_type(declared).kind, "integer") == stored


def test_any_is_no_type_in_a_strict_table() -> None:
    assert declared_type("ANY", strict=True).kind is Kind.ANY


@pytest.mark.parametrize(
    "name", ["BIGINT", "DOUBLE", "DECIMAL(12,2)", "BLOB", "BOOLEAN", "DATE", "TIMESTAMPTZ"]
)
def test_a_type_is_written_back_as_schema_takes_it(name: str) -> None:
    assert schema_type("c", name).name == name


SAMPLES: dict[str, tuple[pa.Array, dict[Kind, list[Any]]]] = {
    "int8": (pa.array([-1, None], pa.int8()), {Kind.TEXT: ["-1", None], Kind.REAL: [-1.0, None]}),
    "int64": (pa.array([2**63 - 1, -(2**63)], pa.int64()), {Kind.INTEGER: [2**63 - 1, -(2**63)]}),
    "uint64": (pa.array([2**63 - 1], pa.uint64()), {Kind.ANY: [2**63 - 1]}),
    "bool": (pa.array([True, False, None]), {Kind.BOOLEAN: [1, 0, None], Kind.INTEGER: [1, 0, None]}),
    "half": (pa.array([1.5], pa.float16()), {Kind.REAL: [1.5]}),
    "float": (pa.array([0.1], pa.float32()), {Kind.REAL: [0.10000000149011612]}),
    "double": (
        pa.array([float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308, 0.1 + 0.2]),
        {Kind.REAL: [float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308, 0.1 + 0.2]},
    ),
    "double as it is": (pa.array([-0.0, 0.5]), {Kind.ANY: [-0.0, 0.5], Kind.DECIMAL: [0, 0.5]}),
    "decimal": (
        pa.array([Decimal("1.50"), Decimal("-0.01"), None]),
        {Kind.TEXT: ["1.50", "-0.01", None], Kind.ANY: ["1.50", "-0.01", None]},
    ),
    "small decimal": (
        pa.array([Decimal("1E-9"), Decimal(0)], pa.decimal128(20, 9)),
        {Kind.TEXT: ["0.000000001", "0.000000000"]},
    ),
    "long decimal": (pa.array([Decimal("9" * 60 + ".25")]), {Kind.TEXT: ["9" * 60 + ".25"]}),
    "sum": (pa.array([7], pa.decimal128(38, 0)), {Kind.INTEGER: [7], Kind.DECIMAL: [7], Kind.TEXT: ["7"]}),
    "thousands": (
        pa.array([Decimal("1E+3")], pa.decimal128(5, -3)),
        {Kind.INTEGER: [1000], Kind.TEXT: ["1000"]},
    ),
    "date": (
        pa.array([date(1, 1, 1), date(9999, 12, 31), None]),
        {
            Kind.DATE: ["0001-01-01", "9999-12-31", None],
            Kind.TIMESTAMP: ["0001-01-01 00:00:00", "9999-12-31 00:00:00", None],
        },
    ),
    "date64": (pa.array([date(2024, 2, 29)], pa.date64()), {Kind.TEXT: ["2024-02-29"]}),
    "seconds": (pa.array([-1, None], pa.timestamp("s")), {Kind.TIMESTAMP: ["1969-12-31 23:59:59", None]}),
    "milliseconds": (
        pa.array([0, 1500], pa.timestamp("ms")),
        {Kind.TEXT: ["1970-01-01 00:00:00", "1970-01-01 00:00:01.500000"]},
    ),
    "nanoseconds": (
        pa.array([0, 1000, 1, -1], pa.timestamp("ns")),
        {
            Kind.TIMESTAMP: [
                "1970-01-01 00:00:00",
                "1970-01-01 00:00:00.000001",
                "1970-01-01 00:00:00.000000001",
                "1969-12-31 23:59:59.999999999",
            ]
        },
    ),
    "zone": (
        pa.array([0, 1], pa.timestamp("us", "Europe/Prague")),
        {Kind.TIMESTAMPTZ: ["1970-01-01 00:00:00+00:00", "1970-01-01 00:00:00.000001+00:00"]},
    ),
    "time": (pa.array([0, 86_399_999], pa.time32("ms")), {Kind.TIME: ["00:00:00", "23:59:59.999000"]}),
    "time, ns": (pa.array([1], pa.time64("ns")), {Kind.TEXT: ["00:00:00.000000001"]}),
    "text": (pa.array(["", "007", "ů\n", None]), {Kind.TEXT: ["", "007", "ů\n", None]}),
    "names": (pa.array(["a7", "7a", "1e", "0x1", ""]), {Kind.NUMERIC: ["a7", "7a", "1e", "0x1", ""]}),
    "large text": (pa.array(["x"], pa.large_string()), {Kind.TEXT: ["x"]}),
    "view": (pa.array(["x"], pa.string_view()).cast(pa.large_string()), {Kind.ANY: ["x"]}),
    "bytes": (pa.array([b"\0\xff", b"", None]), {Kind.BLOB: [b"\0\xff", b"", None]}),
    "fixed bytes": (pa.array([b"ab"], pa.binary(2)), {Kind.ANY: [b"ab"]}),
    "nulls": (pa.nulls(2), {kind: [None, None] for kind in Kind}),
}
DECLARED = {
    Kind.ANY: "",
    Kind.DECIMAL: "DECIMAL(10,2)",
    Kind.NUMERIC: "NUMERIC",
    **{kind: str(kind) for kind in Kind if kind not in (Kind.ANY, Kind.DECIMAL, Kind.NUMERIC)},
}


def stored(values: list[Any], declared: str, strict: bool = False) -> list[Any]:
    """The values as a column of a type hands them back."""
    with closing(sqlite3.connect(":memory:")) as con:
        con.execute(f"CREATE TABLE t (v {declared})" + (" STRICT" if strict else ""))
        con.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
        return [value for (value,) in con.execute("SELECT v FROM t ORDER BY rowid").fetchall()]


@pytest.mark.parametrize(
    ("array", "kind", "expected"),
    [(array, kind, expected) for array, cases in SAMPLES.values() for kind, expected in cases.items()],
    ids=[f"{name} into {kind}" for name, (_, cases) in SAMPLES.items() for kind in cases],
)
def test_values_are_kept_and_not_changed_by_the_column(
    array: pa.Array, kind: Kind, expected: list[Any]
) -> None:
    form = form_for(array.type, ColumnType(kind))
    assert form is not None
    encoded = form.encode(array)
    assert encoded == expected
    assert stored(encoded, DECLARED[kind]) == expected


@pytest.mark.parametrize("name", SAMPLES)
def test_every_pair_that_is_allowed_survives_the_column(name: str) -> None:
    """Whatever kind of column takes the type hands back what it was given."""
    array = SAMPLES[name][0]
    kind = value_kind(array.type)
    assert kind is not None
    for column, form in FORMS[kind].items():
        try:
            encoded = form.encode(array)
        except (UnfitError, pa.ArrowInvalid):
            assert form.misfit(array) is not None
            continue
        assert stored(encoded, DECLARED[column]) == encoded


@pytest.mark.parametrize("kind", CREATED)
def test_a_new_table_takes_every_type_that_it_is_made_for(kind: ValueKind) -> None:
    assert declared_type(CREATED[kind], strict=True).kind in FORMS[kind]


MISFITS: dict[str, tuple[pa.Array, Kind, int]] = {
    "uint64": (pa.array([1, 2**63], pa.uint64()), Kind.INTEGER, 1),
    "sum": (pa.array([Decimal(2**63)], pa.decimal128(38, 0)), Kind.INTEGER, 0),
    "integer for a double": (pa.array([2**53, 2**53 + 1]), Kind.REAL, 1),
    "NaN": (pa.array([None, 1.0, float("nan")], from_pandas=False), Kind.REAL, 2),
    "year 10000": (pa.array([0, 2_932_897], pa.int32()).cast(pa.date32()), Kind.DATE, 1),
    "year 0": (pa.array([-719_163], pa.int32()).cast(pa.date32()), Kind.TIMESTAMP, 0),
    "far future": (pa.array([2**62], pa.timestamp("us")), Kind.TEXT, 0),
    "far past": (pa.array([0, -(2**62)], pa.timestamp("s", "UTC")), Kind.TIMESTAMPTZ, 1),
    "NUL": (pa.array(["a", "b", "c\0"]), Kind.TEXT, 2),
    "NUL in a name": (pa.array(["c\0"]), Kind.NUMERIC, 0),
    **{
        f"{text!r} as a name": (pa.array(["a", text]), Kind.NUMERIC, 1)
        for text in ("007", "-1.", ".5e-3", " 7\v")
    },
}


@pytest.mark.parametrize(("array", "kind", "index"), MISFITS.values(), ids=MISFITS)
def test_a_value_that_would_change_is_found(array: pa.Array, kind: Kind, index: int) -> None:
    form = form_for(array.type, ColumnType(kind))
    assert form is not None
    assert form.refuses
    with pytest.raises((UnfitError, pa.ArrowInvalid)):
        form.encode(array)
    assert form.misfit(array) == index


REFUSED_TYPES = {
    "list": pa.list_(pa.int64()),
    "struct": pa.struct({"a": pa.int64()}),
    "map": pa.map_(pa.string(), pa.int64()),
    "duration": pa.duration("us"),
    "interval": pa.month_day_nano_interval(),
    "list of texts in a dictionary": pa.dictionary(pa.int8(), pa.list_(pa.string())),
}


@pytest.mark.parametrize("arrow", REFUSED_TYPES.values(), ids=REFUSED_TYPES)
def test_a_type_without_a_form_is_refused(arrow: pa.DataType) -> None:
    assert value_kind(arrow) is None
    assert form_for(arrow, ColumnType(Kind.ANY)) is None


REFUSED_PAIRS = {
    ValueKind.INTEGER: {Kind.BOOLEAN, Kind.DATE, Kind.TIMESTAMP, Kind.BLOB},
    ValueKind.BOOLEAN: {Kind.TEXT, Kind.REAL, Kind.DECIMAL},
    ValueKind.DOUBLE: {Kind.INTEGER, Kind.TEXT, Kind.BOOLEAN},
    ValueKind.DECIMAL: {Kind.REAL, Kind.NUMERIC, Kind.DECIMAL, Kind.INTEGER},
    ValueKind.DATE: {Kind.NUMERIC, Kind.TIMESTAMPTZ, Kind.INTEGER},
    ValueKind.TIMESTAMP: {Kind.TIMESTAMPTZ, Kind.DATE, Kind.NUMERIC},
    ValueKind.TIMESTAMPTZ: {Kind.TIMESTAMP},
    ValueKind.TEXT: {Kind.INTEGER, Kind.REAL, Kind.DECIMAL, Kind.DATE, Kind.BLOB, Kind.BOOLEAN},
    ValueKind.BYTES: {Kind.TEXT, Kind.NUMERIC},
}


@pytest.mark.parametrize(
    ("value", "column"), [(value, column) for value, columns in REFUSED_PAIRS.items() for column in columns]
)
def test_a_pair_that_would_change_values_or_their_meaning_is_refused(value: ValueKind, column: Kind) -> None:
    assert column not in FORMS[value]


@given(st.text(st.sampled_from("07.eE+- \t\n\v\f\raů"), max_size=6))
@example("0x10")
@example("1_0")
@example("+.5")
@example("9" * 30)
def test_a_text_is_refused_just_where_numeric_affinity_would_take_it(text: str) -> None:
    form = FORMS[ValueKind.TEXT][Kind.NUMERIC]
    changed = stored([text], "STRING") != [text]
    assert (form.misfit(pa.array([text])) is not None) == changed


@given(st.decimals(min_value=1 - 10**13, max_value=10**13 - 1, places=2))
def test_a_decimal_that_an_application_stored_comes_back(value: Decimal) -> None:
    """As it writes them: a number in SQL, which numeric affinity makes an integer or a double."""
    (kept,) = stored([float(value)], "DECIMAL(15,2)")
    assert decode([kept], ColumnType(Kind.DECIMAL, 15, 2)).to_pylist() == [value]


@given(st.floats(allow_nan=False))
@example(0.1 + 0.2)
@example(1e15)
@example(-0.0)
def test_a_double_is_a_decimal_only_if_it_means_just_that(value: float) -> None:
    try:
        (found,) = decode([value], ColumnType(Kind.DECIMAL, 38, 4)).to_pylist()
    except MisfitError:
        shortest = Decimal(repr(value)).normalize()
        assert not shortest.is_finite() or shortest.as_tuple().exponent < -4 or abs(shortest) >= 10**11
    else:
        assert float(found) == value


COLUMNS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "BIGINT": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "DOUBLE": (pa.float64(), st.floats(allow_nan=False).map(lambda value: value + 0.0)),
    "BOOLEAN": (pa.bool_(), st.booleans()),
    "DECIMAL(20,8)": (pa.decimal128(20, 8), st.decimals(-(10**11), 10**11, places=8)),
    "DECIMAL(76,3)": (
        pa.decimal256(76, 3),
        st.integers(-(10**76) + 1, 10**76 - 1).map(lambda n: Decimal(f"{n}e-3")),
    ),
    "VARCHAR": (pa.string(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    "BLOB": (pa.binary(), st.binary()),
    "DATE": (pa.date32(), st.dates()),
    "TIME": (pa.time64("us"), st.times()),
    "TIMESTAMP": (pa.timestamp("us"), st.datetimes()),
    "TIMESTAMPTZ": (pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(UTC))),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_what_is_written_is_read_back_exactly(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    arrow, values = COLUMNS[name]

    @given(st.lists(st.none() | values, max_size=20))
    def there_and_back(column: list[Any]) -> None:
        folder = tmp_path_factory.mktemp("types")
        data = pa.table({"v": pa.array(column, arrow)})
        assert read(folder, write(folder, data), name).equals(data)

    there_and_back()


def write(folder: Path, data: pa.Table) -> Path:
    database = folder / "types.sqlite"
    config = {"table": "t", "resolved_connection": {"path": str(database)}}
    ctx = RecordingContext(folder)
    SQLiteWriterDriver().run(step_id="w", config=config, inputs={"df": data.to_reader()}, ctx=ctx)
    ctx.finish()
    return database


def read(folder: Path, database: Path, name: str) -> pa.Table:
    config = {"table": "t", "schema": {"v": name}, "resolved_connection": {"path": str(database)}}
    ctx = RecordingContext(folder)
    try:
        return SQLiteExtractorDriver().run(step_id="r", config=config, inputs=None, ctx=ctx)["df"].read_all()  # type: ignore[attr-defined]
    finally:
        ctx.finish()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@given(st.lists(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)), min_size=2, max_size=20))  # noqa: DTZ001
def test_texts_of_moments_sort_as_the_moments_do(unit: str, moments: list[datetime]) -> None:
    array = pa.array(moments, pa.timestamp("us")).cast(pa.timestamp(unit), safe=False)
    texts = FORMS[ValueKind.TIMESTAMP][Kind.TEXT].encode(array)
    zoned = FORMS[ValueKind.TIMESTAMPTZ][Kind.TEXT].encode(array.cast(pa.timestamp(unit, "UTC")))
    order = sorted(range(len(array)), key=lambda index: array[index].value)
    assert [texts[index] for index in order] == sorted(texts)
    assert [zoned[index] for index in order] == sorted(zoned)


@given(st.times())
def test_texts_of_equal_moments_are_equal_whatever_the_unit(moment: time) -> None:
    for units in (("us", "ns"), ("ms", "us")):
        arrays = [
            pa.array([moment.replace(microsecond=5000)]).cast(
                pa.time64(unit) if unit != "ms" else pa.time32(unit)
            )
            for unit in units
        ]
        texts = [FORMS[ValueKind.TIME][Kind.TEXT].encode(array) for array in arrays]
        assert texts[0] == texts[1]
