"""Publication: the old file or the new one, never anything between, whatever strikes and when."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.core import as_reader
from osiris.drivers.filesystem_csv_writer_driver import FilesystemCsvWriterDriver
from osiris.drivers.filesystem_parquet_writer_driver import FilesystemParquetWriterDriver
from osiris.errors import DataError, OsirisError, PipelineError, RunError, TargetState
from osiris.testing.context import RecordingContext

NEW = "v\n1\n2\n"
FAILPOINTS = ("publish.before_rename", "publish.between_renames", "publish.after_rename")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    return folder


def context(base: Path, run_key: str = "key-1") -> RecordingContext:
    return RecordingContext(base.parent / "session", run_key=run_key)


def write(
    base: Path, ctx: RecordingContext, rows: tuple[int, ...] = (1, 2), path: str = "a.csv", **config: Any
) -> None:
    reader = pa.table({"v": pa.array(rows, pa.int64())}).to_reader()
    driver = FilesystemParquetWriterDriver() if path.endswith(".parquet") else FilesystemCsvWriterDriver()
    full = {"path": path, "resolved_connection": {"base_dir": str(base)}, **config}
    driver.run(step_id="step", config=full, inputs={"df": reader}, ctx=ctx)


def names(base: Path) -> list[str]:
    return sorted(path.name for path in base.iterdir())


def test_the_sidecar_says_what_is_in_the_file(base: Path) -> None:
    ctx = context(base)
    write(base, ctx)
    content = (base / "a.csv").read_bytes()
    assert json.loads((base / "a.csv.osiris.json").read_text()) == {
        "rows": 2,
        "bytes": 6,
        "sha256": sha256(content).hexdigest(),
        "schema": [{"name": "v", "type": "int64"}],
        "run_key": "key-1",
        "pipeline": "test_pipeline",
        "step_id": "step",
        "fingerprint": ctx.fingerprint,
        "format": "csv",
    }
    assert ctx.event("target_written") == {
        "target": "file",
        "path": "a.csv",
        "rows": 2,
        "bytes": 6,
        "write_mode": "replace",
    }
    assert names(base) == ["a.csv", "a.csv.osiris.json"]


def test_the_same_run_writes_the_same_bytes(base: Path) -> None:
    for folder in ("1", "2"):
        write(base, context(base), path=f"{folder}/a.csv")
        write(base, context(base), path=f"{folder}/a.parquet")
    for name in ("a.csv", "a.csv.osiris.json", "a.parquet", "a.parquet.osiris.json"):
        assert (base / "1" / name).read_bytes() == (base / "2" / name).read_bytes()


def test_a_rerun_of_a_committed_run_key_does_nothing(base: Path) -> None:
    write(base, context(base))
    before = (base / "a.csv").stat()
    ctx = context(base)
    write(base, ctx, rows=(7, 8, 9))
    assert ctx.event("already_committed") == {"target": "a.csv", "rows": 2}
    assert ctx.metrics == []
    assert (base / "a.csv").stat() == before


def test_a_rerun_after_somebody_changed_the_file_writes_again(base: Path) -> None:
    write(base, context(base))
    (base / "a.csv").write_text("v\n9\n9\n")
    write(base, context(base))
    assert (base / "a.csv").read_text() == NEW


def test_another_run_key_replaces(base: Path) -> None:
    write(base, context(base))
    write(base, context(base, "key-2"), rows=(3,))
    assert (base / "a.csv").read_text() == "v\n3\n"


def test_a_run_key_is_used_for_one_version_of_the_pipeline(base: Path) -> None:
    write(base, context(base))
    ctx = context(base)
    ctx.fingerprint = "sha256:" + "1" * 64
    with pytest.raises(PipelineError) as raised:
        write(base, ctx)
    assert raised.value.code == "RUN009"


@pytest.mark.parametrize("point", FAILPOINTS)
@pytest.mark.parametrize("path", ["a.csv", "a.parquet"])
def test_an_error_at_a_failpoint_says_what_the_target_holds(base: Path, point: str, path: str) -> None:
    write(base, context(base, "old"), rows=(0,), path=path)
    old = (base / path).read_bytes()
    ctx = context(base)

    def strike() -> None:
        raise OSError(5, "Input/output error")

    ctx.failpoints[point] = strike
    with pytest.raises(OsirisError) as raised:
        write(base, ctx, path=path)
    changed = raised.value.target is TargetState.COMMITTED
    assert changed == (point != "publish.before_rename") == ((base / path).read_bytes() != old)
    ctx = context(base)
    write(base, ctx, path=path)
    assert ("already_committed" in dict(ctx.events)) == changed
    assert names(base) == [path, f"{path}.osiris.json"]


_KILLED = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from osiris.drivers.filesystem_csv_writer_driver import FilesystemCsvWriterDriver
from osiris.testing.context import RecordingContext
base, point = Path(sys.argv[1]), sys.argv[2]
ctx = RecordingContext(base.parent / "session")
ctx.failpoints[point] = lambda: os.kill(os.getpid(), signal.SIGKILL)
def batches():
    yield pa.record_batch({"v": [1]})
    ctx.failpoint("in the stream")
    yield pa.record_batch({"v": [2]})
reader = pa.RecordBatchReader.from_batches(pa.schema({"v": pa.int64()}), batches())
config = {"path": "a.csv", "resolved_connection": {"base_dir": str(base)}}
FilesystemCsvWriterDriver().run(step_id="step", config=config, inputs={"df": reader}, ctx=ctx)
"""


