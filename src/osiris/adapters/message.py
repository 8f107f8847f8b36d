"""What a process is told about the run that it carries out: one JSON document, kept in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Self

from osiris.runner import RunRequest

_OURS = {"on_begun"}
"""What of a request stays on this side."""


@dataclass(frozen=True, slots=True)
class JobMessage:
    """Beside the staged folder, everything that a run elsewhere needs; with secrets, so it goes into no file.

    `project_root` is the folder that paths of the project are relative to: the author's own one on the same
    machine, a staged one elsewhere. `secrets` holds values by the source that had them and by variable.
    """

    run_id: str
    request: RunRequest
    project_root: str
    secrets: dict[str, dict[str, str]] = field(repr=False)

    def to_bytes(self) -> bytes:
        """The document; bytes of an environment that are no text pass as escapes."""
        names = [each.name for each in fields(RunRequest) if each.name not in _OURS]
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        return json.dumps(told | {"request": {name: getattr(self.request, name) for name in names}}).encode()

    @classmethod
    def from_bytes(cls, document: bytes) -> Self:
        """The message of a document. Raises `ValueError`, `KeyError` or `TypeError` where it is none."""
        told = json.loads(document)
        return cls(**told | {"request": RunRequest(**told["request"])})
