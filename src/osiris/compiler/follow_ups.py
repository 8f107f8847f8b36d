"""Findings that another one explains: mending the cause mends them, so they would only be noise."""

from __future__ import annotations

from collections.abc import Iterable

from osiris.findings import Finding

_CONFIG_CODES = ("CMP004", "CON009")
_BROKEN_EDGES = ("OML021", "OML022", "OML024", "OML026")


def without_follow_ups(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that stand for themselves."""
    all_of_them = list(findings)
    explained = _Explained(all_of_them)
    return [finding for finding in all_of_them if not explained.covers(finding)]


class _Explained:
    def __init__(self, findings: list[Finding]) -> None:
        self._no_config = {
            _step(f) for f in findings if f.code in ("OML011", "OML012") and _is_about(f, "config")
        }
        self._no_inputs = {
            _step(f) for f in findings if f.code in ("OML011", "OML012") and _is_about(f, "inputs")
        }
        self._misspelt = {
            (_step(f), f.candidates[0]) for f in findings if f.code == "CMP003" and f.candidates
        }
        self._parameters_are_misspelt = any(f.code == "OML027" for f in findings)
        self._no_connections = any(f.code == "CON001" for f in findings)
        self._edges_are_broken = any(f.code in _BROKEN_EDGES for f in findings) or bool(self._no_inputs)

    def covers(self, finding: Finding) -> bool:
        """Whether a broken config, a misspelt key, a broken edge or a broken file is behind it."""
        step = _step(finding)
        if finding.code in _CONFIG_CODES and step in self._no_config:
            return True
        if finding.code == "CMP004" and (step, *finding.candidates[:1]) in self._misspelt:
            return True
        if finding.code in ("OML024", "SQL003") and step in self._no_inputs:
            return True
        if finding.code == "OML034" and self._parameters_are_misspelt:
            return True
        if finding.code == "CON002" and self._no_connections:
            return True
        return finding.code == "OML031" and self._edges_are_broken


def _step(finding: Finding) -> str:
    """`/steps/<index>` of the step that a finding belongs to."""
    return "/".join(finding.pointer.split("/")[:3])


def _is_about(finding: Finding, key: str) -> bool:
    """Whether the finding says that a step's key is broken or misspelt."""
    tokens = finding.pointer.split("/")
    return tokens[3:4] == [key] or (len(tokens) == 4 and finding.candidates[:1] == (key,))  # noqa: PLR2004 - "", steps, i, key
