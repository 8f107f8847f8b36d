"""Typed constructors of every event and metric; their JSON Schema is what readers may rely on.

A line of `events.jsonl` is the envelope (`seq`, `ts`, `session`) plus the event's own fields. `seq` counts
from 1 without gaps, so a reader can resume and notice loss.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Event(BaseModel):
    """Base of all events."""

    model_config = ConfigDict(extra="forbid")


class _StepEvent(Event):
    step_id: str
    attempt: int = 1


class CompileStart(Event):
    """A compile began."""

    event: Literal["compile_start"] = "compile_start"
    file: str


class CompileComplete(Event):
    """A compile gave a manifest."""

    event: Literal["compile_complete"] = "compile_complete"
    pipeline: str
    fingerprint: str
    manifest: str
    warnings: list[dict[str, Any]] = []


class CompileFailed(Event):
    """A compile found errors."""

    event: Literal["compile_failed"] = "compile_failed"
    error: dict[str, Any]


class RunStart(Event):
    """A run began; `resumes` names the unfinished session whose run key it takes on.

    `passes_over` is the run key of one that was too old for that.
    """

    event: Literal["run_start"] = "run_start"
    run_id: str
    run_key: str
    pipeline: str
    fingerprint: str
    adapter: str
    osiris_version: str
    resumes: str | None = None
    passes_over: str | None = None


class RunComplete(Event):
    """All steps ended well."""

    event: Literal["run_complete"] = "run_complete"
    duration_ms: int


class RunFailed(Event):
    """The run ended with an error: that of the step that caused it, or with a traceback the runner's own."""

    event: Literal["run_failed"] = "run_failed"
    duration_ms: int
    exit_code: int
    error: dict[str, Any]
    traceback: str = ""


class ConnectionResolved(Event):
    """A step's connection was looked up; names of fields only, never values."""

    event: Literal["connection_resolved"] = "connection_resolved"
    step_id: str
    connection: str
    fields: list[str]
    secret_sources: dict[str, str] = {}


class StepStart(_StepEvent):
    """A step began one attempt."""

    event: Literal["step_start"] = "step_start"
    component: str


class StepComplete(_StepEvent):
    """A step ended well."""

    event: Literal["step_complete"] = "step_complete"
    duration_ms: int
    rows_in: int
    rows_out: int
    rows_read: int
    rows_written: int
    state: Literal["complete", "already_committed"] = "complete"


class StepFailed(_StepEvent):
    """A step failed; `traceback` is redacted, `retry_in_seconds` is set where it will be tried again."""

    event: Literal["step_failed"] = "step_failed"
    duration_ms: int
    error: dict[str, Any]
    traceback: str = ""
    retry_in_seconds: float | None = None


class StepCancelled(_StepEvent):
    """A step was stopped because of another step or of the run's end."""

    event: Literal["step_cancelled"] = "step_cancelled"
    duration_ms: int
    because_of: str


class EdgeComplete(Event):
    """An edge has carried its last batch; the waits are as in the status of the run."""

    event: Literal["edge_complete"] = "edge_complete"
    from_step: str
    output: str
    to_step: str
    input: str
    rows_delivered: int
    rows_received: int
    bytes: int
    closed_early: bool
    spooled: bool
    fused: bool = False
    producer_wait_ms: int
    consumer_wait_ms: int


class ArtifactCreated(Event):
    """A step left a file in the session."""

    event: Literal["artifact_created"] = "artifact_created"
    step_id: str
    path: str
    bytes: int
    sha256: str


class TargetWritten(_StepEvent):
    """A writer has committed."""

    event: Literal["target_written"] = "target_written"
    target: Literal["file", "table"]
    rows: int
    write_mode: str
    path: str | None = None
    table: str | None = None
    bytes: int | None = None
    rows_inserted: int | None = None
    rows_updated: int | None = None
    rows_deleted: int | None = None


class AlreadyCommitted(_StepEvent):
    """The target's ledger holds this run key already; nothing was written."""

    event: Literal["already_committed"] = "already_committed"
    target: str
    rows: int | None = None
    table: str | None = None
    path: str | None = None


class SchemaInferred(_StepEvent):
    """Column types that had to be inferred; `pin` is the OML text that declares them."""

    event: Literal["schema_inferred"] = "schema_inferred"
    columns: dict[str, str]
    normalised: list[str] = []
    rows_sampled: int
    pin: str


class Warned(_StepEvent):
    """Something that a reader should know although nothing failed."""

    event: Literal["warning"] = "warning"
    message: str
    code: str | None = None


class LogLine(_StepEvent):
    """A line that a driver logged."""

    event: Literal["log"] = "log"
    level: str
    message: str


class DriverEvent(_StepEvent):
    """An event of a driver's own; `name` is the driver's, `fields` are free."""

    event: Literal["driver_event"] = "driver_event"
    name: str
    fields: dict[str, Any]


AnyEvent = Annotated[
    CompileStart
    | CompileComplete
    | CompileFailed
    | RunStart
    | RunComplete
    | RunFailed
    | ConnectionResolved
    | StepStart
    | StepComplete
    | StepFailed
    | StepCancelled
    | EdgeComplete
    | ArtifactCreated
    | TargetWritten
    | AlreadyCommitted
    | SchemaInferred
    | Warned
    | LogLine
    | DriverEvent,
    Field(discriminator="event"),
]

DRIVER_EVENTS: dict[str, type[_StepEvent]] = {
    "target_written": TargetWritten,
    "already_committed": AlreadyCommitted,
    "schema_inferred": SchemaInferred,
    "warning": Warned,
}
"""Events that drivers log by these names with typed fields; every other name becomes a `driver_event`."""


class Metric(BaseModel):
    """One line of `metrics.jsonl`."""

    model_config = ConfigDict(extra="forbid")

    ts: str
    session: str
    step_id: str | None
    metric: str
    value: float
    unit: str | None = None
    tags: dict[str, Any] = {}


def events_json_schema() -> dict[str, Any]:
    """JSON Schema of one line of `events.jsonl`."""
    schema = TypeAdapter(AnyEvent).json_schema(mode="serialization")
    envelope = {
        "seq": {"type": "integer", "minimum": 1},
        "ts": {"type": "string", "format": "date-time"},
        "session": {"type": "string"},
    }
    for event in schema["$defs"].values():
        event["properties"] = envelope | event["properties"]
        event["required"] = [
            "seq",
            "ts",
            "session",
            "event",
            *(k for k in event.get("required", []) if k != "event"),
        ]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Osiris event", **schema}


def metrics_json_schema() -> dict[str, Any]:
    """JSON Schema of one line of `metrics.jsonl`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Metric.model_json_schema()}
