"""Operations as edits of a text: each keeps the quotes, the layout and the line ends that it finds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any

import yaml

from osiris.yamledit.document import CannotEdit, Document, Edit, Entry, entries
from osiris.yamledit.operations import place
from osiris.yamledit.scalars import flow_text, is_readable, key_text, scalar_text
from osiris.yamlsource import parse_yaml

_LONGEST_LINE = 100
"""A mapping or list that would make a line longer than this is written as a block where one may stand."""

_FLOW_PLAIN = re.compile(r"[^\s,\[\]{}#&*!|>'\"%@`:-][^\s,\[\]{}#:]*( [^\s,\[\]{}#:]+)*")
"""A plain scalar that means the same within brackets."""

_OCTAL_ELSEWHERE = re.compile(r"[-+]?0[0-9]")

_WORDS = re.compile(r"(\s+)")


def edits_of(
    document: Document, value: Any, operations: Iterable[Mapping[str, Any]], order: Sequence[str] = ()
) -> list[Edit]:
    """The edits that carry out operations on different places of a document, whose value is `value`.

    A key that is added comes after the ones that stand before it in `order`, or else last. Raises
    `CannotEdit` where the text cannot be changed without changing more than the operation says.
    """
    return [edit for operation in operations for edit in _edits(document, value, operation, order)]


def _edits(document: Document, value: Any, operation: Mapping[str, Any], order: Sequence[str]) -> list[Edit]:
    path = place(value, operation["path"])
    match operation["op"]:
        case "move":
            return [_rename(document, document.entry(place(value, operation["from"])), str(path[-1]))]
        case "replace":
            return [_replace(document, document.entry(path), operation["value"])]
        case "remove":
            return [_remove(document, document.entry(path))]
    return _add(document, document.node(path[:-1]), str(path[-1]), operation["value"], order)


def _rename(document: Document, entry: Entry, key: str) -> Edit:
    if any(other.key.value == key for other in entries(entry.owner)):
        raise CannotEdit(f"{key!r} stands there already")
    node = entry.key
    _refuse_tag(document, node)
    text = scalar_text(key, node.style) if node.style else key_text(key)
    return Edit(node.start_mark.index, node.end_mark.index, text)


def _replace(document: Document, entry: Entry, value: Any) -> Edit:
    start, end = entry.node.start_mark.index, document.end(entry)
    if not isinstance(entry.node, yaml.ScalarNode):
        return _replace_collection(document, entry, value)
    if start >= end and entry.node.value == "":
        return _fill(document, entry, value)
    _refuse_tag(document, entry.node)
    return Edit(start, end, _instead_of(document.text[start:end], entry, value))


def _refuse_tag(document: Document, node: Any) -> None:
    if document.text[node.start_mark.index] in "!&*":
        raise CannotEdit("it has a tag or an anchor")


def _fill(document: Document, entry: Entry, value: Any) -> Edit:
    """Give a value to a key that has none."""
    if entry.key is None:
        raise CannotEdit("an item of the list is empty")
    at = document.after_key(entry)
    colon = "" if document.text[at - 1] == ":" and at > entry.key.end_mark.index else ":"
    return Edit(at, at, f"{colon} {_in_one_line(value, entry.owner)}")


def _instead_of(raw: str, entry: Entry, value: Any) -> str:
    """The text of the value that takes the place of a scalar's."""
    old = entry.node.value
    if isinstance(value, str) and (entry.node.style or _reads_as(raw, old)):
        return _changed_within(raw, entry, value) or _rewritten(raw, entry, value)
    if value == [old] and _stays_itself_in_a_list(raw, entry):
        return f"[{raw}]"
    if not isinstance(value, (str, list, dict)) and _reads_as(old, value):
        return str(old)
    return _rewritten(raw, entry, value)


def _rewritten(raw: str, entry: Entry, value: Any) -> str:
    if "\n" in raw or "\r" in raw:
        raise CannotEdit("the text has several lines")
    quote = entry.node.style if isinstance(value, str) and entry.node.style in ("'", '"') else ""
    return scalar_text(value, quote) if isinstance(value, str) else _in_one_line(value, entry.owner)


def _in_one_line(value: Any, owner: Any) -> str:
    """A value as text, which is JSON where its neighbours are."""
    keys = [key for key, _ in owner.value] if isinstance(owner, yaml.MappingNode) and owner.flow_style else []
    is_json = bool(keys) and all(key.style == '"' for key in keys)
    return json.dumps(value, ensure_ascii=False) if is_json else flow_text(value)


def _changed_within(raw: str, entry: Entry, new: str) -> str | None:
    """The raw text with the words changed in which the texts differ; None where that is not plain to see."""
    old = entry.node.value
    words, wanted = _WORDS.split(old), _WORDS.split(new)
    head = _equal(words, wanted)
    tail = _equal(words[head:][::-1], wanted[head:][::-1])
    before, after = ("".join(part[head : len(part) - tail]) for part in (words, wanted))
    is_whole = before == old and not entry.node.style
    if not before or is_whole or raw.count(before) != 1 or not is_readable(after):
        return None
    changed = raw.replace(before, after)
    return changed if entry.node.style in ("|", ">") or _reads_as_text(changed, entry, new) else None


def _reads_as_text(raw: str, entry: Entry, value: str) -> bool:
    line = f"[{raw}]" if entry.is_flow else f"- {raw}"
    return bool(parse_yaml(line).value == [value])


