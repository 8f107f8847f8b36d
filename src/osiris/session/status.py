"""status.json: how a run stands, or how it ended."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class RunState(StrEnum):
    """`running` with no living process behind it means that the process died."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class StepState(StrEnum):
    """How a step ended; `skipped` steps never began."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    ALREADY_COMMITTED = "already_committed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EdgeStatus(_Model):
    """What has passed along one edge of the last attempt, counted where it arrives.

    `producer_wait_ms` is how long the sender waited for room, `consumer_wait_ms` how long the reader waited
    for rows. A spooled edge lies on disk before it is read, so nobody waits along it. Along a fused edge no
    rows move: one statement does the work of both steps, and `rows` are those that it counts, if it does.
    """

    from_step: str
    output: str
    to_step: str
    input: str
    spooled: bool
    fused: bool = False
    rows: int = 0
    bytes: int = 0
    producer_wait_ms: int = 0
    consumer_wait_ms: int = 0


class TargetStatus(_Model):
    """What a writer left in its target; the rows by what became of them where the target tells them apart."""

    kind: str
    name: str
    rows: int | None
    rows_inserted: int | None = None
    rows_updated: int | None = None
    rows_deleted: int | None = None
    bytes: int | None = None
    write_mode: str | None = None
    state: str = "committed"


class StepStatus(_Model):
    """One step's outcome.

    What came `in` and went `out` is counted at its edges, in Arrow's bytes; what was `read` and `written`, by
    its driver. `fused_into` names the step whose statement did the work of this one too.
    """

    id: str
    component: str
    state: StepState = StepState.WAITING
    attempts: int = 0
    duration_ms: int = 0
    rows_in: int = 0
    rows_out: int = 0
    rows_read: int = 0
    rows_written: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    fused_into: str | None = None
    because_of: str | None = None
    target: TargetStatus | None = None
    error: dict[str, Any] | None = None


class Status(_Model):
    """The whole run; `named_key` is set where the run key was given and is not the id of a run."""

    run_id: str
    run_key: str
    named_key: bool = False
    pipeline: str
    fingerprint: str
    state: RunState
    exit_code: int | None = None
    adapter: str = "local"
    osiris_version: str
    started_at: str
    ended_at: str | None = None
    duration_ms: int | None = None
    peak_rss_bytes: int | None = None
    resumes: str | None = None
    steps: list[StepStatus] = []
    edges: list[EdgeStatus] = []
    error: dict[str, Any] | None = None


def status_json_schema() -> dict[str, Any]:
    """JSON Schema of `status.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Status.model_json_schema()}
