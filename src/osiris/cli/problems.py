"""Findings and errors as a person reads them, and what a failing command says at its end."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from osiris.cli.terminal import clean, count, out_json, paint, say
from osiris.errors import ExitCode, InternalError, InvalidPipeline, OsirisError, TargetState
from osiris.findings import Finding, Severity
from osiris.redaction import is_secret_key

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}

_LINE_WIDTH = 120

_KEY = re.compile(r"[\w-]+(?=[\"']?\s*:)")
"""Keys of one line of YAML."""


class Exit(Exception):
    """Ends the command with an exit code; everything has been said.

    `at_once` leaves without the interpreter's own ending: threads of an engine or of a step may still be at
    work, and CPython aborts the process when one of them wants the interpreter while it shuts down.
    """

    def __init__(self, code: int, *, at_once: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.at_once = at_once


@contextmanager
def reporting(as_json: bool) -> Iterator[None]:
    """Turn what a command raises into a message (or one JSON document) and an exit code."""
    try:
        yield
    except Exit:
        raise
    except OsirisError as error:
        _report(error, as_json)
        raise Exit(int(error.exit_code)) from error
    except OSError as error:
        name = f" {error.filename}" if error.filename else ""
        code = "RES001" if error.errno == errno.ENOSPC else "RES003"
        failure = OsirisError(code, f"The operating system refused{name}: {error.strerror or error}.")
        _report(failure, as_json)
        raise Exit(int(ExitCode.RUN_FAILED)) from error
    except Exception as error:  # the edge of the process: a bug ends in a message
        bug = InternalError(
            "INT001", f"{type(error).__name__}: {error}", hint="This is a bug; please report it."
        )
        _report(bug, as_json)
        raise Exit(int(ExitCode.RUN_FAILED)) from error


def _report(error: OsirisError, as_json: bool) -> None:
    if as_json:
        out_json({"ok": False, "error": error.to_dict()})
        return
    if isinstance(error, InvalidPipeline):
        show_findings(error.findings)
    show_error(error)


def show_error(error: OsirisError) -> None:
    """An error in up to five lines, to stderr."""
    say(f"{paint('error', 'red', sys.stderr)} {error.code}  {_indented(error.message)}")
    for label, text in (("where", str(error.where)), ("hint", error.hint or "")):
        if text:
            say(f"  {label:<7}{_indented(text)}")
    if error.target is not TargetState.UNCHANGED or error.where.step_id:
        say(f"  target {error.target.value}")


def _indented(text: str) -> str:
    """The text with its further lines set in: none of them can pass for a line of ours."""
    return clean(text).replace("\n", "\n         ")


def show_findings(findings: list[Finding]) -> None:
    """Each finding with its place, its line and what was probably meant, to stderr."""
    for finding in findings:
        severity = paint(finding.severity.value, _COLOURS[finding.severity], sys.stderr)
        say(f"{clean(place(finding))}  {severity} {finding.code}  {clean(finding.message)}")
        for line in _excerpt(finding):
            say(line)
        for line in _advice(finding):
            say(f"      {clean(line)}")


def _advice(finding: Finding) -> Iterator[str]:
    if finding.candidates and finding.candidates[0] not in finding.message:
        yield f"did you mean {' or '.join(finding.candidates[:3])}?"
    if finding.hint:
        yield f"hint: {finding.hint}"


def summary(findings: list[Finding]) -> str:
    """`2 errors, 1 warning`."""
    counts = {severity: sum(f.severity is severity for f in findings) for severity in Severity}
    return ", ".join(count(number, severity.value) for severity, number in counts.items() if number)


def place(finding: Finding) -> str:
    """`file:line:column`, as editors understand it."""
    mark = (finding.mark.line, finding.mark.column) if finding.mark else ()
    return ":".join(map(str, (finding.file or "pipeline", *mark)))


def _from_project(file: str) -> Path:
    """The file of a finding, which is named as seen from the project's root."""
    here = Path.cwd()
    return next((path for folder in (here, *here.parents) if (path := folder / file).is_file()), Path(file))


def _excerpt(finding: Finding) -> list[str]:
    if finding.mark is None or finding.file is None or finding.code == "CON005":
        return []
    try:
        lines = _from_project(finding.file).read_text(encoding="utf-8").splitlines()
        line = lines[finding.mark.line - 1]
    except (OSError, UnicodeDecodeError, IndexError):
        return []
    if any(is_secret_key(key) for key in _KEY.findall(line)):
        return []
    at = finding.mark.column - 1
    start = max(0, at - _LINE_WIDTH // 2) if at >= _LINE_WIDTH else 0
    before, after = clean(line[start:at]), clean(line[at : start + _LINE_WIDTH])
    return [f"  {finding.mark.line:>4} | {before}{after}", f"       | {' ' * len(before)}^"]
