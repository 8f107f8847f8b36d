"""`osiris plan`: what a reviewer reads, what a program reads, and the exit code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

PIPELINE = """\
oml_version: "0.1.0"
name: people
params: {least: {type: integer, default: 1}}
steps:
  - id: a
    component: duckdb.processor
    config:
      bind: {least: "${params.least}"}
      query: |
        SELECT 7::INTEGER AS id, 'Ann' AS name
        WHERE 7 > :least
  - {id: file, component: filesystem.csv_writer, inputs: {df: "${a.df}"}, config: {path: out/people.csv}}
  - id: table
    component: duckdb.writer
    inputs: {df: "${a.df}"}
    config: {connection: "@duckdb.main", table: people}
"""

FIRST = """\
people  FINGERPRINT

Since the last run
  There is none: the pipeline has not run here.

Run
  a new run with a run key of its own

Targets
  file  out/people.csv
      does not exist; would be created
      columns id, name
  table  main.duckdb:people
      does not exist; would be created
      columns id, name
      at least once: without a key, each new run appends its rows again, and so does
      this one if both logs/ and its run key are lost

Mind
  The 2 targets are committed one by one: a failure may leave some unwritten.
"""

SECOND = """\
people  FINGERPRINT

Since the last run
  RUN (succeeded) ran another version:
  ~ step a  duckdb.processor
      config.bind.least  1 → 3
      config.query
        - SELECT 7::INTEGER AS id, 'Ann' AS name
        + SELECT 7::BIGINT AS id, 'Ann' AS name, DATE '2024-01-31' AS born
  + step again  filesystem.parquet_writer
  ~ parameter least  1 → 3

Run
  a new run with a run key of its own

Targets
  file  out/people.csv
      the 1 row replaced, 14 B  destructive
      ~  id    int32 → int64
      +  born  date32[day]    new in the input
  table  main.duckdb:people
      rows appended to 1 row
      ~  id    INTEGER → BIGINT
      +  born  DATE              new in the input
      would be refused: TGT002  The target has no column "born".
        hint: Columns of the target: id, name.
  again  out/p.parquet
      does not exist; would be created
      columns id, name, born

Mind
  The 3 targets are committed one by one: a failure may leave some unwritten.
"""

AGAIN = """\
  - {id: again, component: filesystem.parquet_writer, inputs: {df: "${a.df}"}, config: {path: out/p.parquet}}
"""


@pytest.fixture
def people(project: Path) -> Path:
    """A project with one pipeline; the answer is its file."""
    text = 'version: 1\nconnections: {duckdb: {main: {path: main.duckdb}, "gone": {path: gone/x.duckdb}}}\n'
    (project / "osiris_connections.yaml").write_text(text)
    file = project / "people.yaml"
    file.write_text(PIPELINE)
    return file


def shown(text: str) -> str:
    """The text without what differs from run to run."""
    text = re.sub(r"run_\w+", "RUN", text)
    return re.sub(r"\b[0-9a-f]{12}\b", "FINGERPRINT", text)


def test_a_reviewer_reads_what_would_be_made_and_what_would_change(
    people: Path, lab: Any, command: Any
) -> None:
    answer = command("plan", "people.yaml")
    assert (answer.code, shown(answer.out)) == (0, FIRST)
    lab.root = people.parent
    assert lab.osiris("run", "people.yaml").returncode == 0
    edited = PIPELINE.replace(
        "7::INTEGER AS id, 'Ann' AS name", "7::BIGINT AS id, 'Ann' AS name, DATE '2024-01-31' AS born"
    )
    people.write_text(edited + AGAIN)
    answer = command("plan", "people.yaml", "--param", "least=3")
    assert (answer.code, shown(answer.out)) == (0, SECOND)


def test_a_program_reads_the_same_keys_whatever_is_known(people: Path, command: Any) -> None:
    people.write_text(PIPELINE.replace("@duckdb.main", "@duckdb.gone"))
    answer = command("plan", "people.yaml", "--json")
    document = answer.document
    assert list(document)[:3] == ["ok", "pipeline", "fingerprint"]
    assert (answer.code, document["ok"]) == (4, False)
    file, table = document["targets"]
    assert file.keys() == table.keys()
    assert (file["effect"], file["atomic"], file["columns"][0]) == (
        "create",
        True,
        {"name": "id", "type": "int32"},
    )
    assert (table["effect"], table["failure"]["code"]) == (None, "CON020")


def test_a_failed_connection_is_told_and_the_rest_is_planned(people: Path, command: Any) -> None:
    people.write_text(PIPELINE.replace("@duckdb.main", "@duckdb.gone"))
    answer = command("plan", "people.yaml")
    assert answer.code == 4
    assert "not known: CON020" in answer.out
    assert "does not exist; would be created" in answer.out


def test_an_invalid_pipeline_exits_with_3(people: Path, command: Any) -> None:
    people.write_text(PIPELINE.replace("csv_writer", "csv_writr"))
    answer = command("plan", "people.yaml")
    assert (answer.code, answer.out) == (3, "")
    assert "filesystem.csv_writer" in answer.err


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ((), "a new run with a run key"),
        (("--run-key", "day"), "under the run key day"),
        (("--new",), "a new run"),
    ],
)
def test_the_run_key_is_told(people: Path, command: Any, option: tuple[str, ...], words: str) -> None:
    assert f"\nRun\n  {words}" in command("plan", "people.yaml", *option).out


def test_a_secret_is_masked_in_what_changed(
    people: Path, lab: Any, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.root = people.parent
    assert lab.osiris("run", "people.yaml").returncode == 0
    people.write_text(PIPELINE.replace("'Ann'", "'ghp_" + "a" * 36 + "'"))
    answer = command("plan", "people.yaml")
    assert "ghp_" not in answer.out
    assert "****" in answer.out


def test_a_narrower_type_is_told_with_the_code_of_the_run(people: Path, command: Any) -> None:
    with duckdb.connect("main.duckdb") as con:
        con.execute("CREATE TABLE people (id FLOAT, name VARCHAR)")
    out = command("plan", "people.yaml").out
    assert "~  id  FLOAT → INTEGER  may lose information" in out
    assert "would be refused: TGT004" in out
