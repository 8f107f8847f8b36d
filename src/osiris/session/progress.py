"""How a run stands at one moment: what a front end shows while it waits for the end.

The runner answers with it in its own process. It is plain data with a JSON form, so that a run elsewhere can
send it along.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from osiris.session.status import EdgeStatus, RunState, StepState


class EdgeProgress(EdgeStatus):
    """One edge; the waits include the one that goes on.

    `waiting` is the side that can do nothing at this moment: the producer for want of room, the consumer for
    want of rows. `filled` is how much of the room is taken, from 0 to 1; a single large batch may take more.
    """

    waiting: Literal["producer", "consumer"] | None = None
    filled: float = 0.0

    @property
    def status(self) -> EdgeStatus:
        """What stays of it."""
        return EdgeStatus(**self.model_dump(include=set(EdgeStatus.model_fields)))


class StepProgress(BaseModel):
    """One step; the counts are those of the attempt that goes on, or of the last one."""

    model_config = ConfigDict(extra="forbid")

    id: str
    component: str
    state: StepState
    attempt: int = 0
    elapsed_ms: int = 0
    rows_in: int = 0
    rows_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class RunSnapshot(BaseModel):
    """The whole run; steps in the manifest's order, edges in that of their readers."""

    model_config = ConfigDict(extra="forbid")

    run_id: str
    pipeline: str
    state: RunState
    elapsed_ms: int
    steps: list[StepProgress]
    edges: list[EdgeProgress]
