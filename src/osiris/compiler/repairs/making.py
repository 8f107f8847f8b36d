"""Patches with the one line that says what they do."""

from __future__ import annotations

from typing import Any

from osiris.findings import Patch, Safety, shortened
from osiris.yamledit import added, removed, renamed, replaced
from osiris.yamledit.scalars import flow_text

Path_ = tuple[str | int, ...]

_LONGEST_VALUE = 40


def rename(path: Path_, key: str, *, safe: bool) -> Patch:
    """Give a key another name."""
    old = shortened(repr(str(path[-1])), _LONGEST_VALUE)
    return Patch(f"rename {old} to {key!r}", (renamed(path, key),), _safety(safe))


def change(path: Path_, old: Any, new: Any, *, safe: bool, spelling: str | None = None) -> Patch:
    """Put another value in the place of one, which may be written in a way of its own."""
    was = shortened(spelling, _LONGEST_VALUE) if spelling else shown(old)
    return Patch(f"change {was} to {shown(new)}", (replaced(path, new),), _safety(safe))


def add(path: Path_, value: Any, *, safe: bool) -> Patch:
    """Add a key with its value."""
    return Patch(f"add {path[-1]}: {shown(value)}", (added(path, value),), _safety(safe))


def remove(path: Path_, name: str | None = None) -> Patch:
    """Take a key out, or an item of this name; never safe, as somebody put it there."""
    what = shortened(repr(name or path[-1]), _LONGEST_VALUE)
    return Patch(f"remove {what}", (removed(path),))


def shown(value: Any) -> str:
    """A value as it is written in one line, cut where it is long."""
    return shortened(flow_text(value), _LONGEST_VALUE)


def _safety(safe: bool) -> Safety:
    return Safety.SAFE if safe else Safety.NEEDS_REVIEW
