"""Which environment variables a child starts with: those of the machine, none of the author's shell."""

from __future__ import annotations

from collections.abc import Mapping

from osiris.runner.context import FAILPOINTS

KEPT = frozenset(
    (
        *("PATH", "HOME", "TMPDIR", "TZ", "LANG", "LANGUAGE", "LD_LIBRARY_PATH"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", FAILPOINTS),
    )
)
"""Beside these, the locale's `LC_…`. What a connection needs is handed over with the job instead."""


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that say where programs, files, time zone, locale and certificates are."""
    return {name: value for name, value in environment.items() if name in KEPT or name.startswith("LC_")}
