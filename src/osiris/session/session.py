"""One session's folder: events, metrics, status, manifest and artifacts, each redacted on its way in."""

from __future__ import annotations

import fcntl
import json
import math
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

from osiris.redaction import redactor
from osiris.session.events import Event, Metric
from osiris.session.status import Status

Observer = Callable[[dict[str, Any]], None]

Mirror = Callable[[str, int, dict[str, Any]], None]
"""Takes what a session writes, redacted: its kind (`event`, `metric`, `status`), its number and its content.

The numbers of each kind count from 1 without gaps; those of events are their `seq`.
"""


def utc_now() -> str:
    """The time as RFC 3339 text in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_session_id(kind: str) -> str:
    """`<kind>_<timestamp>_<random>`: sorts by time, unique without coordination."""
    return f"{kind}_{datetime.now(UTC):%Y%m%dT%H%M%SZ}_{secrets.token_hex(3)}"


class Session:
    """The record of one act; safe to write to from many threads.

    An open session holds a lock on its folder, so that others can tell a living run from one that died.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name
        self.artifacts_dir = folder / "artifacts"
        self._lock = threading.Lock()
        self._numbers: Counter[str] = Counter()
        self._observers: list[Observer] = []
        self._mirrors: list[Mirror] = []
        self._events: IO[str] | None = None
        self._metrics: IO[str] | None = None

    @classmethod
    def create(cls, logs_dir: Path, session_id: str) -> Self:
        """Make the folder and open the files."""
        session = cls(logs_dir / session_id)
        session.folder.mkdir(parents=True)
        session._events = _open_lines(session.folder / "events.jsonl")
        session._metrics = _open_lines(session.folder / "metrics.jsonl")
        fcntl.flock(session._events, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return session

    @property
    def descriptor(self) -> int:
        """The descriptor that holds the lock; a process that inherits it keeps the session alive."""
        if self._events is None:
            raise ValueError("The session is closed.")
        return self._events.fileno()

    def observe(self, observer: Observer) -> None:
        """Call the observer with each event as it is written (redacted), in order; it may fail."""
        self._observers.append(observer)

    def mirror(self, mirror: Mirror) -> None:
        """Call the mirror with each event, metric and status as it is written, in order; it may fail."""
        self._mirrors.append(mirror)

    def emit(self, event: Event) -> None:
        """Write one event."""
        body = redactor.record(event.model_dump(exclude_none=True))
        with self._lock:
            if self._events is not None:
                envelope = {"seq": self._numbers["event"] + 1, "ts": utc_now(), "session": self.id}
                self._write_event(self._events, envelope | body)

    def replay(self, line: Mapping[str, Any]) -> None:
        """Write an event of this session as another process wrote it, with its number and time."""
        with self._lock:
            if self._events is not None:
                self._write_event(self._events, redactor.record(line))

    def measure(
        self,
        metric: str,
        value: float,
        unit: str | None = None,
        *,
        step_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        """Write one metric."""
        fields = {
            "metric": metric,
            "value": value,
            "unit": unit,
            "step_id": step_id,
            "tags": dict(tags or {}),
        }
        self.replay_metric(Metric(ts=utc_now(), session=self.id, **fields).model_dump())

    def replay_metric(self, line: Mapping[str, Any]) -> None:
        """Write a metric of this session as another process wrote it."""
        shown = redactor.record(line)
        with self._lock:
            if self._metrics is not None:
                self._numbers["metric"] += 1
                _write_line(self._metrics, shown)
                self._reflect("metric", shown)

    def write_status(self, status: Status) -> None:
        """Replace status.json in one step, so that a reader never sees half of it."""
        content = redactor.record(status.model_dump())
        self._write("status.json", _json(content, indent=2) + "\n")
        with self._lock:
            self._numbers["status"] += 1
            self._reflect("status", content)

    def write_manifest(self, text: str) -> None:
        """Keep the manifest beside what it led to."""
        self._write("manifest.yaml", redactor.text(text))

    def step_artifacts(self, step_id: str) -> Path:
        """A step's own folder for artifacts, made on first use."""
        folder = self.artifacts_dir / step_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def close(self) -> None:
        """Close the files and give up the lock; a second call does nothing."""
        with self._lock:
            for stream in (self._events, self._metrics):
                if stream is not None:
                    with suppress(
                        OSError
                    ):  # a line that could not be written has been reported by its writer
                        stream.close()
            self._events = self._metrics = None

    def _write_event(self, stream: IO[str], line: dict[str, Any]) -> None:
        self._numbers["event"] = line["seq"]
        _write_line(stream, line)
        for observer in self._observers:
            with suppress(Exception):  # a display that fails must not fail what it shows
                observer(line)
        self._reflect("event", line)

    def _reflect(self, kind: str, content: dict[str, Any]) -> None:
        for mirror in self._mirrors:
            with suppress(Exception):  # whoever looks in the mirror may be gone
                mirror(kind, self._numbers[kind], content)

    def _write(self, name: str, text: str) -> None:
        temporary = self.folder / f".{name}.part"
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        temporary.replace(self.folder / name)


def _open_lines(file: Path) -> IO[str]:
    """For lines of JSON: half a surrogate pair, which UTF-8 lacks, is escaped as JSON does it."""
    return file.open("a", encoding="utf-8", errors="backslashreplace", newline="\n")


def _write_line(stream: IO[str], line: dict[str, Any]) -> None:
    stream.write(_json(line) + "\n")
    stream.flush()


def _json(value: Any, indent: int | None = None) -> str:
    """JSON text; numbers that JSON lacks become text."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, indent=indent)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def is_alive(folder: Path) -> bool:
    """Whether a process still holds the session in this folder open."""
    try:
        with (folder / "events.jsonl").open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
