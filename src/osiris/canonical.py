"""Canonical JSON and hashes: equal values give equal bytes on every machine and Python version.

The form is RFC 8785 in spirit (sorted keys, no white space, UTF-8) and refuses what JSON cannot say exactly:
NaN, infinities, keys that are not text, and objects of other types.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """The one byte form of a JSON value. Raises `TypeError` or `ValueError` for anything else."""
    _refuse_foreign(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def fingerprint(value: Any) -> str:
    """SHA-256 of the canonical JSON, as `sha256:<64 hex>`."""
    return "sha256:" + hashlib.sha256(canonical_json(value)).hexdigest()


def _refuse_foreign(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not str:
                raise TypeError(f"a key of canonical JSON must be text, not {type(key).__name__}")
            _refuse_foreign(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_foreign(item)
    elif value is not None and type(value) not in (str, int, float, bool):
        raise TypeError(f"canonical JSON has no form for {type(value).__name__}")
