"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from osiris.errors import UsageError

Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document on stdout.")]

Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--param", "-p", metavar="NAME=VALUE", help="Value of a declared parameter; may be repeated."
    ),
]


New = Annotated[bool, typer.Option("--new", help="Start afresh, even if an earlier run is unfinished.")]

RunKey = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Name of the logical run, such as a date; it is applied once."),
]


class ProgressStyle(StrEnum):
    """What is shown of a run while it goes on."""

    AUTO = "auto"
    PLAIN = "plain"
    QUIET = "quiet"


Progress = Annotated[
    ProgressStyle,
    typer.Option(help="auto: a live display on a terminal, else lines; plain: lines; quiet: warnings only."),
]


def parsed_params(given: list[str] | None) -> dict[str, str]:
    """`name=value` pairs as a mapping. Raises `UsageError` USE001."""
    params: dict[str, str] = {}
    for pair in given or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError("USE001", f"--param takes NAME=VALUE, not {pair!r}.")
        params[name] = value
    return params
