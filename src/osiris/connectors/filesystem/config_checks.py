"""What a config of this family can get wrong beyond its schema, found without touching a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from osiris.connectors.filesystem.csv_dialect import dialect_problems
from osiris.connectors.filesystem.csv_types import declared
from osiris.connectors.filesystem.paths import path_problem
from osiris.connectors.filesystem.project_files import refuse_project_part, refuse_secrets
from osiris.core import ConfigProblem
from osiris.errors import PipelineError


def path_problems(path: str) -> list[ConfigProblem]:
    """FIL001 for a path that may not stand in a pipeline."""
    problem = path_problem(path)
    hint = "Give a path relative to the connection's base_dir."
    return [ConfigProblem("path", "FIL001", f"The path {path!r} {problem}.", hint)] if problem else []


def source_problems(config: Mapping[str, Any]) -> list[ConfigProblem]:
    """FIL001 for a path that may not stand in a pipeline, FIL010 for one of a file of secrets."""
    path = str(config.get("path", "."))
    return path_problems(path) or _refused("path", lambda: refuse_secrets(PurePosixPath(path), path))


def target_problems(config: Mapping[str, Any]) -> list[ConfigProblem]:
    """FIL001 for a path that may not stand in a pipeline, FIL010 for a part of the project.

    Where a step names no connection its path counts from the project's root.
    """
    path = str(config.get("path", "."))
    target = PurePosixPath(path)
    inside = None if "connection" in config else target
    return path_problems(path) or _refused("path", lambda: refuse_project_part(target, path, inside))


def character_problems(config: Mapping[str, Any]) -> list[ConfigProblem]:
    """FIL011 for each delimiter, quote or null value that cannot do its work."""
    characters = (config.get("delimiter", ","), config.get("quote", '"'), config.get("null_values", ()))
    found = dialect_problems(*characters)
    return [ConfigProblem(problem.field, "FIL011", problem.message, problem.hint) for problem in found]


def type_problems(
    schema: Mapping[str, str], declare: Callable[[str, str], object] = declared
) -> list[ConfigProblem]:
    """DAT010 for each type that is not known to `declare`, which takes a column's name and its type."""
    found = [_refused("schema", partial(declare, column, name)) for column, name in schema.items()]
    return [problem for problems in found for problem in problems]


def _refused(field: str, act: Callable[[], object]) -> list[ConfigProblem]:
    try:
        act()
    except PipelineError as exc:
        return [ConfigProblem(field, exc.code, exc.message, exc.hint)]
    return []
