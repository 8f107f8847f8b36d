"""The form of the fault files.

A case is a heading, a pipeline file, and what `osiris validate` finds in it:

    == a misspelt key
     name: x                                the line is there before and after `--fix`
    -nmae: x                                only before
    +name: x                                only after
    @ 2:1 OML011 /nmae                      a finding: line, column, code, severity if no error, pointer
    @   rename 'nmae' to 'name'  (safe)     its patch,
    @   {"op": "move", ...}                 operation by operation
    = valid                                 what the file is after `--fix`

The heading may end with forms of the file in brackets: `crlf`, `no line end`, `bom`, `latin-1`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from osiris.findings import Finding, Severity

FOLDER = Path(__file__).parent
_HEADING = re.compile(r"== ([^\[\]]+?)(?: \[(.+)\])?")


class Case(NamedTuple):
    """One fault, as it is written in a file."""

    name: str
    forms: tuple[str, ...]
    written: str

    @property
    def before(self) -> bytes:
        """The faulty file."""
        lines = self.written.split("\n")[1:]
        return self.encoded([line[1:] for line in lines if not line or line[0] in " -"])

    @property
    def codes(self) -> set[str]:
        """The codes of its findings."""
        return set(re.findall(r"(?m)^@ \S+ ([A-Z]{3}\d{3})", self.written))

    def encoded(self, lines: list[str]) -> bytes:
        """Lines as the bytes of a file of this form."""
        end = "\r\n" if "crlf" in self.forms else "\n"
        text = end.join(lines) + ("" if "no line end" in self.forms or not lines else end)
        bom = b"\xef\xbb\xbf" if "bom" in self.forms else b""
        return bom + text.encode("latin-1" if "latin-1" in self.forms else "utf-8")

    def lines(self, content: bytes) -> list[str]:
        """The lines of a file, which must have this form to the byte."""
        text = content.decode("latin-1" if "latin-1" in self.forms else "utf-8-sig")
        lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
        assert self.encoded(lines) == content, f"{self.name}: the form of the file has changed"
        return lines

    def rendered(self, after: bytes, findings: list[Finding], is_valid: bool) -> str:
        """The case with what came of it."""
        heading = f"== {self.name}" + (f" [{', '.join(self.forms)}]" if self.forms else "")
        changes = _changes(self.lines(self.before), self.lines(after))
        found = [line for finding in findings for line in _finding(finding)]
        return "\n".join([heading, *changes, *found, "= valid" if is_valid else "= not valid"])


def cases() -> list[Case]:
    """All cases of all files."""
    return [case for file in sorted(FOLDER.glob("*.faults")) for case in parsed(file)]


def parsed(file: Path) -> Iterator[Case]:
    """The cases of one file."""
    for block in file.read_text(encoding="utf-8").removeprefix("== ").split("\n\n== "):
        written = "== " + block.rstrip("\n")
        heading = _HEADING.fullmatch(written.partition("\n")[0])
        assert heading, f"{file.name}: {written.partition(chr(10))[0]!r} is no heading"
        yield Case(heading[1], tuple(heading[2].split(", ")) if heading[2] else (), written)


def _changes(before: list[str], after: list[str]) -> Iterator[str]:
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (f" {line}" if line else "" for line in before[i:j])
        else:
            yield from (f"-{line}" for line in before[i:j])
            yield from (f"+{line}" for line in after[k:m])


def _finding(finding: Finding) -> Iterator[str]:
    place = f"{finding.mark.line}:{finding.mark.column}" if finding.mark else "-"
    severity = "" if finding.severity is Severity.ERROR else f" {finding.severity.value}"
    yield f"@ {place} {finding.code}{severity} {finding.pointer}".rstrip()
    if finding.patch:
        yield f"@   {finding.patch.title}  ({finding.patch.safety.value})"
        for operation in finding.patch.operations:
            yield f"@   {json.dumps(operation, ensure_ascii=False)}"
