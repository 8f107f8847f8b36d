"""Brings home the files that steps left in a session elsewhere."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris.errors import RunError, TargetState


def bring_home(source: Path, target: Path) -> None:
    """Copy the artifacts of one session's folder into another one's."""
    folder = source / "artifacts"
    if folder.is_dir():
        shutil.copytree(folder, target / "artifacts", dirs_exist_ok=True, ignore_dangling_symlinks=True)


def check_arrived(target: Path, announced: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise `RunError` RUN013 unless each announced artifact is there with its size and hash."""
    damaged = [path for path, facts in announced.items() if not _has_arrived(target / path, facts)]
    if damaged:
        message = f"The run ended well, but artifacts did not arrive as they were: {', '.join(damaged)}."
        hint = "All targets are written. Run again with --new if you need the artifacts."
        raise RunError("RUN013", message, hint=hint, target=TargetState.COMMITTED)


def _has_arrived(file: Path, facts: Mapping[str, Any]) -> bool:
    if not file.is_file() or file.stat().st_size != facts["bytes"]:
        return False
    with file.open("rb") as stream:
        return bool(hashlib.file_digest(stream, "sha256").hexdigest() == facts["sha256"])
