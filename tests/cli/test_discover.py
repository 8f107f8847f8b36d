"""`osiris discover`: what a connection holds, for people and as JSON, and never a value of a row."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pytest

CONNECTIONS = """\
connections:
  duckdb:
    wh: {path: wh.duckdb}
    gone: {path: gone.duckdb}
  sqlite:
    app: {path: app.sqlite}
  filesystem:
    data: {base_dir: data}
  acme:
    one: {host: x}
"""
ACME = """\
family: acme
fields: {type: object, properties: {host: {type: string}}, additionalProperties: false}
"""


@pytest.fixture
def shop(project: Path) -> Path:
    (project / "osiris_connections.yaml").write_text(CONNECTIONS)
    (project / "components/acme").mkdir(parents=True)
    (project / "components/acme/connection.yaml").write_text(ACME)
    for month in ("01", "02"):
        file = project / "data" / "orders" / f"2024-{month}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("id,amount,who\n1,1.5,canary-value\n2,2.25,canary-value\n")
    (project / "data/events.jsonl").write_text('{"id":1,"tags":["canary-value"]}\n')
    (project / "data/bad.csv").write_text("a,a\n1,2\n")
    with duckdb.connect(str(project / "wh.duckdb")) as con:
        con.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, who VARCHAR)")
        con.execute("INSERT INTO t VALUES (1, 'canary-value')")
        con.execute("CREATE VIEW v AS SELECT * FROM t")
    with sqlite3.connect(project / "app.sqlite") as lite:
        lite.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
    return project


def test_files_are_shown_by_the_pattern_that_reads_them(shop: Path, command: Any) -> None:
    answer = command("discover", "@filesystem.data")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.split("\n\n") == [
        "bad.csv  csv\n  DAT006: The header of bad.csv names the column 'a' twice.",
        "events.jsonl  jsonl, 33 B, 1 row\n  id    BIGINT\n  tags  JSON\n  Types inferred from 1 row.",
        "orders/*.csv  csv, 2 files, 106 B, 4 rows\n"
        "  id      BIGINT\n"
        "  amount  DECIMAL(18,2)  Numbers with differing numbers of decimals: "
        "their values are kept, their text is not.\n"
        "  who     VARCHAR\n"
        "  Types inferred from 4 rows.",
        "@filesystem.data holds 3 relations.\n",
    ]


def test_every_family_that_can_is_asked(shop: Path, command: Any) -> None:
    warehouse = command("discover", "@duckdb.wh")
    assert (warehouse.code, warehouse.err) == (0, "")
    assert "t  table, ~1 row, key id\n  id   BIGINT   not null\n  who  VARCHAR\n" in warehouse.out
    assert "v  view\n" in warehouse.out
    assert command("discover", "@sqlite.app").out.startswith("users  table")


def test_the_project_folder_needs_no_connection(shop: Path, command: Any) -> None:
    names = [
        relation["name"] for relation in command("discover", "filesystem", "--json").document["relations"]
    ]
    assert "data/orders/*.csv" in names


def test_json_has_one_document_with_all_that_is_known(shop: Path, command: Any) -> None:
    answer = command("discover", "@filesystem.data", "--json")
    assert (answer.code, answer.err) == (0, "")
    document = answer.document
    assert document.keys() == {"ok", "reference", "family", "relations", "truncated"}
    assert (document["ok"], document["family"], document["truncated"]) == (True, "filesystem", False)
    orders = document["relations"][-1]
    facts = [orders[key] for key in ("name", "files", "bytes", "rows", "rows_sampled")]
    assert facts == ["orders/*.csv", 2, 106, 4, 4]
    assert orders["columns"][0] == {
        "name": "id",
        "source_type": "BIGINT",
        "arrow_type": "int64",
        "nullable": True,
        "comment": None,
    }


@pytest.mark.parametrize("reference", ["@filesystem.data", "@duckdb.wh", "filesystem"])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_value_of_a_row_is_shown(shop: Path, command: Any, reference: str, form: tuple[str, ...]) -> None:
    answer = command("discover", reference, *form)
    assert answer.code == 0
    assert "canary-value" not in answer.out + answer.err


def test_names_and_a_limit_narrow_the_answer(shop: Path, command: Any) -> None:
    named = command("discover", "@duckdb.wh", "--name", "T", "--name", "main.v", "--json").document
    assert [relation["name"] for relation in named["relations"]] == ["t", "v"]
    cut = command("discover", "@filesystem.data", "--limit", "1")
    assert cut.out.endswith("holds 1 relation, and there are more: raise --limit, or ask with --name.\n")
    assert command("discover", "@filesystem.data", "--name", "orders/2024-01.csv").code == 0


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code", "says"),
    [
        (("@duckdb.wg",), 2, "CON002", "@duckdb.wh"),
        (("filesystm",), 2, "CON002", "filesystem"),
        (("@acme.one",), 2, "CON010", "duckdb, filesystem, sqlite"),
        (("@duckdb.wh", "--name", "tt"), 2, "CON011", "There is t"),
        (("@filesystem.data", "--name", "order/*.csv"), 2, "CON011", "orders/*.csv"),
        (("@filesystem.data", "--name", "../x.csv"), 3, "FIL001", "relative"),
        (("@duckdb.gone",), 4, "CON020", "writes it first"),
    ],
)
def test_what_cannot_be_found_is_told_with_the_way_out(
    shop: Path, command: Any, arguments: tuple[str, ...], exit_code: int, code: str, says: str
) -> None:
    answer = command("discover", *arguments, "--json")
    assert answer.code == exit_code
    assert answer.document["error"]["code"] == code
    assert says in answer.document["error"]["hint"]
    assert not (shop / "gone.duckdb").exists()


def test_a_broken_connections_file_is_named(shop: Path, command: Any) -> None:
    (shop / "osiris_connections.yaml").write_text("connections: [")
    answer = command("discover", "@duckdb.wh", "--json")
    assert (answer.code, answer.document["error"]["code"]) == (4, "CON001")


def test_names_of_columns_do_not_drive_the_terminal(shop: Path, command: Any) -> None:
    (shop / "data/evil.jsonl").write_text(json.dumps({"a\x1b[2Jb\nc": 1}) + "\n")
    answer = command("discover", "@filesystem.data", "--name", "evil.jsonl")
    assert "\x1b" not in answer.out
    assert "a\\u001b[2Jb c" in answer.out
