"""What a folder holds: its data files with their columns, those of one shape as one relation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from osiris.connectors.filesystem import paths
from osiris.connectors.filesystem.data_files import batches, kind_of
from osiris.connectors.filesystem.file_contents import Shape, contents, shape
from osiris.connectors.filesystem.file_groups import FileGroup, groups
from osiris.connectors.filesystem.project_files import refuse_secrets
from osiris.core import Discovery, DiscoveryRequest, Relation
from osiris.errors import DataError, OsirisError

_MOST_READ = 20
"""Of the files of a group, so many are read for their types."""


def data_files(base: Path, request: DiscoveryRequest) -> Discovery:
    """CSV, JSON Lines and Parquet files below `base`; one that cannot be read says why in its comment.

    With names, each is a path or a pattern as a step has it; what matches nothing is left out.
    """
    listed: list[FileGroup] = []
    truncated = False
    for group in _named(base, request.names) if request.names else _all(base):
        if group is not None and len(listed) < request.limit:
            listed.append(group)
        else:
            truncated = True
        if truncated and len(listed) == request.limit:
            break
    relations = [_relation(base, group) for group in listed]
    return Discovery(tuple(sorted(relations, key=lambda relation: relation.name)), truncated)


def _all(base: Path) -> Iterator[FileGroup | None]:
    """Every group; None stands for files that are in none."""
    found, complete = batches(base)
    for batch in found:
        listed, whole = groups(batch, partial(_shape, base, batch.kind))
        yield from listed
        if not whole:
            yield None
    if not complete:
        yield None


def _named(base: Path, names: Sequence[str]) -> Iterator[FileGroup]:
    for name in names:
        kind = kind_of(name)
        try:
            found = paths.expand(base, name) if kind else []
        except DataError as error:
            if error.code != "FIL003":
                raise
            continue
        files = tuple(paths.shown(base, path) for path in found)
        if kind and files:
            yield FileGroup(name, kind, files, files)


def _shape(base: Path, kind: str, path: str) -> Shape | None:
    try:
        return shape(kind, _data_file(base, path))
    except OsirisError:
        return None


def _relation(base: Path, group: FileGroup) -> Relation:
    read, files = group.opened[:_MOST_READ], len(group.files)
    try:
        seen = contents(group.kind, [_data_file(base, path) for path in read], partial(paths.shown, base))
    except OsirisError as error:
        return Relation(group.path, group.kind, (), comment=f"{error.code}: {error.message}", files=files)
    is_whole = len(read) == files
    note = None if is_whole else f"The columns are those of {len(read)} of {files:,} files."
    return Relation(
        group.path,
        group.kind,
        seen.columns,
        rows=seen.rows if is_whole else None,
        rows_exact=is_whole and seen.rows is not None,
        comment=note,
        files=files,
        bytes=sum(_size(base / path) for path in group.files),
        rows_sampled=seen.rows_sampled,
    )


def _data_file(base: Path, path: str) -> Path:
    """The real path of a file that a step may read. Raises `OsirisError`."""
    real = paths.regular_file(base, base / path)
    refuse_secrets(real, path)
    return real


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it has gone meanwhile
        return 0
