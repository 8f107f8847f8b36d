"""Whether a compressed file is whole, found before any of it is delivered.

DuckDB takes the end of a cut-off zstd frame for the end of the file and does not compare gzip's checksum, so
rows would be lost without a word.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from osiris.connectors.filesystem.csv_dialect import CsvDialect, codec_of
from osiris.connectors.filesystem.csv_text import damaged

_PIECE = 1 << 20


def check_whole(path: Path, dialect: CsvDialect, name: str) -> None:
    """Unpack a compressed file to its end. Raises `DataError` DAT009 where it is damaged or cut off."""
    codec = codec_of(path, dialect.compression)
    if codec == "none":
        return
    try:
        with pa.input_stream(str(path), compression=codec) as stream:
            while stream.read(_PIECE):
                pass
    except OSError as error:
        raise damaged(name) from error
