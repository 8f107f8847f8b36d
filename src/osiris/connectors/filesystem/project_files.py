"""Files that belong to the project itself: a pipeline neither reads its secrets nor writes over it.

Names are compared without their case: on many file systems `Osiris.yaml` and `osiris.yaml` are one file.
"""

from __future__ import annotations

from pathlib import Path, PurePath

from osiris.connectors.filesystem.paths import is_own_file
from osiris.errors import PipelineError
from osiris.redaction import is_secret_file

_MARKERS = ("osiris.yaml", "osiris_connections.yaml")
_FOLDERS = ("components", "pipelines", "build", "logs", ".osiris", ".git")


def refuse_secrets(path: PurePath, name: str) -> None:
    """Raise `PipelineError` FIL010 for a file that holds secrets."""
    if is_secret_file(path.name):
        hint = "A connection names its secrets as ${NAME}; no step needs the file."
        raise PipelineError("FIL010", f"The file {name!r} holds secrets and is no data.", hint=hint)


def refuse_project_part(path: PurePath, name: str, inside: PurePath | None) -> None:
    """Raise `PipelineError` FIL010 for a target that is a part of the project.

    `inside` is the target as seen from the project's root, None where that is not known or elsewhere.
    """
    refuse_secrets(path, name)
    below = inside is not None and inside.parts[:1] and inside.parts[0].casefold() in _FOLDERS
    if path.name.casefold() in _MARKERS or is_own_file(path.name) or below:
        hint = "Write into a folder of its own, such as out/."
        raise PipelineError("FIL010", f"The file {name!r} belongs to the project itself.", hint=hint)


def inside_project(real: Path) -> PurePath | None:
    """The path as seen from the root of the project that it is in; None outside of any."""
    root = next((folder for folder in real.parents if any((folder / m).is_file() for m in _MARKERS)), None)
    return None if root is None else real.relative_to(root)


def is_own_folder(folder: Path, name: str) -> bool:
    """Whether a folder's subfolder of this name belongs to the project: its pipelines, its sessions."""
    return name.casefold() in _FOLDERS and any((folder / marker).is_file() for marker in _MARKERS)
