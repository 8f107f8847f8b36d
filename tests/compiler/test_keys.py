"""A key that the step before certainly does not give is found before the run, and only then."""

from __future__ import annotations

from typing import Any

import pytest

READ = "  - {id: a, component: filesystem.csv_extractor, config: {path: a.csv}}\n"


def merged(query: str, key: str, bind: str = "{}") -> str:
    config = f'{{connection: "@duckdb.warehouse", table: t, write_mode: merge, primary_key: {key}}}'
    return (
        f'{READ}  - {{id: q, component: duckdb.processor, inputs: {{t: "${{a.df}}"}},\n'
        f'     config: {{query: "{query}", bind: {bind}}}}}\n'
        f'  - {{id: w, component: duckdb.writer, inputs: {{df: "${{q.df}}"}},\n     config: {config}}}\n'
    )


def test_a_key_that_is_not_selected_is_an_error_at_its_place(bench: Any) -> None:
    (error,) = bench.compile(merged("SELECT id, nam AS name FROM t", "[id, names]")).errors
    assert (error.code, error.step_id, error.pointer) == ("TGT013", "w", "/steps/2/config/primary_key/1")
    assert (error.mark.line, error.candidates) == (8, ("name",))
    assert error.hint == "Columns of the input: id, name."


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ID, name FROM t",
        "SELECT * FROM t",
        "SELECT name, max(n) FROM t GROUP BY name",
        "SELECT name FROM t UNION BY NAME SELECT id FROM t",
    ],
)
def test_what_is_not_certain_is_left_to_the_run(bench: Any, query: str) -> None:
    assert bench.compile(merged(query, "[id]")).errors == []


def test_a_query_that_is_wrong_itself_is_the_only_error(bench: Any) -> None:
    assert [error.code for error in bench.compile(merged("SELECT name FRM t", "[id]")).errors] == ["SQL001"]


def test_an_extractor_s_columns_count_too(bench: Any) -> None:
    steps = (
        "  - {id: r, component: duckdb.extractor,\n"
        '     config: {connection: "@duckdb.other", table: t, columns: [a]}}\n'
        '  - {id: w, component: duckdb.writer, inputs: {df: "${r.df}"},\n'
        '     config: {connection: "@duckdb.warehouse", table: t, primary_key: [id]}}\n'
    )
    assert [error.code for error in bench.compile(steps).errors] == ["TGT013"]


def test_a_value_that_cannot_be_bound_is_found_before_the_run(bench: Any) -> None:
    bind = "{d: {type: decimal, value: ten}, e: {type: date, value: today}}"
    errors = bench.compile(merged("SELECT id FROM t WHERE x > :d AND y > :e", "[id]", bind)).errors
    assert [(error.code, error.pointer) for error in errors] == [("SQL008", "/steps/1/config/bind")] * 2
