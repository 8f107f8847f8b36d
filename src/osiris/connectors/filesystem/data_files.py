"""Which files of a folder are data, by their names."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path, PurePosixPath

from osiris.connectors.filesystem.paths import is_own_file
from osiris.connectors.filesystem.project_files import is_own_folder

MOST_ENTRIES = 100_000
"""So many data files are found at most."""

_PACKED = ("", ".gz", ".zst", ".zstd")
_ENDS = {
    "csv": [f".csv{packed}" for packed in _PACKED],
    "jsonl": [f"{end}{packed}" for end in (".jsonl", ".ndjson") for packed in _PACKED],
    "parquet": [".parquet", ".pq"],
}
_KINDS = {end: kind for kind, ends in _ENDS.items() for end in ends}


@dataclass(frozen=True, slots=True)
class Batch:
    """The data files of one folder whose names end alike; `folder` is relative, "" for the base itself."""

    folder: str
    end: str
    kind: str
    names: tuple[str, ...]

    def path(self, name: str) -> str:
        """A file of the folder, relative to the base."""
        return str(PurePosixPath(self.folder) / name)

    def pattern(self, names: str) -> str:
        """A pattern for files of the folder, as a step's `path` has it."""
        return str(PurePosixPath(glob.escape(self.folder)) / names)


def batches(base: Path) -> tuple[list[Batch], bool]:
    """The data files below `base` by folder and end of name, in order, and whether these are all."""
    found = sorted(islice(_data_files(base), MOST_ENTRIES + 1))
    by_end = groupby(found[:MOST_ENTRIES], key=lambda file: file[:2])  # folder and end
    listed = [
        Batch(folder, end, _KINDS[end], tuple(name for _, _, name in files))
        for (folder, end), files in by_end
    ]
    return listed, len(found) <= MOST_ENTRIES


def kind_of(name: str) -> str | None:
    """The kind of a file or a pattern by the end of its name; None for what is no data."""
    end = _end_of(name)
    return _KINDS[end] if end else None


def _data_files(base: Path) -> Iterator[tuple[str, str, str]]:
    """Folder, end and name of each; hidden files and those of the project itself are none."""
    for folder, folders, names in os.walk(base):
        here = Path(folder)
        folders[:] = [name for name in folders if not (name.startswith(".") or is_own_folder(here, name))]
        relative = here.relative_to(base).as_posix()
        for name in names:
            end = _end_of(name)
            if end and not name.startswith(".") and not is_own_file(name):
                yield ("" if relative == "." else relative, end, name)


def _end_of(name: str) -> str | None:
    return next((end for end in _KINDS if name.lower().endswith(end)), None)
