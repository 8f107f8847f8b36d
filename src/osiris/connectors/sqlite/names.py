"""Names of tables and columns as SQLite takes them."""

from __future__ import annotations

from osiris.core.ledger import RESERVED_PREFIX
from osiris.errors import PipelineError

RESERVED_PREFIXES = (RESERVED_PREFIX, "sqlite_")


def folded(name: str) -> str:
    """The name as SQLite compares it: ASCII letters without their case, and no others."""
    return name.encode().lower().decode()


def quote_identifier(name: str) -> str:
    """The name as a quoted SQL identifier; SQL014 for one with a NUL character."""
    if "\0" in name:
        raise PipelineError("SQL014", "A name holds a NUL character, which no SQL identifier can.")
    return '"' + name.replace('"', '""') + '"'


def refuse_reserved(table: str) -> None:
    """TGT006 for a table that Osiris or SQLite keeps for itself."""
    if folded(table).startswith(RESERVED_PREFIXES):
        raise PipelineError(
            "TGT006",
            f'The table name "{table}" is reserved.',
            hint=f"Choose a name that does not start with {' or '.join(RESERVED_PREFIXES)}.",
        )
