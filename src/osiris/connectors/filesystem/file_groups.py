"""Files that belong together: of one folder, with the same end of name and the same columns."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby

from osiris.connectors.filesystem.data_files import Batch
from osiris.connectors.filesystem.file_contents import Shape

MOST_OPENED = 100
"""Of the files of a batch, so many are opened to compare their columns."""

_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files that a step reads together by its `path`; `opened` are those that were looked into."""

    path: str
    kind: str
    files: tuple[str, ...]
    opened: tuple[str, ...]


def groups(batch: Batch, shape_of: Callable[[str], Shape | None]) -> tuple[list[FileGroup], bool]:
    """The groups of a batch, and whether each of its files is in one.

    All files are one group where they have the same columns. Else those are whose names differ only by
    digits, if there is a pattern for them alone. A file that was not opened goes with those named alike.
    """
    shapes = {name: shape_of(batch.path(name)) for name in batch.names[:MOST_OPENED]}
    whole = _group(batch, [f"*{batch.end}"], batch.names, shapes) if len(batch.names) > 1 else None
    if whole is not None:
        return [whole], True
    found: list[FileGroup] = []
    for names in _named_alike(batch.names):
        group = _group(batch, _patterns(names[0]), names, shapes) if len(names) > 1 else None
        found += [group] if group else [_single(batch, name) for name in names if name in shapes]
    return found, sum(len(group.files) for group in found) == len(batch.names)


def _group(
    batch: Batch, patterns: Sequence[str], names: Sequence[str], shapes: Mapping[str, Shape | None]
) -> FileGroup | None:
    """The files as one group; None where they are not alike, or each pattern names others too."""
    opened = [name for name in names if name in shapes]
    pattern = next((one for one in patterns if _matches(batch, one) == list(names)), None)
    if pattern is None or not _are_alike(batch.kind, [shapes[name] for name in opened]):
        return None
    files, looked_into = (tuple(map(batch.path, part)) for part in (names, opened))
    return FileGroup(batch.pattern(pattern), batch.kind, files, looked_into)


def _matches(batch: Batch, pattern: str) -> list[str]:
    return [name for name in batch.names if fnmatchcase(name, pattern)]


def _single(batch: Batch, name: str) -> FileGroup:
    path = batch.path(name)
    return FileGroup(path, batch.kind, (path,), (path,))


def _are_alike(kind: str, shapes: Sequence[Shape | None]) -> bool:
    """Whether all can be read and have the same columns; rows of JSON Lines may lack some."""
    known = [shape for shape in shapes if shape is not None]
    if not known or len(known) < len(shapes):
        return False
    largest = max(known, key=len)
    return all(shape <= largest if kind == "jsonl" else shape == largest for shape in known)


def _named_alike(names: Iterable[str]) -> list[list[str]]:
    """The names that differ only by their digits, each time in order."""

    def without_digits(name: str) -> str:
        return _DIGITS.sub("0", name)

    return [list(alike) for _, alike in groupby(sorted(names, key=without_digits), key=without_digits)]


def _patterns(name: str) -> list[str]:
    """The name with a star from its first digit to its last, and the same for names with a digit there."""
    digits = list(_DIGITS.finditer(name))
    if not digits:
        return []
    before, after = (glob.escape(part) for part in (name[: digits[0].start()], name[digits[-1].end() :]))
    return [f"{before}*{after}", f"{before}[0-9]*{after}"]
