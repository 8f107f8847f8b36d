"""The difference of two texts of a pipeline, as a terminal or a model may see it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator

from osiris.findings import Finding, pointer
from osiris.redaction import MASK, Redactor, is_secret_key
from osiris.yamledit.document import Document, Edit, Entry, entries

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_KEY_IN_COMMENT = re.compile(r"#.*?([\w-]+)[\"']?\s*[:=]")

Path_ = tuple[str | int, ...]


def unified_diff(before: str, after: str, file: str, findings: Iterable[Finding]) -> str:
    """A unified diff in which what a finding, its key or its form calls secret is masked; empty for none."""
    hidden = {finding.pointer for finding in findings if finding.code == "CON005"}
    hider = Redactor()
    texts = [_masked(Document(text), hidden, hider) for text in (before, after)]
    old, new = ([hider.text(line) for line in _LINE.findall(text)] for text in texts)
    return "".join(map(_line, difflib.unified_diff(old, new, file, file)))


def _masked(document: Document, hidden: Collection[str], hider: Redactor) -> str:
    """The text without its secrets, which the hider learns: under another key they are not known as such."""
    edits = []
    for entry in _secrets(document, document.root, (), hidden):
        start, end = int(entry.node.start_mark.index), document.end(entry)
        if start < end:
            edits.append(Edit(start, end, MASK))
            hider.learn(document.text[start:end].strip("'\""))
    return document.with_edits(edits)


def _secrets(document: Document, owner: object, path: Path_, hidden: Collection[str]) -> Iterator[Entry]:
    for entry in entries(owner):
        key = entry.position if entry.key is None else str(entry.key.value)
        at = (*path, key)
        if is_secret_key(str(key)) or pointer(*at) in hidden:
            yield entry
        else:
            yield from _secrets(document, entry.node, at, hidden)


def _line(line: str) -> str:
    """A line with its line end, without a comment that may hold a secret."""
    ended = line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
    found = next((m for m in _KEY_IN_COMMENT.finditer(ended) if is_secret_key(m[1])), None)
    return f"{ended[: found.start()]}# {MASK}\n" if found else ended
