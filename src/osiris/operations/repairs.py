"""Files that repair themselves: the safe patches of a pipeline's findings, applied to its text."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from stat import S_IMODE
from typing import Any

from osiris.errors import UsageError
from osiris.findings import Finding, Patch
from osiris.operations.differences import unified_diff
from osiris.operations.pipelines import ValidateResult, existing, findings_of
from osiris.operations.project import Project
from osiris.yamledit import changed
from osiris.yamlsource import Limits

_MOST_ROUNDS = 20
"""A patch can show what was hidden behind its finding; nothing hides that deep."""

_KEY_ORDER = ("oml_version", "name", "params", "id", "component", "mode", "inputs", "needs", "connection")
"""Where a key that is added comes: after those before it here. Others come last."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Failure:
    """A finding whose safe patch was not applied, and why."""

    finding: Finding
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.finding.to_dict() | {"reason": self.reason}


@dataclass(frozen=True, slots=True)
class RepairResult(ValidateResult):
    """What was mended and what is left.

    `findings` are those of the file as it is now. `applied` are the findings whose patches make the
    difference in `diff`, each with the place that it had; `written` says whether that is in the file.
    """

    applied: list[Finding] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    diff: str = ""
    written: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return ValidateResult.to_dict(self) | {
            "written": self.written,
            "applied": [finding.to_dict() for finding in self.applied],
            "failed": [failure.to_dict() for failure in self.failed],
            "diff": self.diff,
        }


def repair_pipeline(
    project: Project, file: Path, params: Mapping[str, Any] | None = None, *, write: bool = True
) -> RepairResult:
    """Apply the safe patches of a pipeline's findings, keeping comments and layout of the file.

    The file is replaced in one step, and only if each patch that was applied has removed its finding. Without
    `write`, nothing is written and the result has the difference that would be made. Raises `UsageError`
    USE003 for a missing file, USE005 where somebody changed it meanwhile.
    """
    with existing(file).open("rb") as stream:
        content = stream.read(Limits().size_bytes + 1)
    shown = project.shown(file)
    found = findings_of(project, content, shown, params)
    if not _safe_patches(found):
        return RepairResult(shown, found)
    text = content.decode("utf-8-sig")
    rounds = _Rounds(lambda new: findings_of(project, new, shown, params), text, found)
    rounds.run()
    result = RepairResult(
        shown,
        found,
        rounds.applied,
        rounds.failed,
        unified_diff(text, rounds.text, shown, found + rounds.findings),
    )
    if not write or rounds.text == text:
        return result
    _replace(file.resolve(), content, _BOM * content.startswith(_BOM) + rounds.text.encode())
    return replace(result, findings=rounds.findings, written=True)


class _Rounds:
    """Applies safe patches until none is left; those that touch each other come one after the other."""

    def __init__(self, check: Callable[[str], list[Finding]], text: str, findings: list[Finding]) -> None:
        self._check = check
        self._first = text
        self.text = text
        self.findings = findings
        self.applied: list[Finding] = []
        self.failed: list[Failure] = []

    def run(self) -> None:
        """All rounds; where a finding outlives its patch, the text stays as it was at first."""
        for _ in range(_MOST_ROUNDS):
            if not self._round():
                break

    def _round(self) -> bool:
        """One round; whether another one may have something to do."""
        refused = {_identity(failure.finding) for failure in self.failed}
        safe = [(f, patch) for f, patch in _safe_patches(self.findings) if _identity(f) not in refused]
        outcome = changed(self.text, [patch.operations for _, patch in safe], _KEY_ORDER)
        self.failed += [Failure(safe[index][0], reason) for index, reason in outcome.refused.items()]
        made = [safe[index][0] for index in outcome.made]
        if not made:
            return False
        after = self._check(outcome.text)
        left = {_identity(finding) for finding in after}
        stayed = [finding for finding in made if _identity(finding) in left]
        if stayed:
            self.failed += [Failure(finding, "it does not remove its finding") for finding in stayed]
            self.text, self.applied = self._first, []
            return False
        self.text, self.findings = outcome.text, after
        self.applied += made
        return True


def _safe_patches(findings: Iterable[Finding]) -> list[tuple[Finding, Patch]]:
    return [(finding, patch) for finding in findings if (patch := finding.patch) and patch.is_safe]


def _identity(finding: Finding) -> tuple[str, str, str]:
    return finding.code, finding.pointer, finding.message


def _replace(file: Path, seen: bytes, content: bytes) -> None:
    """Put the content in the place of the file in one step, with its owner and its rights."""
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    status = file.stat()
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(OSError):  # only root may give a file away
            os.chown(temporary, status.st_uid, status.st_gid)
        temporary.chmod(S_IMODE(status.st_mode))
        if file.read_bytes() != seen:
            message = f"{file.name} was changed by somebody else meanwhile; it is left as it is."
            raise UsageError("USE005", message, hint="Run the command again.")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
