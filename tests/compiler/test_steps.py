"""A step against its component: mode, config, connection, and no secret in clear text."""

from __future__ import annotations

from typing import Any

import pytest

READ = "  - {id: a, component: filesystem.csv_extractor, config: {path: a.csv}}\n"
WRITE = '  - {id: w, component: duckdb.writer, inputs: {df: "${a.df}"}, config: {%s}}\n'
TABLE = 'connection: "@duckdb.warehouse", table: t'


def write(config: str) -> str:
    return READ + WRITE % config


@pytest.mark.parametrize("mode", ["", "mode: extract, ", "mode: read, "])
def test_the_mode_is_the_component_s_word_for_it(bench: Any, mode: str) -> None:
    assert bench.step(READ.replace("config", f"{mode}config"), "a").mode == "extract"


def test_a_mode_that_the_component_lacks_is_refused(bench: Any) -> None:
    (error,) = bench.compile(READ.replace("config", "mode: write, config")).errors
    assert (error.code, error.candidates, error.step_id) == ("CMP002", ("extract",), "a")


@pytest.mark.parametrize(
    ("modes", "step", "codes"),
    [
        (["transform", "extract"], "id: a, component: acme.any", ["CMP002"]),
        (["transform", "extract"], "id: a, component: acme.any, mode: read", []),
        (["discover"], "id: a, component: acme.any", ["CMP002"]),
    ],
)
def test_a_component_of_several_modes_wants_one_named(
    bench: Any, modes: list[str], step: str, codes: list[str]
) -> None:
    bench.declare("acme.any", modes=modes)
    assert [error.code for error in bench.compile(f"  - {{{step}}}\n").errors] == codes


def test_defaults_are_filled_in(bench: Any) -> None:
    config = bench.step(write(TABLE), "w").config
    assert config == {
        "connection": "@duckdb.warehouse",
        "table": "t",
        "write_mode": "append",
        "create": "if_missing",
        "allow_empty": False,
    }


@pytest.mark.parametrize(
    ("alias", "real"), [("overwrite", "replace"), ("upsert", "merge"), ("merge", "merge")]
)
def test_an_accepted_word_becomes_the_real_one(bench: Any, alias: str, real: str) -> None:
    config = bench.step(write(f"{TABLE}, write_mode: {alias}, primary_key: [id]"), "w").config
    assert config["write_mode"] == real


CONFIGS = {
    "an unknown key": ("tabel: x", "CMP003", ("table",)),
    "a word for a key": ("target_table: x", "CMP003", ("table",)),
    "a missing key": ("create: never", "CMP004", ("table",)),
    "a key that another one needs": ("table: t, write_mode: merge", "CMP004", ("primary_key",)),
    "a wrong type": ("table: 5", "CMP005", ()),
    "nothing": ("table: null", "CMP005", ()),
    "a wrong choice": ("table: t, write_mode: appendd", "CMP005", ("append",)),
    "an empty list": ("table: t, primary_key: []", "CMP005", ()),
}


@pytest.mark.parametrize(("config", "code", "candidates"), CONFIGS.values(), ids=CONFIGS)
def test_a_config_is_checked(bench: Any, config: str, code: str, candidates: tuple[str, ...]) -> None:
    errors = bench.compile(write(f'connection: "@duckdb.warehouse", {config}')).errors
    found = next(error for error in errors if error.code == code)
    assert found.candidates[: len(candidates)] == candidates
    assert found.step_id == "w"


def test_problems_of_a_config_are_placed_exactly(bench: Any) -> None:
    steps = READ + "  - id: w\n    component: duckdb.writer\n    inputs: {df: '${a.df}'}\n    config:\n"
    steps += "      connection: '@duckdb.warehouse'\n      tabel: t\n      table: t\n      primary_key: [1]\n"
    assert bench.problems(steps) == [("CMP003", 10, 7), ("CMP005", 12, 21)]


