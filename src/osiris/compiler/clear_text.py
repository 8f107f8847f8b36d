"""Secrets in clear text: a manifest shows its configs and parameters to everybody."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from osiris.redaction import is_secret_key

Path_ = tuple[str | int, ...]

HINT = "Keep the value in .env and name it in osiris_connections.yaml."

_URL_WITH_PASSWORD = re.compile(r"://[^\s/@:]*:[^\s/@]+@")


def holds_password(value: Any) -> bool:
    """Whether a text is or contains a URL with a password."""
    return isinstance(value, str) and _URL_WITH_PASSWORD.search(value) is not None


def secrets_in_config(
    config: Mapping[str, Any], secret_fields: Collection[str], known_fields: Collection[str]
) -> Iterator[Path_]:
    """Where a config holds a secret: in a declared secret field, under a telling unknown key, in a URL."""
    for key, value in config.items():
        telling = key in secret_fields or (key not in known_fields and is_secret_key(key))
        if telling and value not in (None, "", {}, []):
            yield (key,)
        else:
            yield from _passwords(value, (key,))


def _passwords(value: Any, path: Path_) -> Iterator[Path_]:
    if holds_password(value):
        yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    )
    for key, item in children:
        yield from _passwords(item, (*path, key))
