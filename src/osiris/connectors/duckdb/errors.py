"""What DuckDB says went wrong, as errors of the one tree.

DuckDB starts each message with the kind of the error (`Binder Error: ...`). Its Python classes say the same,
but an error that comes out of an Arrow stream after the first batch is a plain `OSError`, so the kind is
read from the message in both cases. With `errors_as_json` the rest is a document with place and candidates.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import duckdb

from osiris.errors import (
    Cancelled,
    ConnectionFailed,
    DataError,
    InternalError,
    OsirisError,
    PipelineError,
    RunError,
    TargetBusy,
)
from osiris.findings import Mark

EngineFailure = (duckdb.Error, OSError)
"""What a call into DuckDB, or a read from a stream of its, may raise."""

_KIND = re.compile(r"^(?P<kind>[A-Za-z][A-Za-z ]* [Ee]rror): (?P<rest>.*)", re.DOTALL)
_FOLDERS = re.compile(r"(?<=[\"'])/(?:[^\"'/]+/)*(?=[^\"'/]+[\"'])|(?<=file: )/(?:[^,/]+/)*(?=[^,/]+,)")
_SETTINGS_ADVICE = re.compile(r"""(?:,? or|\.? Use) ["']?(?:SET|PRAGMA) .*""", re.DOTALL)
_DAMAGED_PARQUET = re.compile(
    r"^(?:File '.*' too small to be a Parquet file|No magic bytes found at end of file"
    r"|Footer length error in file|Parquet metadata is corrupt|Failed to read file .*decompression failure"
    r"|TProtocolException|don't know what type:|Prefetch registered for bytes outside file"
    r"|Could not read enough bytes from file \".*\.(?:parquet|pq)\":)",
    re.DOTALL,
)
_DISK_FULL = re.compile(r"No space left|Disk quota|File too large|max_temp_directory_size", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EngineMessage:
    """One error of DuckDB, taken apart; `offset` counts bytes of the SQL from 0."""

    kind: str
    text: str
    full: str
    subtype: str = ""
    name: str = ""
    offset: int | None = None
    candidates: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, exc: BaseException) -> EngineMessage:
        """The parts of what the engine raised."""
        full = str(exc)
        found = _KIND.match(full)
        kind, rest = (found["kind"].lower(), found["rest"]) if found else ("", full)
        parts = _document(rest)
        text = str(parts.get("exception_message", rest))
        offset = parts.get("position")
        return cls(
            kind=kind,
            text=_first_sentence(text),
            full=text,
            subtype=parts.get("error_subtype", ""),
            name=parts.get("name", ""),
            offset=int(offset) if offset is not None else None,
            candidates=tuple(filter(None, parts.get("candidates", "").split(","))),
        )


class _Rule(NamedTuple):
    error: type[OsirisError]
    code: str
    says: str
    hint: str | None = None


_RULES: dict[str, _Rule] = {
    "out of memory error": _Rule(
        RunError,
        "RES002",
        "The step needs more memory than it may use.",
        "Raise memory_limit, or reduce the data.",
    ),
    "io error": _Rule(
        RunError, "RES003", "A file could not be read or written: {text}", "Check path and permissions."
    ),
    "permission error": _Rule(
        PipelineError,
        "SQL007",
        "The SQL may not do this: {text}",
        "Only a duckdb.processor may read files: those in its read_files.",
    ),
    "interrupt error": _Rule(Cancelled, "RUN003", "The query was stopped."),
    "parser error": _Rule(
        PipelineError, "SQL001", "The SQL is not valid: {text}", "Correct it at the position shown."
    ),
    "syntax error": _Rule(
        PipelineError, "SQL001", "The SQL is not valid: {text}", "Correct it at the position shown."
    ),
    "catalog error": _Rule(PipelineError, "SQL003", "The SQL names something that does not exist: {text}"),
    "binder error": _Rule(PipelineError, "SQL006", "The SQL does not fit its tables: {text}"),
    "not implemented error": _Rule(PipelineError, "SQL006", "DuckDB cannot do this: {text}"),
    "conversion error": _Rule(
        DataError, "SQL008", "A value cannot be converted: {text}", "Use TRY_CAST, or filter such values out."
    ),
    "out of range error": _Rule(
        DataError, "SQL008", "A value is out of range: {text}", "Cast to a wider type first."
    ),
    "invalid input error": _Rule(
        DataError, "SQL008", "A value cannot be used: {text}", "Filter such values out."
    ),
    "constraint error": _Rule(
        DataError,
        "TGT011",
        "A row breaks a constraint of the table: {text}",
        "Mend the rows; nothing was written.",
    ),
    "transactioncontext error": _Rule(
        TargetBusy,
        "TGT015",
        "Another transaction changed the same rows: {text}",
        "Run the same command again.",
    ),
}

