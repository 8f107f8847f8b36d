"""What the shell offers after a TAB: found in a moment; about trouble it says nothing, for that would tear
the line that is typed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

ADAPTERS = ("local", "isolated")
"""Names of the adapters; to ask for them would load all that runs pipelines."""

LEVELS = ("basic", "enhanced", "strict")
"""Levels of `components validate`."""


def words(*choices: str) -> Callable[[], list[str]]:
    """Offers fixed words."""
    return lambda: list(choices)


def pipelines(incomplete: str) -> list[Any]:
    """Pipeline files, those of the project first."""
    return _quietly(lambda names: names.pipeline_files(names.Project.find(), incomplete))


def components() -> list[Any]:
    """Component names."""
    return _quietly(lambda names: names.component_names(names.Project.find()))


def connections() -> list[Any]:
    """References of connections."""
    return _quietly(lambda names: names.connection_references(names.Project.find()))


def runs() -> list[Any]:
    """Run ids, each with what ran and what came of it."""
    return _quietly(lambda names: ["last", *names.recent_runs(names.Project.find())])


def states() -> list[Any]:
    """How a run may stand."""
    return _quietly(lambda names: names.RUN_STATES)


def modes() -> list[Any]:
    """What a component may do."""
    return _quietly(lambda names: names.MODES)


def capabilities() -> list[Any]:
    """What a component may be able to do."""
    return _quietly(lambda names: names.CAPABILITIES)


def schemas() -> list[Any]:
    """Names of the published schemas."""
    return _quietly(lambda names: names.schema_names())


def join_words() -> None:
    """Undo how bash has split the line for us: `@` and `=` are words of their own (COMP_WORDBREAKS)."""
    if os.environ.get("_OSIRIS_COMPLETE") == "complete_bash":
        with suppress(KeyError, ValueError):
            split, current = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
            joined, current = _joined(split, current)
            os.environ |= {"COMP_WORDS": "\n".join(joined), "COMP_CWORD": str(current)}


def _joined(split: list[str], current: int) -> tuple[list[str], int]:
    joined: list[str] = []
    place = 0
    for number, word in enumerate(split):
        if joined and (word == "=" or split[number - 1] in ("=", "@")):
            joined[-1] += word
        else:
            joined.append(word)
        if number <= current:
            place = len(joined) - 1
    return joined, place + max(0, current - len(split) + 1)


def _quietly(ask: Callable[[Any], list[Any]]) -> list[Any]:
    with suppress(Exception):
        from osiris.operations import names

        return ask(names)
    return []