def _equal(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _stays_itself_in_a_list(raw: str, entry: Entry) -> bool:
    return entry.node.style in ("'", '"') or _FLOW_PLAIN.fullmatch(raw) is not None


def _reads_as(text: str, value: Any) -> bool:
    read = parse_yaml(text).value
    return type(read) is type(value) and bool(read == value) and not _OCTAL_ELSEWHERE.match(text)


def _replace_collection(document: Document, entry: Entry, value: Any) -> Edit:
    start, end = entry.node.start_mark.index, document.end(entry)
    lead = ""
    if not entry.node.flow_style:
        if entry.key is None:
            raise CannotEdit("a block of a list would be replaced")
        start, lead = document.after_key(entry), " "
    if "#" in document.text[start:end]:
        raise CannotEdit("a comment would be lost")
    return Edit(start, end, lead + _in_one_line(value, entry.owner))


def _add(document: Document, owner: Any, key: str, value: Any, order: Sequence[str]) -> list[Edit]:
    if not isinstance(owner, yaml.MappingNode):
        raise CannotEdit(f"{key!r} can only be added to a mapping")
    present = entries(owner)
    if any(entry.key.value == key for entry in present):
        raise CannotEdit(f"{key!r} stands there already")
    before = _predecessor(present, key, order)
    if owner.flow_style:
        return _add_to_flow(document, owner, before, _in_one_line({key: value}, owner)[1:-1])
    indent = " " * owner.start_mark.column
    lines = _block_entry(key, value, indent)
    text = document.line_break.join(lines)
    if before is None:
        at = owner.start_mark.index
        return [Edit(at, at, text.removeprefix(indent) + document.line_break + indent)]
    return [_add_after(document, before, text)]


def _predecessor(present: Sequence[Entry], key: str, order: Sequence[str]) -> Entry | None:
    """The entry after which a key is added; None where it comes first."""
    if key not in order:
        return present[-1] if present else None
    earlier = order[: order.index(key)]
    return next((entry for entry in reversed(present) if entry.key.value in earlier), None)


def _add_after(document: Document, entry: Entry, text: str) -> Edit:
    end = document.end(entry)
    if end and document.text[end - 1] in "\r\n":  # a block text that keeps the empty lines after it
        return Edit(end, end, text + document.line_break)
    at = document.line_end(end)
    return Edit(at, at, document.line_break + text)


def _block_entry(key: str, value: Any, indent: str) -> list[str]:
    head = f"{indent}{key_text(key)}:"
    line = f"{head} {flow_text(value)}"
    if len(line) <= _LONGEST_LINE or not isinstance(value, dict) or not value:
        return [line]
    inner = (_block_entry(name, item, indent + "  ") for name, item in value.items())
    return [head, *(line for lines in inner for line in lines)]


def _add_to_flow(document: Document, owner: Any, before: Entry | None, text: str) -> list[Edit]:
    if not owner.value:
        start, end = owner.start_mark.index, owner.end_mark.index
        if document.text[start + 1 : end - 1].strip():
            raise CannotEdit("a comment stands within the braces")
        return [Edit(start, end, "{" + text + "}")]
    if before is None:
        at = owner.value[0][0].start_mark.index
        return [Edit(at, at, text + ", ")]
    end = document.end(before)
    indent = document.indentation(before.key.start_mark.index)
    is_last = before.position == len(owner.value) - 1
    if indent is None or not is_last or document.line_end(end) > owner.end_mark.index:
        return [Edit(end, end, ", " + text)]
    return _add_line_to_flow(document, end, indent + text)


def _add_line_to_flow(document: Document, end: int, line: str) -> list[Edit]:
    """A line of its own after the last one; the comma that it needs comes before that one's comment."""
    at = document.line_end(end)
    if document.text[end:at].lstrip().startswith(","):
        return [Edit(at, at, f"{document.line_break}{line},")]
    if at == end:
        return [Edit(at, at, f",{document.line_break}{line}")]
    return [Edit(end, end, ","), Edit(at, at, document.line_break + line)]


def _remove(document: Document, entry: Entry) -> Edit:
    if len(entry.owner.value) == 1:
        raise CannotEdit("nothing would be left beside it")
    return _remove_from_flow(document, entry) if entry.is_flow else _remove_lines(document, entry)


def _remove_from_flow(document: Document, entry: Entry) -> Edit:
    """Take an entry out with the comma after it; the last one with the comma before it."""
    siblings = entries(entry.owner)
    if entry.position + 1 < len(siblings):
        start, end = _start(entry), _start(siblings[entry.position + 1])
    else:
        start, end = document.end(siblings[entry.position - 1]), document.end(entry)
    if "#" in document.text[start:end]:
        raise CannotEdit("a comment would be lost")
    return Edit(start, end, "")


def _remove_lines(document: Document, entry: Entry) -> Edit:
    """Take an entry out with its lines and the comments in them; the first one of an item leaves its dash."""
    start = _start(entry)
    if entry.key is None:
        start = document.text.rindex("-", 0, start)
    if document.indentation(start) is None:
        return _remove_first(document, entry, start)
    line, following = document.line_start(start), document.line_after(document.end(entry))
    if following == len(document.text) and document.text[-1] not in "\r\n":
        line = max(line - len(document.line_break), 0)  # the last line still has no line break
    return Edit(line, following, "")


def _remove_first(document: Document, entry: Entry, start: int) -> Edit:
    siblings = entries(entry.owner)
    if entry.key is None or entry.position or len(siblings) == 1:
        raise CannotEdit("it shares its line with something else")
    end = _start(siblings[1])
    if "#" in document.text[document.end(entry) : end]:
        raise CannotEdit("a comment would be lost")
    return Edit(start, end, "")


def _start(entry: Entry) -> int:
    return int((entry.key or entry.node).start_mark.index)
