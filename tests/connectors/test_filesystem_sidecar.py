"""A sidecar is believed only when it is exactly one: anybody can lay a file beside the data."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.filesystem import sidecar
from osiris.connectors.filesystem.sidecar import Sidecar, read_sidecar, sidecar_path
from osiris.core import as_reader
from osiris.drivers.filesystem_csv_extractor_driver import FilesystemCsvExtractorDriver
from osiris.drivers.filesystem_csv_writer_driver import FilesystemCsvWriterDriver
from osiris.errors import DataError
from osiris.testing.context import RecordingContext

GOOD: dict[str, Any] = {
    "rows": 2,
    "bytes": 6,
    "sha256": "0" * 64,
    "schema": [{"name": "v", "type": "int64"}],
    "run_key": "key-1",
    "pipeline": "test_pipeline",
    "step_id": "step",
    "fingerprint": "sha256:" + "0" * 64,
    "format": "csv",
}

MALFORMED = {
    "nothing": b"",
    "no JSON": b"\xff{",
    "null": b"null",
    "a list": b"[1, 2]",
    "a text": b'"rows"',
    "too deep": b"[" * 100_000 + b"]" * 100_000,
    "deep inside": json.dumps(GOOD).encode()[:-1] + b', "more": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "a key missing": json.dumps({key: GOOD[key] for key in GOOD if key != "sha256"}).encode(),
    **{
        f"{key} is {json.dumps(value)[:12]}": json.dumps(GOOD | {key: value}).encode()
        for key, value in [
            ("rows", "2"),
            ("rows", None),
            ("rows", True),
            ("rows", 2.0),
            ("rows", [2]),
            ("rows", -1),
            ("rows", 10**30),
            ("bytes", -6),
            ("bytes", "6"),
            ("sha256", None),
            ("schema", None),
            ("schema", {"v": "int64"}),
            ("schema", [["v", "int64"]]),
            ("schema", [{"name": 1, "type": "int64"}]),
            ("run_key", 1),
            ("format", {}),
        ]
    },
}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    return folder


def write(base: Path) -> None:
    table = pa.table({"v": pa.array([1, 2])})
    FilesystemCsvWriterDriver().run(
        step_id="step", config=config(base), inputs={"df": table.to_reader()}, ctx=context(base)
    )


def read(base: Path) -> list[int]:
    ctx = context(base)
    rows = FilesystemCsvExtractorDriver().run(step_id="r", config=config(base), inputs=None, ctx=ctx)["df"]
    found: list[int] = as_reader(rows).read_all()["v"].to_pylist()
    ctx.finish()
    return found


def config(base: Path) -> dict[str, Any]:
    return {"path": "a.csv", "resolved_connection": {"base_dir": str(base)}}


def context(base: Path) -> RecordingContext:
    return RecordingContext(base.parent / "session")


def test_a_good_sidecar_is_read_back_as_it_was_written(base: Path) -> None:
    path = base / "a.csv.osiris.json"
    path.write_text(json.dumps(GOOD))
    found = read_sidecar(path)
    assert found is not None
    assert (found.rows, found.size, json.loads(found.to_bytes())) == (2, 6, GOOD)
    path.write_bytes(found.to_bytes())
    assert read_sidecar(path) == found


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_sidecar_stops_neither_reader_nor_writer(base: Path, content: bytes) -> None:
    (base / "a.csv").write_text("v\n3\n")
    sidecar_path(base / "a.csv").write_bytes(content)
    (base / ".a.csv.osiris-00000000-1.sidecar").write_bytes(content)
    assert read(base) == [3]
    write(base)
    assert read(base) == [1, 2]
    assert isinstance(read_sidecar(sidecar_path(base / "a.csv")), Sidecar)


def test_a_sidecar_of_no_bearable_size_is_none(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = base / "a.csv.osiris.json"
    path.write_text(json.dumps(GOOD))
    monkeypatch.setattr(sidecar, "_MOST_BYTES", path.stat().st_size - 1)
    assert read_sidecar(path) is None


@pytest.mark.parametrize("kind", ["pipe", "endless"])
def test_only_a_regular_file_is_a_sidecar(base: Path, kind: str) -> None:
    path = base / "a.csv.osiris.json"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    assert read_sidecar(path) is None


def test_a_forged_number_of_rows_is_found_out(base: Path) -> None:
    write(base)
    path = sidecar_path(base / "a.csv")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rows": 2**63 - 1}))
    with pytest.raises(DataError) as raised:
        read(base)
    assert raised.value.code == "FIL008"
