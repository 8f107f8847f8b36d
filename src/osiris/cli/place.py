"""Where a command works: in the project of the file that it is given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from osiris.cli.terminal import clean, say

if TYPE_CHECKING:
    from osiris.operations import Project


def enter_project_of(file: Path) -> tuple[Project, Path]:
    """The project of a file, and the file as seen from here.

    Called from outside of it, the command goes into the project, so that all paths it tells are the same as
    from within.
    """
    from osiris.operations import Project

    project = Project.of(file)
    if Path.cwd().is_relative_to(project.root):
        return project, file
    file = file.resolve()
    say(f"In {clean(str(project.root))}")
    os.chdir(project.root)
    return project, file
