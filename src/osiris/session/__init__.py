"""The session: the record of one compile or one run."""

from osiris.session.events import Event, events_json_schema
from osiris.session.index import RunIndex, RunRow
from osiris.session.session import Session, new_session_id
from osiris.session.status import RunState, Status, StepState, StepStatus, status_json_schema

__all__ = [
    "Event",
    "RunIndex",
    "RunRow",
    "RunState",
    "Session",
    "Status",
    "StepState",
    "StepStatus",
    "events_json_schema",
    "new_session_id",
    "status_json_schema",
]
