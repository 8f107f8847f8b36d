"""A folder with files, and the drivers of the filesystem family at work in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.core import as_reader
from osiris.drivers.filesystem_csv_extractor_driver import FilesystemCsvExtractorDriver
from osiris.drivers.filesystem_csv_writer_driver import FilesystemCsvWriterDriver
from osiris.drivers.filesystem_jsonl_extractor_driver import FilesystemJsonlExtractorDriver
from osiris.drivers.filesystem_jsonl_writer_driver import FilesystemJsonlWriterDriver
from osiris.drivers.filesystem_parquet_extractor_driver import FilesystemParquetExtractorDriver
from osiris.drivers.filesystem_parquet_writer_driver import FilesystemParquetWriterDriver
from osiris.testing.context import RecordingContext


class Files:
    """A base_dir; each act is one step with a context of its own, the last one kept in `ctx`."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.ctx = self.context()

    def context(self, run_key: str = "key-1") -> RecordingContext:
        self.ctx = RecordingContext(self.base.parent / "session", run_key=run_key)
        return self.ctx

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read_csv(self, path: str, **config: Any) -> pa.Table:
        return self._read(FilesystemCsvExtractorDriver(), path, config)

    def read_jsonl(self, path: str, **config: Any) -> pa.Table:
        return self._read(FilesystemJsonlExtractorDriver(), path, config)

    def read_parquet(self, path: str, **config: Any) -> pa.Table:
        return self._read(FilesystemParquetExtractorDriver(), path, config)

    def write_csv(self, data: pa.Table | pa.RecordBatchReader, path: str, **config: Any) -> Path:
        return self._write(FilesystemCsvWriterDriver(), data, path, config)

    def write_jsonl(self, data: pa.Table | pa.RecordBatchReader, path: str, **config: Any) -> Path:
        return self._write(FilesystemJsonlWriterDriver(), data, path, config)

    def write_parquet(self, data: pa.Table | pa.RecordBatchReader, path: str, **config: Any) -> Path:
        return self._write(FilesystemParquetWriterDriver(), data, path, config)

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.base)) for path in self.base.rglob("*") if path.is_file())

    def _read(self, driver: Any, path: str, config: Mapping[str, Any]) -> pa.Table:
        ctx = self.context()
        try:
            out = driver.run(step_id="step", config=self._config(path, config), inputs=None, ctx=ctx)
            return as_reader(out["df"]).read_all()
        finally:
            ctx.finish()

    def _write(self, driver: Any, data: Any, path: str, config: Mapping[str, Any]) -> Path:
        config = dict(config)
        ctx = self.context() if "ctx" not in config else config.pop("ctx")
        self.ctx = ctx
        reader = data if isinstance(data, pa.RecordBatchReader) else data.to_reader()
        assert (
            driver.run(step_id="step", config=self._config(path, config), inputs={"df": reader}, ctx=ctx)
            == {}
        )
        ctx.finish()
        return self.base / path

    def _config(self, path: str, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"path": path, "resolved_connection": {"base_dir": str(self.base)}, **config}


@pytest.fixture(scope="session")
def new_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Files]:
    """Makes a folder for each example of a property."""

    def make() -> Files:
        base = tmp_path_factory.mktemp("example") / "base"
        base.mkdir()
        return Files(base)

    return make


@pytest.fixture
def files(tmp_path: Path) -> Files:
    base = tmp_path / "base"
    base.mkdir()
    return Files(base)
