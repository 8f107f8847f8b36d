"""A YAML text with its nodes: where each part begins and ends, in characters of the text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import yaml

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_BLANK_END = re.compile(r"(?:\r\n|\n|\r)\s*\Z")
_COLON = re.compile(r"\s*:")
_KEEPS_LINES = re.compile(r"[|>]-?\d*\+")
"""The head of a block text whose empty lines at the end belong to it."""

Path_ = tuple[str | int, ...]


class CannotEdit(ValueError):
    """The change cannot be made without touching more of the text than it is about."""


class Edit(NamedTuple):
    """Text that takes the place of the characters from `start` to `end`."""

    start: int
    end: int
    text: str


class Entry(NamedTuple):
    """A value in its mapping or list; `key` is None in a list."""

    owner: Any
    position: int
    key: Any
    node: Any

    @property
    def is_flow(self) -> bool:
        """Whether the mapping or list is written with braces or brackets."""
        return bool(self.owner.flow_style)


class Document:
    """The nodes of a YAML text that `yamlsource` has read; of several documents, those of the first."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root: Any = next(iter(yaml.compose_all(text, Loader=_Loader)), None)
        line_break = _LINE_BREAK.search(text)
        self.line_break = line_break[0] if line_break else "\n"

    def with_edits(self, edits: Iterable[Edit]) -> str:
        """The text after edits that do not touch each other."""
        text = self.text
        for edit in sorted(edits, reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text

    def node(self, path: Path_) -> Any:
        """The node at a path. Raises `CannotEdit` where there is none, or two."""
        return self.entry(path).node if path else self.root

    def entry(self, path: Path_) -> Entry:
        """The node at a path, in what holds it."""
        *parents, token = path
        owner = self.node(tuple(parents))
        return entries(owner)[self._position(owner, token)]

    def _position(self, owner: Any, token: str | int) -> int:
        if isinstance(owner, yaml.SequenceNode) and isinstance(token, int) and token < len(owner.value):
            return token
        keys = [key.value for key, _ in owner.value] if isinstance(owner, yaml.MappingNode) else []
        if keys.count(token) != 1:
            raise CannotEdit(f"{token!r} does not stand there exactly once")
        return keys.index(token)

    def end(self, entry: Entry) -> int:
        """Where the last character of an entry's value ends, before comments and empty lines."""
        node = entry.node
        if isinstance(node, yaml.ScalarNode):
            return self._end_of_scalar(entry)
        return int(node.end_mark.index) if node.flow_style else self.end(entries(node)[-1])

    def _end_of_scalar(self, entry: Entry) -> int:
        start, end = int(entry.node.start_mark.index), int(entry.node.end_mark.index)
        if start == end:
            return end if entry.key is None else self.after_key(entry)
        if entry.node.style in ("|", ">") and not _KEEPS_LINES.match(self.text, start):
            blank = _BLANK_END.search(self.text[start:end])
            return start + blank.start() if blank else end
        return end

    def after_key(self, entry: Entry) -> int:
        """Where the colon of a key ends; the end of a key without one."""
        end = int(entry.key.end_mark.index)
        colon = _COLON.match(self.text, end)
        return colon.end() if colon else end

    def line_start(self, index: int) -> int:
        """Where the line of a character begins."""
        return max(self.text.rfind(end, 0, index) for end in "\r\n") + 1

    def line_end(self, index: int) -> int:
        """Where the line of a character ends, before its line break."""
        found = _LINE_BREAK.search(self.text, index)
        return found.start() if found else len(self.text)

    def line_after(self, index: int) -> int:
        """Where the next line begins, or the text ends; a position at the start of a line is that already."""
        if index and self.text[index - 1] in "\r\n":
            return index
        found = _LINE_BREAK.search(self.text, index)
        return found.end() if found else len(self.text)

    def indentation(self, index: int) -> str | None:
        """What stands before a character in its line, or None where that is more than space."""
        before = self.text[self.line_start(index) : index]
        return before if not before.strip(" ") else None


def entries(owner: Any) -> list[Entry]:
    """What a mapping or list holds, in the order of the text."""
    if isinstance(owner, yaml.MappingNode):
        return [Entry(owner, index, key, node) for index, (key, node) in enumerate(owner.value)]
    if isinstance(owner, yaml.SequenceNode):
        return [Entry(owner, index, None, node) for index, node in enumerate(owner.value)]
    return []
