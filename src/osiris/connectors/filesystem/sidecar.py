"""The sidecar of a data file: what was written, by which run, so that readers and reruns can tell."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from osiris.canonical import canonical_json
from osiris.errors import DataError, Where

_MOST_BYTES = 16 << 20
"""A larger file is no sidecar; ours have about 60 bytes per column."""

_Count = Annotated[int, Field(ge=0, lt=1 << 63)]


class SidecarColumn(BaseModel):
    """A column's name and its Arrow type in words."""

    model_config = ConfigDict(strict=True, frozen=True)

    name: str
    type: str


class Sidecar(BaseModel):
    """Facts about one published file; equal facts give equal bytes."""

    model_config = ConfigDict(strict=True, frozen=True, validate_by_name=True)

    rows: _Count
    size: Annotated[_Count, Field(alias="bytes")]
    sha256: str
    columns: Annotated[tuple[SidecarColumn, ...], Field(alias="schema")]
    run_key: str
    pipeline: str
    step_id: str
    fingerprint: str
    format: str

    def to_bytes(self) -> bytes:
        """The file's content: canonical JSON and a line end."""
        return canonical_json(self.model_dump(by_alias=True)) + b"\n"

    def fits(self, path: Path) -> bool:
        """Whether a file has exactly the bytes that were published."""
        return path.is_file() and path.stat().st_size == self.size and sha256_of(path) == self.sha256


def sidecar_path(target: Path) -> Path:
    """Where the sidecar of a data file lies."""
    return target.with_name(f"{target.name}.osiris.json")


def read_sidecar(path: Path) -> Sidecar | None:
    """The sidecar in a file; None when there is none, or anything that is not exactly one."""
    try:
        return Sidecar.model_validate_json(_content(path))
    except (OSError, ValidationError):
        return None


def sidecars_of(target: Path) -> Iterator[tuple[Path, Sidecar]]:
    """The sidecar of a data file where it belongs, then those that are pending."""
    found = read_sidecar(sidecar_path(target))
    if found is not None:
        yield sidecar_path(target), found
    if target.parent.is_dir():
        yield from pending_sidecars(target)


def _content(path: Path) -> bytes:
    """The bytes of a regular file of bearable size, nothing of any other."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    return content if len(content) <= _MOST_BYTES else b""


def pending_sidecars(target: Path) -> Iterator[tuple[Path, Sidecar]]:
    """Sidecars that a run wrote but did not put in place, because it died between two renames."""
    prefix = f".{target.name}.osiris-"
    for path in sorted(target.parent.iterdir()):
        if path.name.startswith(prefix) and path.suffix == ".sidecar":
            found = read_sidecar(path)
            if found is not None:
                yield path, found


def expected_rows(paths: Sequence[Path], shown: Callable[[Path], str]) -> int | None:
    """How many rows the files' sidecars promise together; None when one has none.

    Raises `DataError` FIL008 for a file whose size is not the one that was published.
    """
    promises = [_promise(path, shown(path)) for path in paths]
    if any(promise is None for promise in promises):
        return None
    return sum(promise.rows for promise in promises if promise is not None)


def check_rows(promised: int | None, delivered: int, name: str) -> None:
    """Compare at the end of a stream. Raises `DataError` FIL008."""
    if promised is not None and promised != delivered:
        message = f"{name} gave {delivered:,} rows, its sidecar promises {promised:,}."
        raise DataError("FIL008", message, hint=_HINT, where=Where(name))


_HINT = "The file was changed after it was published. Publish it again, or remove its .osiris.json file."


def columns_of(schema: pa.Schema) -> tuple[SidecarColumn, ...]:
    """Column names with their Arrow types in words."""
    return tuple(SidecarColumn(name=field.name, type=str(field.type)) for field in schema)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _promise(path: Path, name: str) -> Sidecar | None:
    found = read_sidecar(sidecar_path(path))
    size = path.stat().st_size
    if found is None or found.size == size:
        return found
    for _, pending in pending_sidecars(path):
        if pending.size == size:
            return pending
    message = f"{name} has {size:,} bytes, its sidecar promises {found.size:,}."
    raise DataError("FIL008", message, hint=_HINT, where=Where(name))
