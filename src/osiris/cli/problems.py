"""Findings and errors as a person reads them, and what a failing command says at its end."""

from __future__ import annotations

import errno
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from osiris.cli.terminal import answer, clean, count, foreign_output, out, paint, say
from osiris.codes import CODES
from osiris.errors import (
    InternalError,
    Interrupted,
    InvalidPipeline,
    OsirisError,
    TargetState,
    Terminated,
    recorded_error,
)
from osiris.findings import Finding, Severity
from osiris.redaction import is_secret_key

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}

_LINE_WIDTH = 120

_CONNECTIONS_FILE = "osiris_connections.yaml"
"""Its lines are never shown: a misspelt key may have a secret beside it."""

_KEY = re.compile(r"[\w-]+(?=[\"']?\s*:)")
"""Keys of one line of YAML."""


class Exit(Exception):
    """Ends the command with an exit code; everything has been said."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@contextmanager
def reporting(as_json: bool) -> Iterator[None]:
    """Turn what a command raises into a message (or one JSON document) and an exit code.

    What foreign code prints meanwhile goes to stderr. SIGTERM ends the command as Ctrl-C does.
    """
    with foreign_output(), _termination():
        try:
            yield
        except Exit:
            raise
        except (Exception, KeyboardInterrupt, SystemExit) as raised:  # the edge of the process
            error = _as_error(raised)
            _report(error, as_json)
            raise Exit(int(error.exit_code)) from raised


class Stopped(KeyboardInterrupt):
    """A signal came where nothing can be asked to stop; passes through code that catches `Exception`."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def stop_at_once(number: int, _frame: FrameType | None) -> NoReturn:
    """A signal handler that ends the command wherever it is."""
    raise Stopped(number)


@contextmanager
def _termination() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop_at_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _as_error(raised: BaseException) -> OsirisError:
    if isinstance(raised, OsirisError):
        return raised
    if isinstance(raised, KeyboardInterrupt):
        return _as_interruption(raised)
    if isinstance(raised, OSError):
        name = f" {raised.filename}" if raised.filename else ""
        code = "RES001" if raised.errno == errno.ENOSPC else "RES003"
        return OsirisError(code, f"The operating system refused{name}: {raised.strerror or raised}.")
    if isinstance(raised, SystemExit):
        message = f"A component's code ended the process: sys.exit({raised.code!r})."
        return InternalError("INT001", message, hint="Report it to the component's author.")
    message = f"{type(raised).__name__}: {raised}"
    return InternalError("INT001", message, hint="This is a bug; please report it.")


def _as_interruption(raised: KeyboardInterrupt) -> OsirisError:
    hint = "Run the same command again."
    if isinstance(raised, Stopped) and raised.number == signal.SIGTERM:
        return Terminated("RUN004", "The command was terminated.", hint=hint)
    return Interrupted("RUN004", "The command was interrupted.", hint=hint)


def _report(error: OsirisError, as_json: bool) -> None:
    if as_json:
        answer(False, {"error": error.to_dict()})
        return
    if isinstance(error, InvalidPipeline):
        show_findings(error.findings)
    show_error(error)


def show_error(error: OsirisError) -> None:
    """An error in up to five lines, to stderr."""
    say(f"{paint('error', 'red', sys.stderr)} {error.code}  {_indented(error.message)}")
    for line in _circumstances(error):
        say(line)


def show_recorded_error(recorded: dict[str, Any]) -> None:
    """An error of a run's status as `show_error` tells it, but to stdout."""
    error = recorded_error(recorded)
    out(f"{paint('error', 'red')} {clean(error.code)}  {_indented(error.message)}")
    for line in _circumstances(error):
        out(line)


def _circumstances(error: OsirisError) -> Iterator[str]:
    remedy = CODES[error.code].remedy if error.code in CODES else ""
    for label, text in (("where", str(error.where)), ("hint", error.hint or remedy)):
        if text:
            yield f"  {label:<7}{_indented(text)}"
    if error.target is not TargetState.UNCHANGED or error.where.step_id:
        yield f"  target {error.target.value}"


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
    if finding.patch:
        yield f"fix: {finding.patch.title}  ({finding.patch.safety.value})"


def summary(findings: list[Finding]) -> str:
    """`2 errors, 1 warning`."""
    counts = {severity: sum(f.severity is severity for f in findings) for severity in Severity}
    return ", ".join(count(number, severity.value) for severity, number in counts.items() if number)


def place(finding: Finding) -> str:
    """`file:line:column`, as editors understand it."""
    mark = (finding.mark.line, finding.mark.column) if finding.mark else ()
    file = Path(finding.file or "pipeline")
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    return ":".join(map(str, (shown, *mark)))


def _from_project(file: str) -> Path:
    """The file of a finding, which is named as seen from the project's root."""
    here = Path.cwd()
    return next((path for folder in (here, *here.parents) if (path := folder / file).is_file()), Path(file))


def _excerpt(finding: Finding) -> list[str]:
    if finding.mark is None or finding.file is None or Path(finding.file).name == _CONNECTIONS_FILE:
        return []
    try:
        lines = _from_project(finding.file).read_text(encoding="utf-8").splitlines()
        line = lines[finding.mark.line - 1]
    except (OSError, UnicodeDecodeError, IndexError):
        return []
    if _may_hold_secret(lines, finding.mark.line - 1):
        return []
    at = finding.mark.column - 1
    start = max(0, at - _LINE_WIDTH // 2) if at >= _LINE_WIDTH else 0
    before, after = clean(line[start:at]), clean(line[at : start + _LINE_WIDTH])
    return [f"  {finding.mark.line:>4} | {before}{after}", f"       | {' ' * len(before)}^"]


def _may_hold_secret(lines: list[str], number: int) -> bool:
    """Whether a key of the line, of one beside it or of one that it belongs to usually holds a secret."""
    shown = lines[max(0, number - 1) : number + 2]
    indent = _indent(lines[number])
    for line in reversed(lines[:number]):
        if line.strip() and _indent(line) < indent:
            shown.append(line)
            indent = _indent(line)
    return any(is_secret_key(key) for line in shown for key in _KEY.findall(line))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