CONNECTIONS = {
    "none": ("table: t", "CON009", ("@duckdb.other", "@duckdb.warehouse")),
    "one that is not there": ('table: t, connection: "@duckdb.warehose"', "CON002", ("@duckdb.warehouse",)),
    "one of another family": (
        'table: t, connection: "@filesystem.files"',
        "CON008",
        ("@duckdb.other", "@duckdb.warehouse"),
    ),
    "no reference": ("table: t, connection: warehouse", "CON007", ("@duckdb.other", "@duckdb.warehouse")),
    "a reference and a line end": ('table: t, connection: "@duckdb.other\\n"', "CON007", None),
    "a number": ("table: t, connection: 5", "CON007", None),
    "nothing": ("table: t, connection: null", "CON007", None),
    "a field of it": (f"{TABLE}, path: x.duckdb", "CON006", None),
}


@pytest.mark.parametrize(("config", "code", "candidates"), CONNECTIONS.values(), ids=CONNECTIONS)
def test_a_connection_is_checked(
    bench: Any, config: str, code: str, candidates: tuple[str, ...] | None
) -> None:
    (error,) = bench.compile(write(config)).errors
    assert error.code == code
    assert candidates is None or error.candidates[: len(candidates)] == candidates


def test_a_component_without_connections_takes_none(bench: Any) -> None:
    config = 'query: SELECT 1 AS a, connection: "@duckdb.other"'
    step = f"  - {{id: s, component: duckdb.processor, config: {{{config}}}}}\n"
    assert [error.code for error in bench.compile(step).errors] == ["CMP003"]


def test_problems_of_the_connections_file_are_reported_too(bench: Any) -> None:
    (bench.root / "osiris_connections.yaml").write_text("connections: {duckdb: {warehouse: {pth: x}}}\n")
    compiled = bench.compile(write(TABLE))
    assert {error.code for error in compiled.errors} == {"CON003"}
    assert {error.file for error in compiled.errors} == {"osiris_connections.yaml"}


@pytest.mark.parametrize(
    ("text", "code"),
    [("connections: [", "CON001"), ("connections: 5", "CON001"), ("- a", "CON001"), ("", "CON002")],
)
def test_a_connections_file_that_is_wrong_as_a_whole_is_the_only_error(
    bench: Any, text: str, code: str
) -> None:
    (bench.root / "osiris_connections.yaml").write_text(text)
    assert [error.code for error in bench.compile(write(TABLE)).errors] == [code]


SECRETS = [
    "password: hunter2",
    "apiKey: hunter2",
    "clientSecret: [hunter2]",
    "password: {nested: hunter2}",
    "table: 'postgresql://u:hunter2@host/db'",
    "primary_key: ['https://u:hunter2@host/']",
]


@pytest.mark.parametrize("config", SECRETS)
def test_a_secret_in_clear_text_is_refused_unseen(bench: Any, config: str) -> None:
    errors = bench.compile(write(f'connection: "@duckdb.warehouse", {config}')).errors
    assert "CON005" in [error.code for error in errors]
    assert "hunter2" not in repr([error.to_dict() for error in errors])


@pytest.mark.parametrize(
    ("value", "codes"),
    [("hunter2", ["CON005"]), ("'${TOKEN}'", ["CON005", "OML027"]), ("''", []), ("5", ["CON005", "CMP005"])],
)
def test_a_component_s_own_secret_is_never_written_into_a_pipeline(
    bench: Any, value: str, codes: list[str]
) -> None:
    schema = {"type": "object", "properties": {"header": {"type": "string"}}}
    bench.declare("acme.any", configSchema=schema, secrets=["/header"])
    errors = bench.compile(f"  - {{id: a, component: acme.any, config: {{header: {value}}}}}\n").errors
    assert sorted(error.code for error in errors) == sorted(codes)
    assert "hunter2" not in repr([error.to_dict() for error in errors])


def test_a_column_may_be_called_password(bench: Any) -> None:
    assert bench.problems(READ.replace("a.csv", "a.csv, schema: {password: VARCHAR}")) == []


COMPONENTS = {
    "a typo": ("filesystem.csv_extracter", "CMP001", "filesystem.csv_extractor"),
    "the role alone": ("mysql.extractor", "CMP001", "duckdb.extractor"),
    "another case": ("DuckDB.Processor", "CMP001", "duckdb.processor"),
}


@pytest.mark.parametrize(("name", "code", "candidate"), COMPONENTS.values(), ids=COMPONENTS)
def test_a_component_that_nobody_declares(bench: Any, name: str, code: str, candidate: str) -> None:
    (error,) = bench.compile(f"  - {{id: a, component: {name}}}\n").errors
    assert (error.code, error.mark.line) == (code, 4)
    assert candidate in error.candidates


