"""The one redactor, and the type that keeps secret values from showing themselves.

Every sink (session files, logs, terminal, JSON output) passes its text through `redactor`. It knows three
things: the live secret values with their usual encodings, the names of keys that hold secrets, and the shapes
of well-known tokens.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

MASK = "****"

_MIN_LENGTH = 4
"""Shorter values are not searched for: masking them would blank ordinary words and so reveal them."""

_BOUNDED_BELOW = 8
"""Values shorter than this are masked only as whole words."""

_SECRET_KEY = re.compile(
    r"(^|[_\-.])(pass(word|wd|phrase)?|pwd|secret|token|(api|private|access|secret|signing|encryption)[_\-]?key"
    r"|auth(orization)?|credentials?|service[_\-]?role|anon[_\-]?key|dsn)$",
    re.IGNORECASE,
)

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
"""Where a new word begins in `clientSecret`."""

_PLACEHOLDER = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
"""Where a connections file names a secret; that is what a reader needs to see."""

_PERCENT = re.compile("%[0-9A-F]{2}")

_OURS = frozenset(
    (
        *("event", "ts", "session", "state", "kind", "level", "severity", "code", "error", "write_mode"),
        *(
            "id",
            "step_id",
            "component",
            "connection",
            "from_step",
            "output",
            "to_step",
            "input",
            "because_of",
        ),
        *("run_id", "run_key", "resumes", "pipeline", "adapter", "fingerprint", "sha256", "osiris_version"),
        *("started_at", "ended_at"),
    )
)
"""Keys of records whose text is an id, a time or a word that we chose; a reader finds its way by them."""

_OUR_WORDS = {"target": frozenset({"file", "table", "unchanged", "committed", "unknown"})}
"""Keys of records that hold one of these words, or a text of a driver's."""

_FREE = frozenset({"columns", "config", "details", "fields", "params", "tags"})
"""Keys of records below which others choose the keys too."""

_CONNECTIONS = frozenset({"connection", "connections", "resolved_connection"})
"""Keys whose mapping holds the fields of connections."""

_TOKEN_SHAPES = re.compile(
    r"(?P<userinfo>(?<=://)[^\s/@:]*:[^\s/@]+(?=@))"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}\b"
    r"|\bsk-[A-Za-z0-9_\-]{20,}\b"
    r"|\bxox[abpr]-[A-Za-z0-9\-]{10,}\b"
    r"|\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)"
)


class Secret:
    """A value that shows as `****` everywhere; only a connector calls `reveal()`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the call that opens a connection."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled")

    def __deepcopy__(self, memo: object) -> Secret:
        return self


def is_secret_key(name: str) -> bool:
    """Whether a key of this name usually holds a secret."""
    return _SECRET_KEY.search(_HUMP.sub("_", name)) is not None


def is_secret_field(name: str) -> bool:
    """As `is_secret_key`, for a connection's field: there a plain `key` is one too."""
    return name.casefold() == "key" or is_secret_key(name)


def is_secret_file(name: str) -> bool:
    """Whether a file of this name, in any case, holds secrets: `.env` and its kin, not the example."""
    folded = name.casefold()
    return folded == ".env" or (folded.startswith(".env.") and folded != ".env.example")


class Redactor:
    """Masks secrets in text and in JSON-ready structures; safe to use from many threads."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def learn(self, *values: str) -> None:
        """Mask these values, their lines and the encodings of both from now on."""
        with self._lock:
            known = len(self._forms)
            for part in (part for value in values for part in _parts(value)):
                self._forms.update(form for form in _encodings(part) if len(form) >= _MIN_LENGTH)
            if len(self._forms) > known:
                self._pattern = _alternation(self._forms)

    def text(self, text: str) -> str:
        """The text with every known secret and every token shape masked."""
        pattern = self._pattern
        if pattern is not None:
            text = _masked(text, pattern)
        return _TOKEN_SHAPES.sub(MASK, text)

    def data(self, value: Any) -> Any:
        """A copy of a JSON-ready value with secrets masked in keys and values."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._field(str(key), item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.data(item) for item in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self.text(str(value))

    def record(self, value: Any) -> Any:
        """As `data`, for an event, a status or an answer: its own keys, ids and fixed words stay."""
        if isinstance(value, Mapping):
            return {str(key): self._part(str(key), item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.record(item) for item in value]
        return self.data(value)

    def _part(self, key: str, item: Any) -> Any:
        if isinstance(item, str) and (key in _OURS or item in _OUR_WORDS.get(key, ())):
            return str(item)
        return self.data(item) if key in _FREE else self.record(item)

    def _field(self, key: str, item: Any) -> Any:
        if is_secret_key(key):
            return self._hidden(item)
        return self._connection(item) if key in _CONNECTIONS else self.data(item)

    def _connection(self, item: Any) -> Any:
        """A connection's fields, or connections by their names."""
        if not isinstance(item, Mapping):
            return self.data(item)
        return {
            self.text(str(key)): self._hidden(part) if is_secret_field(str(key)) else self._connection(part)
            for key, part in item.items()
        }

    def _hidden(self, item: Any) -> Any:
        """What stands under a key that holds secrets: mappings keep their keys, the rest is masked."""
        if isinstance(item, Mapping):
            return self.data(item)
        if isinstance(item, (list, tuple, set, frozenset)):
            return [self._hidden(part) for part in item]
        shown = item is None or isinstance(item, bool) or _PLACEHOLDER.fullmatch(str(item))
        return item if shown else MASK


redactor = Redactor()
"""The process's redactor: connections teach it, sinks ask it."""


def _parts(value: str) -> Iterator[str]:
    """The value, without the space around it, and line by line: messages and logs are cut at lines."""
    yield value
    yield value.strip()
    for line in value.splitlines():
        if len(line.strip()) >= _BOUNDED_BELOW:
            yield line.strip()


def _encodings(value: str) -> Iterable[str]:
    raw = value.encode("utf-8", "surrogatepass")
    yield value
    yield quote(value, safe="")
    yield quote(value)
    yield quote_plus(value)
    yield _PERCENT.sub(lambda match: match[0].lower(), quote_plus(value))
    yield html.escape(value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield ascii(value)[1:-1]
    yield repr(raw)[2:-1]
    yield value.replace("'", "''")
    yield value.replace('"', '""')
    yield value[::-1]
    yield raw.hex()
    yield raw.hex().upper()
    yield from _base64_cores(raw)


def _base64_cores(raw: bytes) -> Iterable[str]:
    """What stays the same of the value's base64 form at each of the three alignments."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        core = encoded[(0, 2, 3)[shift] : len(raw + b"\0" * shift) * 8 // 6]
        if len(core) >= _BOUNDED_BELOW:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _alternation(forms: Iterable[str]) -> re.Pattern[str] | None:
    """Finds the longest form at each position, also inside another match."""
    ordered = sorted(forms, key=len, reverse=True)
    return re.compile(f"(?=({'|'.join(map(_search_form, ordered))}))") if ordered else None


def _masked(text: str, pattern: re.Pattern[str]) -> str:
    """The text without its matches; those that overlap are one, so that no end of either stays."""
    shown: list[str] = []
    end = 0
    for match in pattern.finditer(text):
        start, stop = match.span(1)
        if start >= end:
            shown += [text[end:start], MASK]
        end = max(end, stop)
    return "".join([*shown, text[end:]])


def _search_form(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= _BOUNDED_BELOW else rf"(?<!\w){escaped}(?!\w)"
