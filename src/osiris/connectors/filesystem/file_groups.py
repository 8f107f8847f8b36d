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

_Shapes = Mapping[str, Shape | None]
"""The shapes of files by name; None for one that cannot be read."""

_Judge = Callable[[_Shapes], bool]

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

    All files are one group where those that were opened have the same columns. Else those are whose names
    differ only by digits, if there is a pattern for them alone; some JSON Lines files may lack columns then.
    """
    classes = _named_alike(batch.names)
    shapes = {name: shape_of(batch.path(name)) for name in _to_open(classes)}
    whole = _group(batch, [f"*{batch.end}"], batch.names, shapes, _are_same)
    if whole is not None:
        return [whole], True
    is_one_shape = _are_nested if batch.kind == "jsonl" else _are_same
    found: list[FileGroup] = []
    for names in classes:
        group = _group(batch, _patterns(names[0]), names, shapes, is_one_shape)
        found += [group] if group else [_single(batch, name) for name in names if name in shapes]
    return found, sum(len(group.files) for group in found) == len(batch.names)


def _group(
    batch: Batch, patterns: Sequence[str], names: Sequence[str], shapes: _Shapes, is_one_shape: _Judge
) -> FileGroup | None:
    """The files as one group; None where they are not of one shape, or each pattern names other files too."""
    opened = {name: shapes[name] for name in names if name in shapes}
    pattern = next((one for one in patterns if _matches(batch, one) == list(names)), None)
    if pattern is None or len(names) == 1 or not is_one_shape(opened):
        return None
    files, looked_into = (tuple(map(batch.path, part)) for part in (names, opened))
    return FileGroup(batch.pattern(pattern), batch.kind, files, looked_into)


def _single(batch: Batch, name: str) -> FileGroup:
    path = batch.path(name)
    return FileGroup(path, batch.kind, (path,), (path,))


def _matches(batch: Batch, pattern: str) -> list[str]:
    return [name for name in batch.names if fnmatchcase(name, pattern)]


def _are_same(shapes: _Shapes) -> bool:
    """Whether all files can be read and have the same columns."""
    return None not in shapes.values() and len(set(shapes.values())) == 1


def _are_nested(shapes: _Shapes) -> bool:
    """Whether all files can be read and one of them has the columns of each."""
    known = [shape for shape in shapes.values() if shape is not None]
    return 0 < len(known) == len(shapes) and all(shape <= max(known, key=len) for shape in known)


def _to_open(classes: Sequence[Sequence[str]]) -> list[str]:
    """So many names at most: the first of each class, then the second of each, and so on."""
    by_rank = sorted((rank, name) for names in classes for rank, name in enumerate(names))
    return sorted(name for _, name in by_rank[:MOST_OPENED])


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
