"""What a person sees of a run while it goes on: the live display, plain lines, or what must not be missed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from osiris.adapters import ExecutionAdapter
from osiris.cli.lines import ALL, KEPT, Lines
from osiris.cli.live import LiveDisplay, can_be_live
from osiris.cli.options import ProgressStyle


class Display(Protocol):
    """Shows one run."""

    def observe(self, event: dict[str, Any]) -> None:
        """An event has been written."""

    def watch(self, adapter: ExecutionAdapter) -> None:
        """The run begins here."""


@contextmanager
def display(style: ProgressStyle, as_json: bool) -> Iterator[Display]:
    """Shows, to stderr, the run that the block carries out; `auto` is live where a person looks at it."""
    if style is ProgressStyle.AUTO and not as_json and can_be_live(sys.stderr):
        with LiveDisplay(sys.stderr) as live:
            yield live
    else:
        yield Lines(KEPT if style is ProgressStyle.QUIET else ALL)
