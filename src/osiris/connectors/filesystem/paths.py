"""Paths of a pipeline, kept below one folder, also through symbolic links."""

from __future__ import annotations

import glob
import re
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from osiris.errors import DataError, PipelineError
from osiris.findings import nearest

MAX_FILES = 10_000
"""A pattern may match this many files; more is taken for a mistake."""

_MAGIC = re.compile(r"[*?\[]")
_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*:")
_OWN_FILES = re.compile(r"\.osiris\.json$|^\..*\.osiris-", re.IGNORECASE)


def path_problem(path: str) -> str | None:
    """Why a path may not stand in a pipeline, judged by its text alone; None when it may."""
    if "\0" in path or not path.strip():
        return "is empty or holds a NUL character"
    if _URL.match(path):
        return "is a URL or names a drive"
    if path.startswith(("/", "\\")):
        return "is absolute"
    if path.startswith("~"):
        return "starts with ~, which is not expanded"
    if ".." in re.split(r"[/\\]", path):
        return "leads out of its folder with .."
    return None


def checked(path: str) -> str:
    """The path itself. Raises `PipelineError` FIL001 when its text alone forbids it."""
    problem = path_problem(path)
    if problem:
        hint = "Give a path relative to the connection's base_dir (without a connection: the project folder)."
        raise PipelineError("FIL001", f"The path {path!r} {problem}.", hint=hint)
    return path


def inside(base: Path, path: Path) -> Path:
    """The real path. Raises `PipelineError` FIL002 when a symbolic link leads out of `base`."""
    root = base.resolve()
    try:
        real = path.resolve()
    except (OSError, RuntimeError) as exc:
        raise PipelineError("FIL002", f"The path {shown(base, path)!r} is a loop of symbolic links.") from exc
    if not real.is_relative_to(root):
        hint = "Copy the file below base_dir, or use a connection whose base_dir holds it."
        raise PipelineError("FIL002", f"The path {shown(base, path)!r} leads out of base_dir.", hint=hint)
    return real


def regular_file(base: Path, path: Path) -> Path:
    """The real path of an existing regular file; a device, a pipe or a folder is refused (FIL004)."""
    real = inside(base, path)
    try:
        mode = real.stat().st_mode
    except OSError as exc:
        raise _missing(base, shown(base, path)) from exc
    if not stat.S_ISREG(mode):
        raise PipelineError("FIL004", f"The path {shown(base, path)!r} is {_kind(mode)}, not a data file.")
    return real


def expand(base: Path, pattern: str) -> list[Path]:
    """The files that a pattern names, in name order; `**` goes through folders. At least one, or FIL003."""
    literal = base / checked(pattern)
    if not _MAGIC.search(pattern) or literal.is_file():
        return [regular_file(base, literal)]
    names = sorted(islice(_matches(base, pattern), MAX_FILES + 1))
    if len(names) > MAX_FILES:
        raise PipelineError("FIL005", f"The path {pattern!r} matches more than {MAX_FILES} files.")
    if not names:
        raise _missing(base, pattern)
    return [regular_file(base, base / name) for name in names]


def shown(base: Path, path: Path) -> str:
    """The path as people see it: relative to `base`, with slashes."""
    for root in (base, base.resolve()):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return path.name


def is_own_file(name: str) -> bool:
    """Whether a file name is a sidecar or a temporary file of Osiris."""
    return _OWN_FILES.search(name) is not None


def _matches(base: Path, pattern: str) -> Iterator[str]:
    # `Path.glob` has no root_dir, so its results would depend on links above the folder.
    for name in glob.iglob(pattern, root_dir=base, recursive=True):  # noqa: PTH207
        if not is_own_file(PurePosixPath(name).name) and not (base / name).is_dir():
            yield name


def _missing(base: Path, path: str) -> DataError:
    return DataError("FIL003", f"No file matches the path {path!r}.", hint=_neighbours(base, path))


def _neighbours(base: Path, path: str) -> str:
    folder = base / PurePosixPath(path).parent
    if _MAGIC.search(str(PurePosixPath(path).parent)) or not folder.is_dir():
        return "The folder does not exist either; paths are relative to base_dir."
    entries = (entry.name for entry in islice(folder.iterdir(), MAX_FILES))
    names = sorted(name for name in entries if not is_own_file(name))
    close = nearest(PurePosixPath(path).name, names) or tuple(names[:5])
    return f"The folder holds {', '.join(close)}." if close else "The folder is empty."


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a named pipe" if stat.S_ISFIFO(mode) else "a device or a socket"
