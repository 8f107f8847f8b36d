"""A component in the seed's form works unchanged: its connection fields in its spec, pandas in and out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pandas")

CANARY = "s3ed'canary\"/pw"

SPEC = """\
name: {name}
version: 1.0.0
title: {name}
modes: [{mode}]
capabilities: {{discover: false}}
{ports}
configSchema:
  type: object
  properties:
    connection: {{type: string}}
    host: {{type: string}}
    database: {{type: string}}
    user: {{type: string}}
    password: {{type: string}}
    {field}: {{type: string}}
  required: [host, database, user, password, {field}]
  additionalProperties: false
secrets: [/password]
x-connection-fields:
  - {{name: host, override: allowed}}
  - {{name: database, override: forbidden}}
  - {{name: user, override: forbidden}}
  - {{name: password, override: forbidden}}
x-runtime: {{driver: "./driver.py:{driver}", inputs: pandas}}
examples:
  - {{title: One, config: {{connection: "@{family}.main", {field}: x}}}}
"""
EXTRACTOR = """\
import pandas as pd


class MySQLExtractorDriver:
    def run(self, *, step_id, config, inputs, ctx):
        connection = config["resolved_connection"]
        print("connecting", dict(connection), connection["password"].reveal())
        ctx.logger.info("password is %s", connection["password"].reveal())
        if config["query"] == "fail":
            raise ValueError(f"login of {connection['user']} with {connection['password'].reveal()} failed")
        df = pd.DataFrame({"id": pd.array([2**53 + 1, None], dtype="Int64"), "name": ["Zoë", None]})
        ctx.log_metric("rows_read", len(df))
        return {"df": df}
"""
WRITER = """\
class SupabaseWriterDriver:
    def run(self, *, step_id, config, inputs, ctx):
        df = inputs["df"]
        assert config["resolved_connection"]["host"] == "other.example"
        (ctx.artifacts_dir / "rows.txt").write_text(f"{df['id'].iloc[0]} {df['id'].dtype}")
        ctx.log_metric("rows_written", len(df))
        return {}
"""
CONNECTIONS = """\
connections:
  mysql:
    default: {host: h, database: d, user: u, password: "${SEED_PW}"}
  supabase:
    main: {host: h, database: d, user: u, password: "${SEED_PW}"}
"""
PIPELINE = """\
oml_version: "0.1.0"
name: mysql_to_supabase
params: {query: {type: string, default: "SELECT * FROM users"}}
steps:
  - id: extract_users
    component: mysql.extractor
    mode: read
    config:
      connection: "@mysql.default"
      query: "${params.query}"
  - id: write_users
    component: supabase.writer
    mode: write
    inputs:
      df: "${extract_users.df}"
    config:
      connection: "@supabase.main"
      host: other.example
      table: users
"""


@pytest.fixture
def seed(project: Path) -> Path:
    extractor = {"name": "mysql.extractor", "mode": "extract", "ports": "outputs: [df]", "field": "query"}
    writer = {"name": "supabase.writer", "mode": "write", "ports": "inputs: [df]", "field": "table"}
    files = {
        "components/mysql.extractor/spec.yaml": SPEC.format(
            **extractor, driver="MySQLExtractorDriver", family="mysql"
        ),
        "components/mysql.extractor/driver.py": EXTRACTOR,
        "components/supabase.writer/spec.yaml": SPEC.format(
            **writer, driver="SupabaseWriterDriver", family="supabase"
        ),
        "components/supabase.writer/driver.py": WRITER,
        "osiris_connections.yaml": CONNECTIONS,
        ".env": f"SEED_PW='{CANARY}'\n".replace("'canary", "\\'canary"),
        "p.yaml": PIPELINE,
    }
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    return project


def osiris(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "osiris", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.e2e
def test_the_seed_s_two_steps_run_as_they_stand(seed: Path) -> None:
    done = osiris("run", "p.yaml", "--json")
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert [(step["id"], step["state"]) for step in status["steps"]] == [
        ("extract_users", "complete"),
        ("write_users", "complete"),
    ]
    (rows,) = (seed / status["session"]).rglob("rows.txt")
    assert rows.read_text() == "9007199254740993 int64[pyarrow]"


@pytest.mark.e2e
@pytest.mark.parametrize("query", ["SELECT 1", "fail"])
def test_its_secret_is_shown_to_nobody(seed: Path, query: str) -> None:
    done = osiris("run", "p.yaml", "--param", f"query={query}")
    assert done.returncode == (1 if query == "fail" else 0)
    written = [file.read_bytes() for file in seed.rglob("*") if file.is_file() and file.name != ".env"]
    for text in (done.stdout, done.stderr, *(content.decode("utf-8", "replace") for content in written)):
        assert CANARY not in text
        assert json.dumps(CANARY)[1:-1] not in text


def test_its_spec_is_strict_valid(seed: Path) -> None:
    done = osiris(
        "components", "validate", "mysql.extractor", "supabase.writer", "--level", "strict", "--json"
    )
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["valid"] is True


def test_one_list_shows_its_own_and_its_connection_s_fields(seed: Path) -> None:
    shown = json.loads(osiris("components", "show", "mysql.extractor", "--json").stdout)
    assert list(shown["config_schema"]["properties"]) == [
        "host",
        "database",
        "user",
        "password",
        "query",
        "connection",
    ]
    assert shown["connection_fields"]["host"] == "allowed"
    assert shown["secrets"] == ["/password"]


def test_a_field_that_may_not_be_overridden_is_refused(seed: Path) -> None:
    text = PIPELINE.replace("host: other.example", "user: root")
    (seed / "p.yaml").write_text(text, encoding="utf-8")
    done = osiris("validate", "p.yaml", "--json")
    assert done.returncode == 3
    assert [finding["code"] for finding in json.loads(done.stdout)["findings"]] == ["CON006"]
