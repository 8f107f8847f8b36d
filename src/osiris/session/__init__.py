"""The session: the record of one compile or one run."""

from osiris.session.bottleneck import Bottleneck, find_bottleneck
from osiris.session.events import Event, events_json_schema
from osiris.session.index import RunIndex, RunRow
from osiris.session.progress import EdgeProgress, RunSnapshot, StepProgress
from osiris.session.session import Session, new_session_id
from osiris.session.status import EdgeStatus, RunState, Status, StepState, StepStatus, status_json_schema

__all__ = [
    "Bottleneck",
    "EdgeProgress",
    "EdgeStatus",
    "Event",
    "RunIndex",
    "RunRow",
    "RunSnapshot",
    "RunState",
    "Session",
    "Status",
    "StepProgress",
    "StepState",
    "StepStatus",
    "events_json_schema",
    "find_bottleneck",
    "new_session_id",
    "status_json_schema",
]