@pytest.mark.slow
@pytest.mark.parametrize("point", ["in the stream", *FAILPOINTS])
def test_kill_9_leaves_the_old_file_or_the_new_one_and_a_rerun_finishes(base: Path, point: str) -> None:
    write(base, context(base, "old"), rows=(0,))
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(base), point], env=_environment(), check=False
    )
    assert killed.returncode == -signal.SIGKILL
    committed = point in FAILPOINTS[1:]
    assert (base / "a.csv").read_text() == (NEW if committed else "v\n0\n")
    assert _rows(base) == (2 if committed else 1)
    ctx = context(base)
    write(base, ctx)
    assert ("already_committed" in dict(ctx.events)) == committed
    assert (base / "a.csv").read_text() == NEW
    assert _rows(base) == 2
    assert names(base) == ["a.csv", "a.csv.osiris.json"]


def _rows(base: Path) -> int:
    """As the extractor counts them, sidecars compared."""
    from osiris.drivers.filesystem_csv_extractor_driver import FilesystemCsvExtractorDriver

    ctx = context(base, "reader")
    config = {"path": "a.csv", "resolved_connection": {"base_dir": str(base)}}
    outputs = FilesystemCsvExtractorDriver().run(step_id="r", config=config, inputs=None, ctx=ctx)
    rows: int = as_reader(outputs["df"]).read_all().num_rows
    ctx.finish()
    return rows


_LIMITED = """
import resource, signal, sys
from pathlib import Path
import pyarrow as pa
from osiris.drivers.filesystem_{kind}_writer_driver import Filesystem{Kind}WriterDriver as Driver
from osiris.errors import OsirisError
from osiris.testing.context import RecordingContext
base = Path(sys.argv[1])
ctx = RecordingContext(base.parent / "session")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
table = pa.table({{"v": [i * 7919 % 1000003 for i in range(300_000)]}})
config = {{"path": "a.{kind}", "resolved_connection": {{"base_dir": str(base)}}}}
try:
    Driver().run(step_id="step", config=config, inputs={{"df": table.to_reader()}}, ctx=ctx)
except OsirisError as error:
    print(error.code, error.target.value)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_full_disk_leaves_the_old_file(base: Path, kind: str) -> None:
    """A limit on the size of files stands in for the full disk: the same failure of the same call."""
    write(base, context(base, "old"), rows=(0,), path=f"a.{kind}")
    old = (base / f"a.{kind}").read_bytes()
    script = _LIMITED.format(kind=kind, Kind=kind.capitalize())
    ended = subprocess.run(
        [sys.executable, "-c", script, str(base)],
        env=_environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ended.stdout.strip(), ended.stderr) == ("RES001 unchanged", "")
    assert (base / f"a.{kind}").read_bytes() == old
    assert names(base) == [f"a.{kind}", f"a.{kind}.osiris.json"]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_a_limit_at_the_sidecar_counts_as_a_full_disk(base: Path) -> None:
    ctx = context(base)

    def strike() -> None:
        raise OSError(28, "No space left on device")

    ctx.failpoints["publish.before_rename"] = strike
    with pytest.raises(RunError) as raised:
        write(base, ctx)
    assert (raised.value.code, raised.value.target) == ("RES001", TargetState.UNCHANGED)
    assert names(base) == []


def test_a_folder_that_cannot_be_made(base: Path) -> None:
    (base / "file").write_text("x")
    with pytest.raises(PipelineError) as raised:
        write(base, context(base), path="file/deep/a.csv")
    assert raised.value.code == "FIL006"
    assert names(base) == ["file"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become an ordinary user for a moment")
def test_a_folder_without_write_permission() -> None:
    """Root may write everywhere, so the step runs as an ordinary user."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        ctx = context(base / "out")
        base.chmod(0o755)
        os.seteuid(65534)
        try:
            with pytest.raises(PipelineError) as raised:
                write(base, ctx)
        finally:
            os.seteuid(0)
        assert raised.value.code == "FIL006"
        assert names(base) == ["session"]


