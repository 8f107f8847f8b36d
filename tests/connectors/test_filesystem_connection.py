"""The filesystem connector: doctor tells causes apart, discovery lists files with their columns."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from osiris.connectors.filesystem.connection import FilesystemConnector
from osiris.core import Connector, DiscoveryRequest
from osiris.errors import ConnectionFailed


def connector(base: Path) -> FilesystemConnector:
    return FilesystemConnector({"base_dir": str(base)})


def test_it_is_a_connector(tmp_path: Path) -> None:
    found = connector(tmp_path)
    assert isinstance(found, Connector)
    found.connect()
    found.connect()
    found.close()
    found.close()


def test_a_good_folder_passes_every_check(tmp_path: Path) -> None:
    assert [(check.name, check.ok) for check in connector(tmp_path).doctor()] == [
        ("exists", True),
        ("readable", True),
        ("writable", True),
    ]


@pytest.mark.parametrize(
    ("kind", "code"), [("missing", "CON020"), ("file", "CON023"), ("broken link", "CON020")]
)
def test_causes_are_told_apart(tmp_path: Path, kind: str, code: str) -> None:
    base = tmp_path / "base"
    if kind == "file":
        base.write_text("x")
    if kind == "broken link":
        base.symlink_to("nowhere")
    (check,) = connector(base).doctor()
    assert (check.ok, check.code) == (False, code)
    with pytest.raises(ConnectionFailed) as raised:
        connector(base).connect()
    assert raised.value.code == code
    assert str(tmp_path) not in check.message


@pytest.mark.parametrize("denied", ["readable", "writable"])
def test_permissions_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, denied: str) -> None:
    """Root may do everything, so the answer of the operating system is given here."""
    monkeypatch.setattr(os, "access", lambda _path, mode: (mode == os.W_OK) != (denied == "writable"))
    failed = {check.name: check.code for check in connector(tmp_path).doctor() if not check.ok}
    assert failed == {denied: "CON021"}


def test_discovery_lists_data_files_with_their_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,zip,amount\n1,00501,1.50\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.csv.gz").write_bytes(gzip.compress(b"day\n2024-02-29\n"))
    parquet.write_table(pa.table({"v": pa.array([1, 2], pa.uint8())}), tmp_path / "c.parquet")
    (tmp_path / "bad.csv").write_text("a,a\n1,2\n")
    (tmp_path / "bad.parquet").write_text("no parquet")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".hidden.csv").write_text("a\n")
    found = {
        relation.name: relation for relation in connector(tmp_path).discover(DiscoveryRequest()).relations
    }
    assert list(found) == ["a.csv", "bad.csv", "bad.parquet", "c.parquet", "deep/b.csv.gz"]
    columns = [(column.name, column.source_type, column.arrow_type) for column in found["a.csv"].columns]
    assert columns == [
        ("id", "BIGINT", "int64"),
        ("zip", "VARCHAR", "string"),
        ("amount", "DECIMAL(18,2)", "decimal128(18, 2)"),
    ]
    assert (found["a.csv"].rows, found["a.csv"].rows_exact) == (1, True)
    assert (found["c.parquet"].rows, found["c.parquet"].columns[0].arrow_type) == (2, "uint8")
    assert found["deep/b.csv.gz"].columns[0].arrow_type == "date32[day]"
    assert (found["bad.csv"].comment or "").startswith("DAT006")
    assert (found["bad.parquet"].comment or "").startswith("DAT015")
