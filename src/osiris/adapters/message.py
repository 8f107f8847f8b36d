"""What a process is told about the run that it carries out: one JSON document, kept in memory."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Self

from osiris.runner import RunRequest


@dataclass(frozen=True, slots=True)
class JobMessage:
    """Beside the staged folder, everything that a run elsewhere needs; with secrets, so it goes into no file.

    `project_root` is the folder that paths of the project are relative to: the author's own one on the same
    machine, a staged one elsewhere. `secrets` holds values by the source that had them and by variable.
    """

    run_id: str
    run_key: str
    named_key: bool
    resumes: str | None
    adapter: str
    max_parallel_regions: int
    project_root: str
    secrets: dict[str, dict[str, str]] = field(repr=False)

    @classmethod
    def of(
        cls, run_id: str, request: RunRequest, project_root: str, secrets: dict[str, dict[str, str]]
    ) -> Self:
        """The message of a run."""
        return cls(
            run_id=run_id,
            run_key=request.run_key,
            named_key=request.named_key,
            resumes=request.resumes,
            adapter=request.adapter,
            max_parallel_regions=request.max_parallel_regions,
            project_root=project_root,
            secrets=secrets,
        )

    @property
    def request(self) -> RunRequest:
        """The request, as the runner takes it."""
        return RunRequest(
            self.run_key,
            self.adapter,
            self.resumes,
            max_parallel_regions=self.max_parallel_regions,
            named_key=self.named_key,
        )

    def to_bytes(self) -> bytes:
        """The document; bytes of an environment that are no text pass as escapes."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, document: bytes) -> Self:
        """The message of a document. Raises `ValueError` or `TypeError` where it is none."""
        return cls(**json.loads(document))
