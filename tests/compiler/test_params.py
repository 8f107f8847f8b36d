"""Parameters keep their types, are checked, and never find their way into SQL as text."""

from __future__ import annotations

from typing import Any

import pytest

READ = "  - {id: a, component: filesystem.csv_extractor, config: {path: a.csv, %s}}\n"
WRITE = '  - {id: w, component: filesystem.csv_writer, inputs: {df: "${s.df}"}, config: {path: o.csv}}\n'
SQL = (
    READ % "header: true"
    + '  - {id: s, component: duckdb.processor, inputs: {df: "${a.df}"}, config: {%s}}\n'
    + WRITE
)


def bound(bench: Any, declared: str, **params: Any) -> Any:
    """What is bound for a parameter that is used as a whole."""
    steps = SQL % 'query: "SELECT * FROM df WHERE a = :p", bind: {p: "${params.p}"}'
    return bench.step(steps, "s", f"params: {{p: {declared}}}\n", **params).config["bind"]["p"]


WHOLE = [
    ("{type: integer, default: 5}", {}, 5),
    ("{type: integer}", {"p": "-7"}, -7),
    ("{type: integer, default: 5}", {"p": 6}, 6),
    ("{type: number}", {"p": "1.5"}, 1.5),
    ("{type: number}", {"p": 2}, 2),
    ("{type: number}", {"p": "1e3"}, 1000.0),
    ("{type: boolean}", {"p": "TRUE"}, True),
    ("{type: boolean, default: false}", {}, False),
    ("{type: string}", {"p": "010"}, "010"),
    ("{default: no}", {}, "no"),
    ("{type: string}", {"p": ""}, ""),
    ("{type: string, default: null}", {}, None),
    ("{type: date, default: 2024-01-31}", {}, {"type": "date", "value": "2024-01-31"}),
    (
        "{type: timestamp}",
        {"p": "2024-01-31T10:00:00"},
        {"type": "timestamp", "value": "2024-01-31 10:00:00"},
    ),
    ("{type: integer, enum: [1, 2]}", {"p": "2"}, 2),
    ("{type: boolean, enum: [true]}", {"p": "true"}, True),
    ("{type: date, enum: [2024-01-01]}", {"p": "2024-01-01"}, {"type": "date", "value": "2024-01-01"}),
]


@pytest.mark.parametrize(("declared", "given", "value"), WHOLE)
def test_a_value_used_as_a_whole_keeps_its_type(
    bench: Any, declared: str, given: dict[str, Any], value: Any
) -> None:
    found = bound(bench, declared, **given)
    assert (found, type(found)) == (value, type(value))


WRONG = [
    ("{type: integer, default: x}", {}),
    ("{type: integer}", {"p": "1.5"}),
    ("{type: integer}", {"p": 1.0}),
    ("{type: integer}", {"p": True}),
    ("{type: integer}", {"p": "9" * 41}),
    ("{type: integer}", {"p": "9" * 5000}),
    ("{type: number}", {"p": "nan"}),
    ("{type: number}", {"p": "1e999"}),
    ("{type: boolean}", {"p": "no"}),
    ("{type: string, default: 5}", {}),
    ("{type: date}", {"p": "2024-02-30"}),
    ("{type: timestamp}", {"p": "yesterday"}),
    ("{enum: [a, b]}", {"p": "c"}),
    ("{enum: [a, b], default: c}", {}),
    ("{type: integer, enum: [1, x], default: 1}", {}),
]


@pytest.mark.parametrize(("declared", "given"), WRONG)
def test_a_value_that_does_not_fit_is_refused(bench: Any, declared: str, given: dict[str, Any]) -> None:
    steps = READ % 'delimiter: "${params.p}"'
    found = bench.problems(steps, f"params: {{p: {declared}}}\n", **given)
    assert [(code, line) for code, line, _ in found] == [("OML028", 3)]


def test_a_wrong_choice_comes_with_the_nearest(bench: Any) -> None:
    (error,) = bench.compile(
        READ % "header: true", "params: {p: {enum: [daily, weekly]}}\n", p="weakly"
    ).errors
    assert error.candidates == ("weekly",)


