"""The error tree: every failure that Osiris raises on purpose.

    OsirisError
    ├── UsageError            the command line or a request is wrong            exit 2
    ├── PipelineError         fix the pipeline (OML, SQL, manifest)             exit 3
    │   └── InvalidPipeline   carries all findings of one check
    ├── ConnectionFailed      fix the connection, its secret or its server      exit 4
    │   └── TargetBusy        somebody else holds it; trying again may help
    ├── DataError             fix the data: malformed, lossy, duplicate         exit 5
    ├── RunError              the run could not go on: disk, memory, time       exit 1
    │   ├── Cancelled         stopped because of somebody else's failure
    │   └── Interrupted       stopped by a person (Terminated: by SIGTERM)      exit 130 / 143
    ├── OutcomeUnknown        COMMIT was sent and no answer came                exit 8
    └── InternalError         a bug in Osiris or in a driver: report it         exit 1

The branch says what the reader should do. Whether a failure may pass by itself (`transient`) is a property
of the class and never guessed from words. Codes live in `osiris.codes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import IntEnum, StrEnum
from typing import Any, ClassVar

from osiris.findings import Finding


class ExitCode(IntEnum):
    """What the process says to the shell."""

    OK = 0
    RUN_FAILED = 1
    USAGE = 2
    VALIDATION = 3
    CONNECTION = 4
    CONTRACT = 5
    PARTIAL = 6
    APPROVAL_MISSING = 7
    OUTCOME_UNKNOWN = 8
    INTERRUPTED = 130
    TERMINATED = 143


class TargetState(StrEnum):
    """What a failed write left behind: the question every operator asks first."""

    UNCHANGED = "unchanged"
    COMMITTED = "committed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a problem: a file with line and column, a step, or both."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    step_id: str | None = None

    def __str__(self) -> str:
        spot = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        step = f"step {self.step_id}" if self.step_id else ""
        return ", ".join(part for part in (spot, step) if part)


class OsirisError(Exception):
    """Root of the tree; raise one of its branches.

    `message` is one sentence, `hint` says what to do and names the valid choices, `details` holds facts for
    machines (never a secret, never row values of marked columns).
    """

    exit_code: ClassVar[ExitCode] = ExitCode.RUN_FAILED
    transient: ClassVar[bool] = False

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        where: Where | None = None,
        target: TargetState = TargetState.UNCHANGED,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.where = where or Where()
        self.target = target
        self.details = details or {}

    def at_step(self, step_id: str) -> OsirisError:
        """The same error, placed at a step unless it has a step already."""
        if self.where.step_id is None:
            self.where = Where(self.where.file, self.where.line, self.where.column, step_id)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON-ready data: the one form for CLI, events, MCP and web."""
        return {
            "code": self.code,
            "error": type(self).__name__,
            "message": self.message,
            "hint": self.hint,
            "where": {key: value for key, value in asdict(self.where).items() if value is not None},
            "target": self.target.value,
            "transient": self.transient,
            "exit_code": int(self.exit_code),
            "details": self.details,
        }


class UsageError(OsirisError):
    """A command or a request that makes no sense as given."""

    exit_code = ExitCode.USAGE


class PipelineError(OsirisError):
    """The pipeline, its SQL or its manifest must change."""

    exit_code = ExitCode.VALIDATION


class InvalidPipeline(PipelineError):
    """A check found errors; `findings` has all of them, in file order."""

    def __init__(self, code: str, message: str, findings: list[Finding]) -> None:
        super().__init__(code, message, hint="Fix the findings listed above and run the command again.")
        self.findings = findings

    def to_dict(self) -> dict[str, Any]:
        """The error with its findings."""
        return super().to_dict() | {"findings": [finding.to_dict() for finding in self.findings]}


class ConnectionFailed(OsirisError):
    """A connection cannot be used as it is declared."""

    exit_code = ExitCode.CONNECTION


class TargetBusy(ConnectionFailed):
    """Another process holds the resource; a later try may succeed."""

    transient = True


class DataError(OsirisError):
    """The data breaks a promise: malformed, lossy, duplicate, or not reconciled."""

    exit_code = ExitCode.CONTRACT


class RunError(OsirisError):
    """The run cannot go on for a reason outside pipeline, connection and data."""


class Cancelled(RunError):
    """A step was stopped because another one failed or the run was interrupted."""


class Interrupted(RunError):
    """A person or a signal stopped the run."""

    exit_code = ExitCode.INTERRUPTED


class Terminated(Interrupted):
    """SIGTERM stopped the run."""

    exit_code = ExitCode.TERMINATED


class OutcomeUnknown(OsirisError):
    """COMMIT was sent and its answer was lost; the ledger decides at the next run."""

    exit_code = ExitCode.OUTCOME_UNKNOWN


class InternalError(OsirisError):
    """A bug in Osiris or in a driver."""


def recorded_error(record: Mapping[str, Any]) -> OsirisError:
    """The error that `to_dict` described; one of a class that is not ours comes back as its nearest branch.

    A record of another version may lack anything.
    """
    place = record.get("where") or {}
    states = {state.value: state for state in TargetState}
    return _recorded_class(record)(
        str(record.get("code", "")),
        str(record.get("message", "")),
        hint=record.get("hint"),
        where=Where(*(place.get(name) for name in ("file", "line", "column", "step_id"))),
        target=states.get(str(record.get("target")), TargetState.UNCHANGED),
        details=record.get("details"),
    )


_BRANCHES: tuple[type[OsirisError], ...] = (
    *(RunError, UsageError, PipelineError, ConnectionFailed, DataError, Interrupted, Terminated),
    *(OutcomeUnknown, TargetBusy, Cancelled, InternalError, OsirisError),
)
"""The classes that a record is read back as; of those with one exit code the widest comes first."""


def _recorded_class(record: Mapping[str, Any]) -> type[OsirisError]:
    name, exit_code = record.get("error"), record.get("exit_code")
    named = (branch for branch in _BRANCHES if branch.__name__ == name)
    alike = (branch for branch in _BRANCHES if branch.exit_code == exit_code)
    return next(named, None) or next(alike, OsirisError)
