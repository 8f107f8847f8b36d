"""What `osiris validate --fix` did, or would do, as a person reads it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from osiris.cli.problems import place
from osiris.cli.terminal import clean, out, paint, say
from osiris.findings import Finding

if TYPE_CHECKING:
    from osiris.operations.repairs import RepairResult

_COLOURS = {"+": "green", "-": "red", "@": "blue"}


def show_repairs(result: RepairResult, *, diff: bool) -> None:
    """One line per patch to stderr, and the difference to stdout where it is wanted."""
    done = paint("fixed", "green", sys.stderr) if result.written else paint("would fix", "yellow", sys.stderr)
    for finding in result.applied:
        say(f"{clean(place(finding))}  {done} {finding.code}  {clean(_title(finding))}")
    for failure in result.failed:
        word = paint("not fixed", "red", sys.stderr)
        why = clean(f"{_title(failure.finding)}: {failure.reason}")
        say(f"{clean(place(failure.finding))}  {word} {failure.finding.code}  {why}")
    for line in result.diff.splitlines() if diff else ():
        out(paint(line, _COLOURS[line[0]]) if line[:1] in _COLOURS else line)


def _title(finding: Finding) -> str:
    return finding.patch.title if finding.patch else finding.message
