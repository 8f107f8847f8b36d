"""File names inside DuckDB statements."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from osiris.connectors.duckdb.engine import quote_literal

_MAGIC = re.compile(r"([*?\[])")


def file_list(files: Sequence[Path]) -> str:
    """A SQL list of exactly these files: characters that DuckDB takes for patterns are made literal."""
    return "[" + ", ".join(quote_literal(_MAGIC.sub(r"[\1]", str(path))) for path in files) + "]"
