"""Fused steps: one statement does what streams do, down to the bytes, the counts and the errors."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ORDERS = "order_id,customer,day,amount,note\n" + "".join(
    f'{n},{"abc"[n % 3]},2024-01-{1 + n % 28:02d},{n % 97}.{n % 10}0,"note ""{n}"", more"\n'
    for n in range(5_000)
)
CUSTOMERS = "customer,name\na,Ann\nb,Bob\nc,\n"
TYPES = {"order_id": "BIGINT", "day": "DATE", "amount": "DECIMAL(12,2)"}

FUSED = {
    "copy": None,
    "filter": "SELECT order_id, note FROM orders WHERE amount > 50",
    "aggregate": "SELECT customer, day, count(*) AS n, sum(amount) AS total, sum(order_id) AS ids "
    "FROM orders GROUP BY customer, day ORDER BY customer, day",
    "join": "SELECT order_id, c.name FROM orders o LEFT JOIN customers c USING (customer) ORDER BY order_id",
    "self join": "SELECT x.order_id, y.amount FROM orders x JOIN orders y ON x.order_id = y.order_id + 1 "
    "ORDER BY x.order_id",
    "own with": "WITH big AS (SELECT order_id FROM orders WHERE amount > 9) SELECT order_id FROM big --\n",
    "bind": "SELECT order_id FROM orders WHERE amount > :least AND day >= :since",
    "not null only": "SELECT order_id FROM orders WHERE note IS NOT NULL",
    "star": "SELECT *, amount * 2 AS twice FROM orders",
    "generated": "SELECT order_id, unnest([1, 2]) AS n FROM orders ORDER BY order_id, n",
    "union": "SELECT order_id AS id FROM orders UNION ALL SELECT -order_id FROM orders",
}

STREAMED = {
    "limit": "SELECT order_id FROM orders LIMIT 10",
    "no column": "SELECT count(*) AS n FROM orders",
    "column of no use": "SELECT order_id FROM (SELECT order_id, amount FROM orders)",
    "unread input": "SELECT order_id FROM orders",
    "special type": "SELECT order_id, [amount] AS l FROM orders",
    "subquery": "SELECT order_id FROM orders WHERE amount = (SELECT max(amount) FROM orders)",
    "cross join": "SELECT x.order_id FROM orders x, orders y WHERE x.order_id = y.order_id",
    "position": "SELECT customer, #1 AS first FROM orders",
    "setting": "SELECT order_id, current_setting('threads') AS n FROM orders",
    "excluded column": "SELECT * EXCLUDE (note) FROM orders",
}


@pytest.fixture
def shop(lab: Any) -> Any:
    put(lab, "orders.csv", ORDERS)
    put(lab, "customers.csv", CUSTOMERS)
    return lab


def put(lab: Any, name: str, content: str | bytes) -> None:
    Path(lab.file(name)).write_bytes(content.encode() if isinstance(content, str) else content)


def pipeline(lab: Any, sql: str | None, *, kind: str = "csv", tables: tuple[str, ...] = ("orders",)) -> Any:
    """Files, SQL over them, one file; without SQL the first file is copied."""
    given = {"orders": TYPES, "customers": {}}
    sources = [
        lab.step(name, "filesystem.csv_extractor", path=f"{name}.csv", schema=given[name]) for name in tables
    ]
    bind = {":least": {"least": 20}, ":since": {"since": {"type": "date", "value": "2024-01-09"}}}
    bound = {k: v for mark, value in bind.items() if sql and mark in sql for k, v in value.items()}
    query = lab.step("sql", "duckdb.processor", query=sql, **({"bind": bound} if bound else {}))
    query["inputs"] = {name: f"${{{name}.df}}" for name in tables}
    last = f"{tables[0]}.df" if sql is None else "sql.df"
    save = lab.step("save", f"filesystem.{kind}_writer", last, path=f"out.{kind}", allow_empty=True)
    return lab.pipeline(*sources, *([] if sql is None else [query]), save)


def both(lab: Any, file: Path, kind: str = "csv") -> tuple[Any, Any]:
    """Run fused, then streamed: results, and the files must be the same to the byte."""
    results, contents = [], []
    for fuse in (True, False):
        results.append(lab.run_file(file, new=True, fuse=fuse))
        target = Path(lab.file(f"out.{kind}"))
        contents.append(target.read_bytes() if target.exists() else None)
    assert contents[0] == contents[1]
    assert not lab.leftovers
    return results[0], results[1]


def groups(result: Any) -> dict[str, str]:
    return {step.id: step.fused_into for step in result.status.steps if step.fused_into}


def tables_of(sql: str | None) -> tuple[str, ...]:
    return ("orders", "customers") if sql and "customers" in sql else ("orders",)


@pytest.mark.parametrize(
    ("name", "kind"), [*((name, "csv") for name in FUSED), ("copy", "parquet"), ("aggregate", "parquet")]
)
def test_one_statement_gives_the_bytes_that_streams_give(shop: Any, name: str, kind: str) -> None:
    sql = FUSED[name]
    tables = tables_of(sql)
    fused, streamed = both(shop, pipeline(shop, sql, kind=kind, tables=tables), kind)
    steps = {*tables, *(() if sql is None else ("sql",))}
    assert groups(fused) == dict.fromkeys(steps, "save")
    assert groups(streamed) == {}
    for step in ("save", *tables):
        ours, theirs = shop.outcome(fused, step), shop.outcome(streamed, step)
        assert (ours.rows_read, ours.rows_written) == (theirs.rows_read, theirs.rows_written)
        assert ours.bytes_read == theirs.bytes_read


@pytest.mark.parametrize("name", STREAMED)
def test_what_is_not_sure_to_be_the_same_is_streamed(shop: Any, name: str) -> None:
    tables = ("orders", "customers") if name == "unread input" else ("orders",)
    kind = "parquet" if name == "special type" else "csv"
    fused, streamed = both(shop, pipeline(shop, STREAMED[name], kind=kind, tables=tables), kind)
    assert fused.status.error is None is streamed.status.error
    assert shop.states(fused) == shop.states(streamed)
    assert fused.status.exit_code == streamed.status.exit_code


def test_events_and_edges_say_what_was_fused(shop: Any) -> None:
    fused, _ = both(shop, pipeline(shop, FUSED["filter"]))
    (edge, last) = shop.events(fused, "edge_complete")
    assert (edge["fused"], edge["rows_delivered"]) == (True, 5_000)
    assert (last["fused"], last["rows_received"]) == (True, shop.outcome(fused, "save").rows_written)
    assert [event["step_id"] for event in shop.events(fused, "step_complete")] == ["orders", "sql", "save"]


BAD = {
    "bad value": ("order_id,amount\n1,2.00\n2,x\n", "SELECT order_id, amount FROM orders WHERE order_id = 1"),
    "lossy value": ("order_id,amount\n1,2.005\n", "SELECT sum(amount) AS total FROM orders"),
    "ragged": ("order_id,amount\n1,2.00\n2\n", "SELECT order_id, amount FROM orders"),
    "bad bytes": (b"order_id,amount,customer\n1,2.00,\xff\n", "SELECT customer FROM orders"),
    "no such column": ("order_id,amount\n1,2.00\n", "SELECT amuont FROM orders"),
    "division": ("order_id,amount\n1,2.00\n", "SELECT error('no ' || order_id) AS x, amount FROM orders"),
    "cast": ("order_id,amount\n1,2.00\n", "SELECT CAST('x' || order_id AS INTEGER) AS x FROM orders"),
    "infinite": ("order_id,amount\n1,2.00\n", "SELECT order_id, DATE 'infinity' AS d FROM orders"),
    "bad value in a row that is filtered": (
        "order_id,amount,customer\n1,2.00,x\nz,y,y\n",
        "SELECT order_id, amount, customer FROM orders WHERE customer = 'x'",
    ),
    "a word in a value": (
        "order_id,amount,customer\n1,2.00,my CSV\n",
        "SELECT CAST(customer AS INT) AS v FROM orders",
    ),
    "names that differ by case": (
        "order_id,amount\n1,2.00\n",
        "SELECT order_id AS x, amount AS X FROM orders",
    ),
    "an error like ours": (
        "order_id,amount\n1,2.00\n",
        "SELECT error('osiris-infinite:0:99') AS x FROM orders",
    ),
    "two names": ("order_id,amount\n1,2.00\n", "SELECT order_id, order_id FROM orders"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_failure_is_put_down_to_the_step_that_caused_it(lab: Any, name: str) -> None:
    content, sql = BAD[name]
    put(lab, "orders.csv", content)
    put(lab, "out.csv", "as before\n")
    types = {"order_id": "BIGINT", "amount": "DECIMAL(12,2)"}
    extract = lab.step("orders", "filesystem.csv_extractor", path="orders.csv", schema=types)
    query = lab.step("sql", "duckdb.processor", query=sql)
    query["inputs"] = {"orders": "${orders.df}"}
    save = lab.step("save", "filesystem.csv_writer", "sql.df", path="out.csv")
    fused, streamed = both(lab, lab.pipeline(extract, query, save))
    assert fused.status.error is not None
    keys = ("code", "message", "hint", "where", "target")
    assert [fused.status.error[key] for key in keys] == [streamed.status.error[key] for key in keys]
    assert fused.status.exit_code == streamed.status.exit_code
    failed = fused.status.error["where"]["step_id"]
    for result in (fused, streamed):  # others are stopped by it, or have ended before
        assert [step for step, state in lab.states(result).items() if state == "failed"] == [failed]
    assert Path(lab.file("out.csv")).read_text() == "as before\n"


def test_with_two_sources_the_one_that_is_bad_has_failed(shop: Any) -> None:
    put(shop, "customers.csv", "customer,name\na,Ann\nb,Bob,more\n")
    fused, streamed = both(shop, pipeline(shop, FUSED["join"], tables=("orders", "customers")))
    assert fused.status.error["where"]["step_id"] == "customers"
    assert fused.status.error["code"] == streamed.status.error["code"] == "DAT001"
    assert shop.states(fused) == {
        "orders": "cancelled", "customers": "failed", "sql": "cancelled", "save": "cancelled",
    }  # fmt: skip


def test_a_sidecar_that_promises_other_rows_is_a_failure(shop: Any) -> None:
    copy = shop.step("copy", "filesystem.csv_extractor", path="orders.csv", schema=TYPES)
    shop.run(copy, shop.step("save", "filesystem.csv_writer", "copy.df", path="again.csv"), name="first")
    sidecar = Path(shop.file("again.csv.osiris.json"))
    sidecar.write_text(sidecar.read_text().replace('"rows":5000', '"rows":4999'))
    again = shop.step("again", "filesystem.csv_extractor", path="again.csv", schema=TYPES)
    save = shop.step("save", "filesystem.csv_writer", "again.df", path="out.csv")
    fused, streamed = both(shop, shop.pipeline(again, save))
    assert fused.status.error["code"] == streamed.status.error["code"] == "FIL008"
    assert not Path(shop.file("out.csv")).exists()


def test_compressed_files_and_patterns_are_fused_too(lab: Any) -> None:
    Path(lab.file("a.csv.gz")).write_bytes(gzip.compress(b"id,v\n1,x\n2,y\n"))
    Path(lab.file("b.csv.gz")).write_bytes(gzip.compress(b"v,id\nz,3\n"))
    extract = lab.step("a", "filesystem.csv_extractor", path="*.csv.gz")
    save = lab.step("save", "filesystem.csv_writer", "a.df", path="out.csv")
    fused, _ = both(lab, lab.pipeline(extract, save))
    assert groups(fused) == {"a": "save"}
    assert Path(lab.file("out.csv")).read_text() == "id,v\n1,x\n2,y\n3,z\n"
    assert lab.outcome(fused, "a").rows_read == 3


def test_parquet_is_fused_and_infinite_dates_are_refused_alike(lab: Any) -> None:
    pq.write_table(pa.table({"id": [1, 2], "d": pa.array([1, 2], pa.date32())}), lab.file("good.parquet"))
    infinite = pa.array([1, 2**31 - 1], pa.int32()).view(pa.date32())
    pq.write_table(pa.table({"id": [1, 2], "d": infinite}), lab.file("bad.parquet"))
    for name in ("good", "bad"):
        extract = lab.step("files", "filesystem.parquet_extractor", path=f"{name}.parquet")
        query = lab.step("sql", "duckdb.processor", "files.df", query="SELECT id, d FROM df WHERE id < 3")
        save = lab.step("save", "filesystem.csv_writer", "sql.df", path="out.csv")
        fused, streamed = both(lab, lab.pipeline(extract, query, save))
        assert [r.status.error and r.status.error["code"] for r in (fused, streamed)] == (
            [None, None] if name == "good" else ["SQL010", "SQL010"]
        )
        assert fused.status.error == streamed.status.error


def test_sql_that_reads_files_of_its_own_is_streamed(shop: Any) -> None:
    extract = shop.step("orders", "filesystem.csv_extractor", path="orders.csv", schema=TYPES)
    sql = "SELECT order_id, name FROM orders JOIN 'customers.csv' c USING (customer) ORDER BY order_id"
    query = shop.step("sql", "duckdb.processor", query=sql, read_files=["customers.csv"])
    query["inputs"] = {"orders": "${orders.df}"}
    save = shop.step("save", "filesystem.csv_writer", "sql.df", path="out.csv")
    fused, _ = both(shop, shop.pipeline(extract, query, save))
    assert groups(fused) == {}


def test_rows_before_a_fan_out_are_streamed_and_the_rest_is_not_fused(shop: Any) -> None:
    extract = shop.step("orders", "filesystem.csv_extractor", path="orders.csv", schema=TYPES)
    one = shop.step("one", "filesystem.csv_writer", "orders.df", path="out.csv")
    two = shop.step("two", "filesystem.parquet_writer", "orders.df", path="out.parquet")
    fused, _ = both(shop, shop.pipeline(extract, one, two))
    assert groups(fused) == {}


def test_a_rerun_under_the_same_key_writes_nothing(shop: Any) -> None:
    file = pipeline(shop, FUSED["filter"])
    first = shop.run_file(file, run_key="k")
    again = shop.run_file(file, run_key="k")
    assert shop.states(first)["save"] == "complete"
    assert shop.states(again) == {"orders": "complete", "sql": "complete", "save": "already_committed"}


CELLS = st.one_of(
    st.integers(-(10**6), 10**6).map(str), st.decimals(-99, 99, places=2).map(str), st.just(""),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=6),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=25)
@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=20), sql=st.sampled_from([None, "SELECT b, a FROM t"]))
def test_any_file_gives_the_same_both_ways(
    new_lab: Callable[[], Any], rows: list[tuple[str, str]], sql: str | None
) -> None:
    lab = new_lab()
    quoted = ['"' + '","'.join(cell.replace('"', '""') for cell in row) + '"' for row in rows]
    put(lab, "t.csv", "\n".join(["a,b", *quoted]) + "\n")
    extract = lab.step("t", "filesystem.csv_extractor", path="t.csv")
    query = lab.step("sql", "duckdb.processor", query=sql)
    query["inputs"] = {"t": "${t.df}"}
    save = lab.step("save", "filesystem.csv_writer", "sql.df" if sql else "t.df", path="out.csv")
    fused, streamed = both(lab, lab.pipeline(extract, *([query] if sql else []), save))
    assert fused.status.error == streamed.status.error
    with duckdb.connect() as con:
        assert fused.status.error or con.sql(f"FROM '{lab.file('out.csv')}'").columns


def test_late_line_breaks_inside_quotes_are_read_right(lab: Any) -> None:
    """They begin where nobody looks before; the engine notices, and then the files are looked through."""
    filler = "x" * 1_000
    lines = [f'{n},"{filler}"' for n in range(30_000)] + [
        f'{n},"{filler[:900]}\n{n}"' for n in range(30_000, 40_000)
    ]
    put(lab, "t.csv", "\n".join(["n,v", *lines]) + "\n")
    extract = lab.step("t", "filesystem.csv_extractor", path="t.csv", schema={"n": "BIGINT", "v": "VARCHAR"})
    query = lab.step("sql", "duckdb.processor", "t.df", query="SELECT n, length(v) AS l FROM df")
    save = lab.step("save", "filesystem.csv_writer", "sql.df", path="out.csv")
    fused, _ = both(lab, lab.pipeline(extract, query, save))
    assert fused.status.error is None
    assert lab.outcome(fused, "save").rows_written == 40_000
    assert lab.outcome(fused, "t").rows_read == 40_000


@pytest.mark.parametrize("fuse", [True, False])
def test_a_ragged_line_behind_a_cut_of_the_file_loses_no_row(lab: Any, fuse: bool) -> None:
    """DuckDB's parallel reader drops the last piece of such a file without a word."""
    put(lab, "t.csv", "v,n\n" + f'"{"a" * 55}",1\n' * 200_000 + "x\n" + "y,2\n" * 400_000)
    extract = lab.step("t", "filesystem.csv_extractor", path="t.csv")
    save = lab.step("save", "filesystem.csv_writer", "t.df", path="out.csv")
    result = lab.run(extract, save, fuse=fuse)
    assert (result.status.error["code"], result.status.error["where"]["line"]) == ("DAT001", 200_002)


def test_a_path_with_a_comma_and_a_timeout_of_its_own(lab: Any) -> None:
    put(lab, "a, b.csv", "a,b\n1,2\n3,4\n")
    extract = lab.step("t", "filesystem.csv_extractor", path="a, b.csv")
    save = lab.step("save", "filesystem.csv_writer", "t.df", path="out.csv")
    fused, _ = both(lab, lab.pipeline(extract, save))
    assert (groups(fused), lab.outcome(fused, "t").rows_read) == ({"t": "save"}, 2)
    fused, _ = both(lab, lab.pipeline(extract | {"timeout_seconds": 60}, save))
    assert groups(fused) == {}
