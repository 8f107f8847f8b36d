"""The two references of OML: `${step.output}` on an edge and `${params.name}` in a value."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_OUTPUT = re.compile(r"\$\{\s*([A-Za-z][A-Za-z0-9_-]*)\.([A-Za-z_][A-Za-z0-9_]*)\s*\}")
PARAM = re.compile(r"\$\{\s*params\.([A-Za-z][A-Za-z0-9_-]*)\s*\}")

ANY_REFERENCE = re.compile(r"\$\{([^}]*)\}")


class OutputRef(NamedTuple):
    """One output of one step."""

    step_id: str
    output: str


def parse_output_ref(text: str) -> OutputRef | None:
    """The reference that a text is, or None where it is none."""
    match = _OUTPUT.fullmatch(text.strip())
    return OutputRef(*match.groups()) if match else None


def used_parameters(value: Any) -> set[str]:
    """The names of the parameters that a value refers to, at any depth."""
    if isinstance(value, str):
        return set(PARAM.findall(value))
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {name for child in children for name in used_parameters(child)}
