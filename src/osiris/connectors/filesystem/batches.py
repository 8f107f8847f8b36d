"""How many rows make a batch."""

from __future__ import annotations

_BYTES = 4 << 20
_VECTOR = 2_048
"""DuckDB works on so many rows at once."""

_MOST_VECTORS = 64


def rows_per_batch(row_bytes: int) -> int:
    """Rows for about 4 MiB: a whole number of DuckDB's vectors, at least one and at most 131,072 rows."""
    vectors = _BYTES // (_VECTOR * max(1, row_bytes))
    return _VECTOR * min(_MOST_VECTORS, max(1, vectors))
