"""Several changes of one document at once, each of which is made as it says or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osiris.yamledit.document import CannotEdit, Document, Edit
from osiris.yamledit.edits import edits_of
from osiris.yamledit.operations import patched
from osiris.yamlsource import parse_yaml

Change = Sequence[Mapping[str, Any]]
"""RFC 6902 operations that belong together."""


@dataclass(slots=True)
class Changed:
    """The text after changes: positions of those made, and reasons why others could not be.

    A change that touches another one is in neither; it can be made in the text that came of that.
    """

    text: str
    made: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def changed(text: str, changes: Sequence[Change], order: Sequence[str] = ()) -> Changed:
    """Make as many of the changes as do not touch each other.

    The result means exactly what the operations make of the document's value; a change of which that would
    not be true is refused. `order` is where added keys come, as in `edits_of`.
    """
    return _Maker(text, changes, order).make()


class _Maker:
    def __init__(self, text: str, changes: Sequence[Change], order: Sequence[str]) -> None:
        self._document = Document(text)
        self._value = parse_yaml(text).value
        self._changes = changes
        self._order = order
        self._refused: dict[int, str] = {}

    def make(self) -> Changed:
        edits = self._separate(self._edits())
        if not self._means_what_it_says(edits):
            edits = {index: own for index, own in edits.items() if self._alone(index, own)}
        while len(edits) > 1 and not self._means_what_it_says(edits):
            edits.popitem()  # it waits for the next time
        return Changed(self._after(edits), sorted(edits), self._refused)

    def _edits(self) -> dict[int, list[Edit]]:
        found = {}
        for index, operations in enumerate(self._changes):
            try:
                found[index] = edits_of(self._document, self._value, operations, self._order)
            except CannotEdit as reason:
                self._refused[index] = f"{reason}"
        return found

    def _separate(self, edits: dict[int, list[Edit]]) -> dict[int, list[Edit]]:
        """Those that touch none before them."""
        kept: dict[int, list[Edit]] = {}
        for index, own in edits.items():
            taken = [edit for others in kept.values() for edit in others]
            if not any(one.start <= other.end and other.start <= one.end for one in own for other in taken):
                kept[index] = own
        return kept

    def _alone(self, index: int, edits: list[Edit]) -> bool:
        is_right = self._means_what_it_says({index: edits})
        if not is_right:
            self._refused[index] = "the text around it does not allow it"
        return is_right

    def _means_what_it_says(self, edits: dict[int, list[Edit]]) -> bool:
        operations = [operation for index in edits for operation in self._changes[index]]
        operations.sort(key=lambda operation: operation["path"].count("/"), reverse=True)
        try:
            wanted = patched(self._value, operations)
        except LookupError:
            return False
        return _canonical(parse_yaml(self._after(edits)).value) == _canonical(wanted)

    def _after(self, edits: dict[int, list[Edit]]) -> str:
        return self._document.with_edits(edit for own in edits.values() for edit in own)


def _canonical(value: Any) -> str:
    """Text that is equal for equal values only: in Python, 1 equals true."""
    return json.dumps(value, sort_keys=True)
