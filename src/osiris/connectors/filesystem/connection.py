"""The filesystem connector: one folder, and the files below it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris.connectors.filesystem import discovery, paths
from osiris.connectors.filesystem.project_files import inside_project, refuse_project_part, refuse_secrets
from osiris.core import Check, Discovery, DiscoveryRequest
from osiris.errors import ConnectionFailed, PipelineError


class FilesystemConnector:
    """Finds files for reading and names files for writing, all below `base_dir`."""

    family = "filesystem"

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self.base_dir = Path(connection["base_dir"])

    def connect(self) -> None:
        """Make sure that the folder can be used. Raises `ConnectionFailed` CON020, CON021 or CON023."""
        for check in self.doctor():
            if not check.ok and check.name != "writable":
                raise ConnectionFailed(check.code or "CON020", check.message, hint=check.hint)

    def close(self) -> None:
        """Nothing is held."""

    def doctor(self) -> list[Check]:
        """Whether base_dir exists, is a folder, and can be read and written; stops at the first two."""
        if not self.base_dir.exists():
            return [self._failed("exists", "CON020", "does not exist", "Create it or correct base_dir.")]
        if not self.base_dir.is_dir():
            return [self._failed("folder", "CON023", "is not a folder", "Point base_dir at a folder.")]
        checks = [
            Check("exists", True, message="The folder exists."),
            self._permission("readable", os.R_OK | os.X_OK),
        ]
        return [*checks, self._permission("writable", os.W_OK)]

    def resolve(self, path: str) -> Path:
        """The real path of a file to write, which need not exist; folders and devices are refused."""
        target = paths.inside(self.base_dir, self.base_dir / paths.checked(path))
        if target == self.base_dir.resolve():
            raise PipelineError("FIL004", f"The path {path!r} is the folder itself, not a file in it.")
        refuse_project_part(target, self.shown(target), inside_project(target))
        return paths.regular_file(self.base_dir, target) if target.exists() else target

    def expand(self, pattern: str) -> list[Path]:
        """The real paths of the files that a path or pattern names, in name order, at least one."""
        found = paths.expand(self.base_dir, pattern)
        for path in found:
            refuse_secrets(path, self.shown(path))
        return found

    def shown(self, path: Path) -> str:
        """The path relative to base_dir, as events and errors show it."""
        return paths.shown(self.base_dir, path)

    def discover(self, request: DiscoveryRequest) -> Discovery:
        """CSV, JSON Lines and Parquet files below base_dir with their columns."""
        self.connect()
        return discovery.data_files(self.base_dir, request)

    def _permission(self, name: str, mode: int) -> Check:
        if os.access(self.base_dir, mode):
            return Check(name, True, message=f"The folder is {name}.")
        return self._failed(name, "CON021", f"is not {name}", "Grant access or use another folder.")

    def _failed(self, name: str, code: str, problem: str, hint: str) -> Check:
        return Check(name, False, code, f"The folder {self.base_dir.name!r} of base_dir {problem}.", hint)
