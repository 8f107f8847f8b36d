"""Files that belong to the project itself: a pipeline neither reads its secrets nor writes over it."""

from __future__ import annotations

from pathlib import Path

from osiris.connectors.filesystem.paths import is_own_file
from osiris.errors import PipelineError
from osiris.redaction import is_secret_file

_MARKERS = ("osiris.yaml", "osiris_connections.yaml")
_FOLDERS = ("components", "pipelines", "build", "logs", ".osiris", ".git")


def refuse_secrets(real: Path, name: str) -> Path:
    """The path itself. Raises `PipelineError` FIL010 for a file that holds secrets."""
    if is_secret_file(real.name):
        hint = "A connection names its secrets as ${NAME}; no step needs the file."
        raise PipelineError("FIL010", f"The file {name!r} holds secrets and is no data.", hint=hint)
    return real


def refuse_project_file(real: Path, name: str) -> Path:
    """The path itself. Raises `PipelineError` FIL010 for a target that is a part of the project."""
    refuse_secrets(real, name)
    if real.name in _MARKERS or is_own_file(real.name) or _is_below_project_folder(real):
        hint = "Write into a folder of its own, such as out/."
        raise PipelineError("FIL010", f"The file {name!r} belongs to the project itself.", hint=hint)
    return real


def _is_below_project_folder(real: Path) -> bool:
    root = next((folder for folder in real.parents if any((folder / m).is_file() for m in _MARKERS)), None)
    return root is not None and real.relative_to(root).parts[0] in _FOLDERS


def is_own_folder(folder: Path, name: str) -> bool:
    """Whether a folder's subfolder of this name belongs to the project: its pipelines, its sessions."""
    return name.casefold() in _FOLDERS and any((folder / marker).is_file() for marker in _MARKERS)