def test_the_path_of_a_folder(base: Path) -> None:
    (base / "a.csv").mkdir()
    with pytest.raises(PipelineError) as raised:
        write(base, context(base))
    assert raised.value.code == "FIL004"


def test_a_folder_that_becomes_a_link_while_rows_arrive(base: Path) -> None:
    outside = base.parent / "outside"
    outside.mkdir()

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"v": [1]})
        (base / "out").rename(base / "moved")
        (base / "out").symlink_to(outside)

    reader = pa.RecordBatchReader.from_batches(pa.schema({"v": pa.int64()}), batches())
    config = {"path": "out/a.csv", "resolved_connection": {"base_dir": str(base)}}
    with pytest.raises(PipelineError, match="symbolic link"):
        FilesystemCsvWriterDriver().run(
            step_id="step", config=config, inputs={"df": reader}, ctx=context(base)
        )
    assert names(outside) == []


def test_leftovers_of_dead_attempts_are_removed(base: Path) -> None:
    write(base, context(base, "other"))
    own = sha256(b"key-1/step").hexdigest()[:8]
    mine, old, young = (f".a.csv.osiris-{tag}-9.part" for tag in (own, "aaaaaaaa", "bbbbbbbb"))
    for name in (mine, old, young):
        (base / name).write_text("left")
    os.utime(base / old, (time.time() - 200_000,) * 2)
    write(base, context(base))
    assert names(base) == [young, "a.csv", "a.csv.osiris.json"]


def test_two_steps_of_one_run_do_not_write_one_file(base: Path) -> None:
    first, second = context(base), context(base)
    first.run_id = second.run_id = "run_one_file"
    second.step_id = "other"
    write(base, first)
    with pytest.raises(PipelineError) as raised:
        write(base, second)
    assert raised.value.code == "FIL007"


def test_rows_that_get_lost_on_the_way_stop_the_publication(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osiris.connectors.filesystem.input_stream.InputStream.rows", 3)
    with pytest.raises(DataError) as raised:
        write(base, context(base))
    assert raised.value.code == "RUN007"
    assert names(base) == []


def test_text_that_is_not_utf8_is_not_written(base: Path) -> None:
    buffers = [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    table = pa.table({"v": pa.Array.from_buffers(pa.string(), 1, buffers)})
    config = {"path": "a.csv", "resolved_connection": {"base_dir": str(base)}}
    with pytest.raises(DataError) as raised:
        FilesystemCsvWriterDriver().run(
            step_id="step", config=config, inputs={"df": table.to_reader()}, ctx=context(base)
        )
    assert raised.value.code == "DAT017"
    assert names(base) == []


def test_a_file_may_be_its_own_source(base: Path) -> None:
    from osiris.drivers.filesystem_csv_extractor_driver import FilesystemCsvExtractorDriver

    (base / "a.csv").write_text("v\n" + "1\n" * 50_000)
    ctx = context(base)
    config = {"path": "a.csv", "resolved_connection": {"base_dir": str(base)}}
    reader = as_reader(
        FilesystemCsvExtractorDriver().run(step_id="r", config=config, inputs=None, ctx=ctx)["df"]
    )
    FilesystemCsvWriterDriver().run(step_id="step", config=config, inputs={"df": reader}, ctx=ctx)
    ctx.finish()
    assert _rows(base) == 50_000
