"""What a config of this family can get wrong beyond its schema, found without touching a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from osiris.connectors.filesystem.csv_types import declared
from osiris.connectors.filesystem.paths import path_problem
from osiris.core import ConfigProblem
from osiris.errors import PipelineError


def path_problems(path: str) -> list[ConfigProblem]:
    """FIL001 for a path that may not stand in a pipeline."""
    problem = path_problem(path)
    hint = "Give a path relative to the connection's base_dir."
    return [ConfigProblem("path", "FIL001", f"The path {path!r} {problem}.", hint)] if problem else []


def type_problems(
    schema: Mapping[str, str], declare: Callable[[str, str], object] = declared
) -> list[ConfigProblem]:
    """DAT010 for each type that is not known to `declare`, which takes a column's name and its type."""
    found = []
    for column, type_name in schema.items():
        try:
            declare(column, type_name)
        except PipelineError as exc:
            found.append(ConfigProblem("schema", exc.code, exc.message, exc.hint))
    return found
