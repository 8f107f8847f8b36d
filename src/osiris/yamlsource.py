"""YAML with a memory for positions, read by the YAML 1.2 core schema and under limits.

Built on the event stream of libyaml, so that hostile input (alias bombs, thousands of brackets, huge numbers)
is refused while it is read and never expanded. Plain scalars follow YAML 1.2.2, section 10.3.2: `no`,
`12:30:45` and `2024-01-31` are text, `010` is ten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from osiris.findings import Finding, Mark, nearest, pointer, shortened

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
PLAIN_INT = re.compile(r"[-+]?[0-9]+")
_PREFIXED_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
PLAIN_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one document may hold."""

    size_bytes: int = 1_048_576
    depth: int = 40
    nodes: int = 50_000
    number_length: int = 40


@dataclass(slots=True)
class YamlSource:
    """One document: its value, where each part stands, and what is wrong with the text.

    `value` is None where the text could not be read at all; `findings` then says why.
    """

    file: str | None
    value: Any = None
    findings: list[Finding] = field(default_factory=list)
    marks: dict[Path_, Mark] = field(default_factory=dict)
    key_marks: dict[Path_, Mark] = field(default_factory=dict)
    text_starts: dict[Path_, Mark] = field(default_factory=dict)
    spellings: dict[Path_, str] = field(default_factory=dict)
    """Plain numbers and booleans as they are written: `010` is ten, and may be meant as text."""

    def mark(self, path: Path_, *, key: bool = False) -> Mark | None:
        """Where the value (or its key) at a path stands, else where its nearest parent does."""
        if key and path in self.key_marks:
            return self.key_marks[path]
        while path not in self.marks:
            if not path:
                return None
            path = path[:-1]
        return self.marks[path]

    def inside(self, path: Path_, line: int, column: int) -> Mark | None:
        """Where a position inside a text value stands in the file; exact for blocks and single lines."""
        start = self.text_starts.get(path)
        if start is None or line < 1:
            return self.mark(path)
        return Mark(start.line + line - 1, start.column + column - 1)

    def finding(self, code: str, message: str, path: Path_, *, key: bool = False, **more: Any) -> Finding:
        """A finding at a path of this document."""
        mark = more.pop("mark", None) or self.mark(path, key=key)
        return Finding(code, message, pointer=pointer(*path), file=self.file, mark=mark, **more)


def read_yaml(file: Path, *, shown_as: str | None = None, limits: Limits | None = None) -> YamlSource:
    """Read a file. Raises `OSError` where it cannot be read; everything else becomes a finding."""
    limits = limits or Limits()
    with file.open("rb") as stream:
        content = stream.read(limits.size_bytes + 1)
    return parse_yaml(content, shown_as=shown_as or str(file), limits=limits)


def parse_yaml(
    content: bytes | str, *, shown_as: str | None = None, limits: Limits | None = None
) -> YamlSource:
    """Parse one document from bytes or text."""
    source = YamlSource(shown_as)
    limits = limits or Limits()
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    text = _decoded(raw, source, limits)
    if text is not None:
        _Reader(text, source, limits).read()
    return source


def _decoded(raw: bytes, source: YamlSource, limits: Limits) -> str | None:
    if len(raw) > limits.size_bytes:
        message = f"The file is larger than {limits.size_bytes:,} bytes."
        source.findings.append(Finding("OML005", message, file=source.file))
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        mark = _mark_at(before, len(before))
        message = f"The file is not UTF-8 text: byte {error.start} cannot be read."
        source.findings.append(Finding("OML007", message, file=source.file, mark=mark))
        return None
    if "\0" in text:
        mark = _mark_at(text, text.index("\0"))
        message = "The file holds a NUL character; is it UTF-16? Save it as UTF-8."
        source.findings.append(Finding("OML007", message, file=source.file, mark=mark))
        return None
    return text


class _Stop(Exception):
    """Reading further makes no sense; the finding is recorded already."""


