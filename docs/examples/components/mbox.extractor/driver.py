"""Reads the messages of an mbox file, one row per message."""

from __future__ import annotations

import mailbox
from collections.abc import Iterator, Mapping
from email import message_from_binary_file, policy
from email.message import EmailMessage
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field

from osiris.core import ArrowStream, Check, DriverConfig, ExecutionContext
from osiris.errors import ConnectionFailed, DataError

BATCH_ROWS = 1_000

SCHEMA = pa.schema(
    {
        "message_id": pa.string(),
        "sent_at": pa.timestamp("us", tz="UTC"),
        "sender": pa.string(),
        "subject": pa.string(),
    }
)


class MboxExtractorConfig(DriverConfig):
    """Config of `mbox.extractor`; equal to the spec's configSchema."""

    subject_contains: str = ""
    limit: Annotated[int, Field(ge=0)] | None = None


class MboxConnector:
    """One mbox file."""

    family = "mbox"

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self._path = Path(connection["path"])
        self._box: mailbox.mbox | None = None

    def connect(self) -> None:
        """Open the file. Raises `ConnectionFailed` CON020."""
        for check in self.doctor():
            if not check.ok:
                raise ConnectionFailed("CON020", check.message, hint=check.hint)
        self._box = self._box or mailbox.mbox(self._path, factory=_message, create=False)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._box is not None:
            self._box.close()
            self._box = None

    def doctor(self) -> list[Check]:
        """Whether the file is there."""
        if self._path.is_file():
            return [Check("file", True, message="The file exists.")]
        message = f"There is no file {self._path.name!r}."
        return [Check("file", False, "CON020", message, "Create it or correct the path.")]

    def messages(self) -> Iterator[EmailMessage]:
        """The messages in file order, one at a time."""
        return self._box.itervalues() if self._box is not None else iter(())


class MboxExtractorDriver:
    """Streams the messages; memory does not grow with their number."""

    Config: ClassVar[type[DriverConfig]] = MboxExtractorConfig

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, pa.RecordBatchReader] | None,
        ctx: ExecutionContext,
    ) -> Mapping[str, ArrowStream]:
        """A lazy stream `df`, read while the next step consumes it."""
        settings = MboxExtractorConfig.model_validate(dict(config))
        connector = MboxConnector(config["resolved_connection"])
        connector.connect()
        ctx.closing(connector)  # closed when the stream has ended, or at a failure
        return {"df": pa.RecordBatchReader.from_batches(SCHEMA, _batches(connector, settings, ctx))}


def _batches(
    connector: MboxConnector, settings: MboxExtractorConfig, ctx: ExecutionContext
) -> Iterator[pa.RecordBatch]:
    wanted = settings.subject_contains.casefold()
    rows = (_row(message) for message in connector.messages())
    chosen = islice((row for row in rows if wanted in (row["subject"] or "").casefold()), settings.limit)
    while batch := list(islice(chosen, BATCH_ROWS)):
        ctx.log_metric("rows_read", len(batch), "rows")
        yield pa.RecordBatch.from_pylist(batch, SCHEMA)


def _message(file: IO[bytes]) -> EmailMessage:
    """One message; the default policy decodes headers such as =?utf-8?q?...?=."""
    return message_from_binary_file(file, policy=policy.default)


def _row(message: EmailMessage) -> dict[str, Any]:
    date = message["date"]
    if date is not None and date.datetime is None:
        text = f"The message {message['message-id']} has a date that cannot be read: {date}."
        raise DataError("DAT011", text, hint="Correct the message's Date header.")
    return {
        "message_id": message["message-id"],
        "sent_at": date.datetime if date is not None else None,
        "sender": message["from"],
        "subject": message["subject"],
    }
