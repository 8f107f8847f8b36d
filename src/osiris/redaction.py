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
from collections.abc import Iterable, Mapping
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


class Redactor:
    """Masks secrets in text and in JSON-ready structures; safe to use from many threads."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def learn(self, *values: str) -> None:
        """Mask these values and their encodings from now on."""
        with self._lock:
            for value in values:
                self._forms.update(form for form in _encodings(value) if len(form) >= _MIN_LENGTH)
            self._pattern = _alternation(self._forms)

    def text(self, text: str) -> str:
        """The text with every known secret and every token shape masked."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
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

    def _field(self, key: str, item: Any) -> Any:
        return self._hidden(item) if is_secret_key(key) else self.data(item)

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
    ordered = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(map(_search_form, ordered))) if ordered else None


def _search_form(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= _BOUNDED_BELOW else rf"(?<!\w){escaped}(?!\w)"