@pytest.mark.parametrize("use", ["header: true", 'delimiter: "${params.p}"', 'compression: "x${params.p}"'])
def test_a_parameter_without_a_value_is_the_only_problem(bench: Any, use: str) -> None:
    assert bench.problems(READ % use, "params: {p: {type: integer}}\n") == [("OML033", 3, 13)]


def test_a_broken_declaration_is_the_only_problem(bench: Any) -> None:
    steps = READ % 'delimiter: "${params.p}"'
    assert bench.problems(steps, "params: {p: {type: int, default: 5}}\n") == [("OML012", 3, 20)]


def test_a_parameter_that_nobody_declares_is_refused(bench: Any) -> None:
    compiled = bench.compile(
        READ % 'delimiter: "${params.dat}"', "params: {day: {default: x}}\n", zz="1", yy="2"
    )
    assert [(e.code, e.candidates) for e in compiled.errors] == [
        ("OML027", ()),
        ("OML027", ()),
        ("OML027", ("day",)),
    ]
    assert [e.message.split("'")[1] for e in compiled.errors] == ["yy", "zz", "dat"]


@pytest.mark.parametrize(
    ("declared", "path"),
    [
        ("{default: north}", "in/north.csv"),
        ("{type: integer, default: 7}", "in/7.csv"),
        ("{type: boolean, default: true}", "in/true.csv"),
        ("{type: date, default: 2024-01-31}", "in/2024-01-31.csv"),
    ],
)
def test_a_value_may_stand_inside_a_path(bench: Any, declared: str, path: str) -> None:
    steps = '  - {id: a, component: filesystem.csv_extractor, config: {path: "in/${ params.p }.csv"}}\n'
    assert bench.step(steps, "a", f"params: {{p: {declared}}}\n").config["path"] == path


def test_a_value_is_never_read_for_references_again(bench: Any) -> None:
    steps = READ % 'null_values: ["x${params.p}", "${params.p}"]'
    config = bench.step(steps, "a", 'params: {p: {default: "${params.q}"}, q: {default: z}}\n').config
    assert config["null_values"] == ["x${params.q}", "${params.q}"]


def test_a_parameter_inside_sql_is_refused_where_it_stands(bench: Any) -> None:
    steps = SQL % "query: \"SELECT * FROM df WHERE a = '${params.p}'\""
    compiled = bench.compile(steps, "params: {p: {default: x}}\n")
    assert [(e.code, e.pointer) for e in compiled.errors] == [("OML029", "/steps/1/config/query")]
    assert "bind" in (compiled.errors[0].hint or "")


@pytest.mark.parametrize(
    ("text", "meant"),
    [("${HOME}", ()), ("${a.df}", ()), ("${params}", ()), ("${param.p}", ("${params.p}",))],
)
def test_what_stands_for_nothing_is_refused(bench: Any, text: str, meant: tuple[str, ...]) -> None:
    compiled = bench.compile(READ % f"null_values: ['x-{text}']", "params: {p: {default: x}}\n")
    assert [(e.code, e.candidates) for e in compiled.errors] == [("OML027", meant)]


@pytest.mark.parametrize("text", ["{{ config }}", "$(id)", "$params.p", "`id`"])
def test_nothing_else_is_ever_evaluated(bench: Any, text: str) -> None:
    config = bench.step(READ % f"null_values: ['{text}']", "a", "params: {p: {default: x}}\n").config
    assert config["null_values"] == [text]


def test_the_manifest_holds_the_values_that_were_used(bench: Any) -> None:
    head = "params: {d: {type: date, default: 2024-01-31}, n: {type: integer}}\n"
    assert bench.compile(READ % "header: true", head, n="3").require().params == {"d": "2024-01-31", "n": 3}


def test_a_secret_as_a_parameter_s_default_is_refused_unseen(bench: Any) -> None:
    compiled = bench.compile(READ % "header: true", "params: {db_password: {default: hunter2}}\n")
    assert [e.code for e in compiled.errors] == ["CON005"]
    assert "hunter2" not in repr([f.to_dict() for f in compiled.findings])


def test_a_secret_parameter_s_wrong_value_is_not_repeated(bench: Any) -> None:
    compiled = bench.compile(READ % "header: true", "params: {token: {type: integer}}\n", token="hunter2")
    assert {e.code for e in compiled.errors} == {"CON005", "OML028"}
    assert "hunter2" not in repr([f.to_dict() for f in compiled.findings])