class _Reader:
    """Builds values from parser events and notes where each one stands."""

    def __init__(self, text: str, source: YamlSource, limits: Limits) -> None:
        self._text = text
        self._lines = text.splitlines()
        self._source = source
        self._limits = limits
        self._nodes = 0
        self._events = cast("Iterator[Any]", yaml.parse(text, Loader=_Loader))

    def read(self) -> None:
        try:
            self._document()
        except _Stop:
            self._source.value = None
        except yaml.MarkedYAMLError as error:
            self._syntax(error.problem or "unreadable", error.problem_mark or error.context_mark)
        except yaml.reader.ReaderError as error:
            self._unreadable_character(error.character)
        except (yaml.YAMLError, ValueError) as error:
            self._syntax(str(error), None)

    def _document(self) -> None:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                break
        else:
            return
        self._source.value = self._value(next(self._events), ())
        next(self._events)
        extra = next(self._events, None)
        if isinstance(extra, yaml.DocumentStartEvent):
            self._report("OML006", "A second YAML document begins here.", extra.start_mark)

    def _value(self, event: Any, path: Path_) -> Any:
        self._admit(event, path)
        self._source.marks[path] = _mark(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        return None

    def _admit(self, event: Any, path: Path_) -> None:
        self._nodes += 1
        if self._nodes > self._limits.nodes or len(path) > self._limits.depth:
            what = f"{self._limits.nodes:,} values" if self._nodes > self._limits.nodes else "nesting levels"
            count = "" if self._nodes > self._limits.nodes else f"{self._limits.depth} "
            self._report("OML005", f"The document has more than {count}{what}.", event.start_mark)
            raise _Stop
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self._report("OML003", "Anchors and aliases are not part of OML.", event.start_mark)
            raise _Stop
        if getattr(event, "tag", None) and event.tag != "!":
            self._report("OML004", f"The tag {event.tag} is not part of OML.", event.start_mark)

    def _sequence(self, path: Path_) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path_) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            at = (*path, key)
            first = self._source.key_marks.get(at)
            if first is not None:
                message = f"The key {shortened(repr(key))} stands already at line {first.line}."
                self._report("OML002", message, event.start_mark, at)
            self._source.key_marks.setdefault(at, _mark(event.start_mark))
            mapping[key] = self._value(next(self._events), at)
        return mapping

    def _key(self, event: Any, path: Path_) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._admit(event, path)
            self._report("OML001", "A key must be plain text.", event.start_mark, path)
            raise _Stop
        self._admit(event, path)
        if event.value == "<<" and event.implicit[0]:
            self._report("OML003", "Merge keys are not part of OML.", event.start_mark, path)
        return str(event.value)

    def _scalar(self, event: Any, path: Path_) -> Any:
        if event.style in ("|", ">"):
            self._source.text_starts[path] = self._block_start(event)
        else:
            quoted = 1 if event.style else 0
            mark = _mark(event.start_mark)
            self._source.text_starts[path] = Mark(mark.line, mark.column + quoted)
        return str(event.value) if event.style or not event.implicit[0] else self._plain(event, path)

    def _block_start(self, event: Any) -> Mark:
        """Where a block's first column is: its first line that is not empty shows how far it is indented."""
        text = event.value.lstrip("\n")
        first = event.start_mark.line + 1
        shown = first + len(event.value) - len(text)
        line = self._lines[shown] if shown < len(self._lines) else ""
        return Mark(first + 1, max(_indentation(line) - _indentation(text), 0) + 1)

    def _plain(self, event: Any, path: Path_) -> Any:
        text = event.value
        if text in _NULL:
            return None
        if text in _BOOL:
            self._source.spellings[path] = text
            return _BOOL[text]
        if PLAIN_INT.fullmatch(text) or PLAIN_FLOAT.fullmatch(text) or _PREFIXED_INT.fullmatch(text):
            return self._number(text, event, path)
        if _NOT_FINITE.fullmatch(text):
            self._report("OML008", f"{text} is not a finite number.", event.start_mark, path)
            return None
        return text

    def _number(self, text: str, event: Any, path: Path_) -> int | float | None:
        self._source.spellings[path] = text
        if len(text) > self._limits.number_length:
            message = f"The number has more than {self._limits.number_length} digits; quote it if it is text."
            self._report("OML008", message, event.start_mark, path)
            return None
        if PLAIN_INT.fullmatch(text):
            return int(text)
        if _PREFIXED_INT.fullmatch(text):
            return int(text, 0)
        number = float(text)
        if number in (float("inf"), float("-inf")):
            self._report("OML008", f"{text} is too large for a number.", event.start_mark, path)
            return None
        return number

    def _report(self, code: str, message: str, mark: Any, path: Path_ = ()) -> None:
        finding = Finding(code, message, pointer=pointer(*path), file=self._source.file, mark=_mark(mark))
        self._source.findings.append(finding)

    def _unreadable_character(self, character: int | str) -> None:
        char = character if isinstance(character, str) else chr(character)
        message = f"The character U+{ord(char):04X} may not stand in YAML as it is."
        hint = "Remove it, or write it as an escape in a double-quoted text."
        mark = _mark_at(self._text, self._text.find(char))
        self._source.findings.append(Finding("OML001", message, file=self._source.file, mark=mark, hint=hint))

    def _syntax(self, problem: str, mark: Any) -> None:
        place = _mark(mark) if mark else None
        tab = place is not None and self._char_at(place) == "\t"
        hint = "Indent with spaces; YAML does not allow tabs there." if tab else None
        message = f"The file is not valid YAML: {problem}."
        self._source.findings.append(
            Finding("OML001", message, file=self._source.file, mark=place, hint=hint)
        )
        self._source.value = None

    def _char_at(self, mark: Mark) -> str:
        line = self._lines[mark.line - 1] if mark.line <= len(self._lines) else ""
        return line[mark.column - 1 : mark.column]


def _indentation(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _mark_at(text: str, index: int) -> Mark:
    return Mark(text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


def unknown_key(source: YamlSource, code: str, path: Path_, known: list[str], owner: str) -> Finding:
    """The finding for a key that nobody knows, with the nearest known ones."""
    key = str(path[-1])
    candidates = nearest(key, known)
    meant = f"; did you mean {candidates[0]!r}?" if candidates else "."
    message = f"{owner} has no key {key!r}{meant}"
    hint = "Known keys: " + ", ".join(known) + "." if known else None
    return source.finding(code, message, path, key=True, candidates=candidates, hint=hint)