RUNTIMES = {
    "no driver": (None, ["CMP007"]),
    "no such file": ({"driver": "./gone.py:X"}, ["CMP007"]),
    "no such package": ({"driver": "acme_gone.driver.X", "extra": "acme"}, ["CMP007"]),
    "no such package, asked": ({"driver": "acme_gone.driver.X", "checks": True}, ["CMP007"]),
    "no such class, asked": ({"driver": "./driver.py:X", "checks": True}, ["CMP006"]),
    "no such class": ({"driver": "./driver.py:X"}, []),
}


@pytest.mark.parametrize(("runtime", "codes"), RUNTIMES.values(), ids=RUNTIMES)
def test_a_driver_that_is_not_there(bench: Any, runtime: dict[str, Any] | None, codes: list[str]) -> None:
    bench.declare("acme.any", **{"x-runtime": runtime})
    assert [error.code for error in bench.compile("  - {id: a, component: acme.any}\n").errors] == codes


BROKEN = [
    "raise RuntimeError('boom')",
    "import nothing_like_it",
    "def f(:",
    "class AnyDriver:\n    def __init__(self, x): pass",
]


@pytest.mark.parametrize("code", BROKEN)
def test_a_driver_that_does_not_import_is_a_finding(bench: Any, code: str) -> None:
    bench.declare("acme.any", **{"x-runtime": {"driver": "./driver.py:AnyDriver", "checks": True}})
    (bench.root / "components/acme.any/driver.py").write_text(code)
    (error,) = bench.compile("  - {id: a, component: acme.any}\n").errors
    assert error.code in ("CMP006", "CMP015")
    assert "\n" not in error.message


def test_a_declaration_that_is_broken_says_so_where_it_is_used(bench: Any) -> None:
    bench.declare("acme.any", modes=[])
    bench.declare("acme.any2", modes=[])
    errors = bench.compile("  - {id: a, component: acme.any}\n  - {id: b, component: acme.any}\n").errors
    assert [error.code for error in errors].count("CMP010") == 1
    assert [error.code for error in errors].count("CMP001") == 2


@pytest.mark.parametrize("rule", [{"type": "objekt"}, {"pattern": "("}, {"minimum": "x"}])
def test_a_schema_that_is_none_is_a_finding(bench: Any, rule: dict[str, Any]) -> None:
    bench.declare("acme.any", configSchema={"type": "object", "properties": {"a": rule}})
    errors = bench.compile("  - {id: a, component: acme.any, config: {a: x}}\n").errors
    assert [error.code for error in errors] == ["CMP010"]


def test_a_position_inside_sql_is_one_in_the_file(bench: Any) -> None:
    steps = READ + "  - id: s\n    component: duckdb.processor\n    inputs: {df: '${a.df}'}\n    config:\n"
    steps += "      query: |\n        SELECT *\n        FROM df WHRE a = 1\n"
    codes = [(code, line) for code, line, _ in bench.problems(steps)]
    assert codes == [("SQL001", 11)]


def test_everything_is_reported_in_one_pass_and_in_file_order(bench: Any) -> None:
    steps = READ.replace("a.csv", "5").replace("path: 5", "path: 5, colums: []")
    steps += "  - {id: s, component: duckdb.procesor}\n" + WRITE.replace("${a.df}", "${b.df}") % "table: t"
    found = bench.problems(steps, "params: {p: {type: int}}\nextra: 1\n")
    assert {code for code, _, _ in found} == {
        "OML012",
        "OML011",
        "CMP005",
        "CMP003",
        "CMP001",
        "CON009",
        "OML021",
    }
    assert [place[1:] for place in found] == sorted(place[1:] for place in found)


def test_a_type_that_yaml_has_split_at_its_comma_is_explained(bench: Any) -> None:
    step = "  - {id: a, component: filesystem.csv_extractor, config: {path: a, schema: {x: DECIMAL(12,2)}}}\n"
    (error,) = bench.compile(step).errors
    assert (error.code, error.hint) == (
        "CMP005",
        'Within braces a comma ends the text; quote it: "DECIMAL(12,2)".',
    )