_DISK_RULE = _Rule(
    RunError, "RES001", "The disk is full: {text}", "Free some space and run the command again."
)
_READ_ONLY_RULE = _Rule(
    PipelineError,
    "SQL007",
    "The SQL may not do this: {text}",
    "A step that reads cannot change the database.",
)
_DAMAGED_RULE = _Rule(ConnectionFailed, "CON024", "A file is damaged: {text}", "Restore it from a copy.")
_DAMAGED_PARQUET_RULE = _Rule(
    DataError, "DAT015", "A Parquet file cannot be read: {text}", "Fetch it again, or write it again."
)
_SPECIAL = (
    (_DISK_FULL, _DISK_RULE),
    (re.compile(r"Corrupt database file|Could not read enough bytes"), _DAMAGED_RULE),
    (re.compile(r"in read-only mode|Cannot FORCE CHECKPOINT"), _READ_ONLY_RULE),
)
"""What the kind of the error does not tell."""

_UNKNOWN_RULE = _Rule(
    InternalError, "SQL012", "The engine failed: {text}", "Report it with the run's folder."
)


def map_engine_error(exc: BaseException, *, cancelled: bool = False) -> OsirisError:
    """The error of the tree for what DuckDB raised; the caller raises it `from exc`.

    `cancelled` says that the step was told to stop, so whatever the engine says then is the consequence.
    """
    if isinstance(exc, OsirisError):
        return exc
    if cancelled:
        return Cancelled("RUN003", "The query was stopped.")
    message = EngineMessage.of(exc)
    rule = _rule(message)
    names_only = rule.code in ("RES003", "CON024", "DAT015")
    text, full = ((_FOLDERS.sub("", part) if names_only else part) for part in (message.text, message.full))
    details = {"engine_message": full[:2000]}
    return rule.error(rule.code, rule.says.format(text=text), hint=rule.hint, details=details)


def _rule(message: EngineMessage) -> _Rule:
    usual = _RULES.get(message.kind, _UNKNOWN_RULE)
    if message.kind in ("", "io error", "invalid input error") and _DAMAGED_PARQUET.match(message.full):
        return _DAMAGED_PARQUET_RULE
    if message.kind not in ("", "io error", "out of memory error", "transactioncontext error"):
        return usual
    return next((rule for pattern, rule in _SPECIAL if pattern.search(message.full)), usual)


def mark_at(sql: str, offset: int) -> Mark:
    """Line and column, from 1, of a place in the SQL; DuckDB counts bytes of UTF-8."""
    before = sql.encode()[:offset].decode(errors="replace")
    return Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _document(rest: str) -> dict[str, Any]:
    try:
        parts = json.loads(rest)
    except ValueError:
        return {}
    return parts if isinstance(parts, dict) else {}


def _first_sentence(text: str) -> str:
    """The first line, with DuckDB's own suggestion where it follows."""
    first, _, rest = text.strip().partition("\n")
    meant = rest.partition("\n")[0] if rest.startswith("Did you mean") else ""
    line = f"{_SETTINGS_ADVICE.sub('', first).strip()} {meant}".strip()
    return line if line.endswith((".", "!", "?")) else line + "."
