"""The sidecar of a data file: what was written, by which run, so that readers and reruns can tell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.canonical import canonical_json
from osiris.errors import DataError, Where

_FIELDS = ("rows", "bytes", "sha256", "schema", "run_key", "pipeline", "step_id", "fingerprint", "format")
_ATTRIBUTES = {"bytes": "size"}


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Facts about one published file; equal facts give equal bytes."""

    rows: int
    size: int
    sha256: str
    schema: tuple[tuple[str, str], ...]
    run_key: str
    pipeline: str
    step_id: str
    fingerprint: str
    format: str

    def to_bytes(self) -> bytes:
        """The file's content: canonical JSON and a line end."""
        data: dict[str, Any] = {name: getattr(self, _ATTRIBUTES.get(name, name)) for name in _FIELDS}
        data["schema"] = [{"name": name, "type": arrow_type} for name, arrow_type in self.schema]
        return canonical_json(data) + b"\n"

    def fits(self, path: Path) -> bool:
        """Whether a file has exactly the bytes that were published."""
        return path.is_file() and path.stat().st_size == self.size and sha256_of(path) == self.sha256


def sidecar_path(target: Path) -> Path:
    """Where the sidecar of a data file lies."""
    return target.with_name(f"{target.name}.osiris.json")


def read_sidecar(path: Path) -> Sidecar | None:
    """The sidecar in a file; None when there is none, or none that can be understood."""
    try:
        data = json.loads(path.read_bytes())
        schema = tuple((column["name"], column["type"]) for column in data["schema"])
        return Sidecar(**{_ATTRIBUTES.get(name, name): data[name] for name in _FIELDS} | {"schema": schema})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sidecars_of(target: Path) -> Iterator[tuple[Path, Sidecar]]:
    """The sidecar of a data file where it belongs, then those that are pending."""
    found = read_sidecar(sidecar_path(target))
    if found is not None:
        yield sidecar_path(target), found
    if target.parent.is_dir():
        yield from pending_sidecars(target)


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


def schema_of(schema: pa.Schema) -> tuple[tuple[str, str], ...]:
    """Column names with their Arrow types in words."""
    return tuple((field.name, str(field.type)) for field in schema)


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
