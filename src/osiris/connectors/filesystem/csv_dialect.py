"""How a CSV file is written: its separators, its words for NULL, its compression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from osiris.connectors.duckdb.engine import quote_literal
from osiris.connectors.filesystem.file_sql import file_list
from osiris.errors import PipelineError

Codec = Literal["none", "gzip", "zstd"]

_CODEC_BY_SUFFIX: dict[str, Codec] = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}

_MIN_BUFFER = 8_000_000
"""DuckDB reads a file in buffers, one or more per thread; below this size reading becomes slower."""

_NEVER = ("\0", "\n", "\r")
_BYTE_ORDER_MARK = "\ufeff"

_DELIMITERS = 'Use one of , ; | or "\\t", or another character that is no line break.'
_QUOTES = "Use \" or ', or another ASCII character that is neither the delimiter, a space nor a line break."
_NULL_VALUES = "Give words without the delimiter, the quote and line breaks."


def codec_of(path: Path, compression: str) -> Codec:
    """The compression of a file: as declared, or by the end of its name."""
    if compression in ("gzip", "zstd", "none"):
        return compression  # type: ignore[return-value]
    return _CODEC_BY_SUFFIX.get(path.suffix.lower(), "none")


class DialectProblem(NamedTuple):
    """A config field whose characters cannot do their work, why, and what can."""

    field: str
    message: str
    hint: str


def dialect_problems(delimiter: str, quote: str, null_values: Sequence[str] = ()) -> Iterator[DialectProblem]:
    """What is wrong with the characters of a dialect, alone and together; an empty quote means none."""
    if delimiter in (*_NEVER, _BYTE_ORDER_MARK):
        message = f"The delimiter {delimiter!r} cannot stand between fields."
        yield DialectProblem("delimiter", message, _DELIMITERS)
    if quote in (*_NEVER, " ") or not quote.isascii():
        yield DialectProblem("quote", f"The quote {quote!r} cannot stand around fields.", _QUOTES)
    if delimiter == quote:
        yield DialectProblem("quote", f"The delimiter and the quote are both {quote!r}.", _QUOTES)
    special = [mark for mark in (*_NEVER, delimiter, quote) if mark]
    for word in null_values:
        if any(mark in word for mark in special):
            message = f"The null value {word!r} can never stand without quotes."
            yield DialectProblem("null_values", message, _NULL_VALUES)


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """RFC 4180 with a choice of characters; an empty field without quotes is NULL, `null_values` are too.

    Raises `PipelineError` FIL011 for characters that cannot do their work.
    """

    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    null_values: tuple[str, ...] = ()
    compression: str = "auto"
    max_line_bytes: int = 2_000_000

    def __post_init__(self) -> None:
        for problem in dialect_problems(self.delimiter, self.quote, self.null_values):
            raise PipelineError("FIL011", problem.message, hint=problem.hint)

    def scan(self, files: Sequence[Path], fields: int, *, parallel: bool) -> str:
        """A FROM item that reads the files, all compressed alike, as text columns c0, c1, ... in file order.

        `csv_lines` says when DuckDB's parallel reader can be trusted with a file.
        """
        columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(fields))
        codec = codec_of(files[0], self.compression)
        nulls = ", ".join(quote_literal(word) for word in ("", *self.null_values))
        options = [
            f"auto_detect = false, header = {str(self.header).lower()}, strict_mode = true",
            f"columns = {{{columns}}}",
            f"delim = {quote_literal(self.delimiter)}",
            f"quote = {quote_literal(self.quote)}, escape = {quote_literal(self.quote)}",
            f"nullstr = [{nulls}], allow_quoted_nulls = false",
            f"compression = {quote_literal(codec)}, parallel = {str(parallel).lower()}",
            f"max_line_size = {self.max_line_bytes}, buffer_size = {self.buffer_bytes}",
            "hive_partitioning = false",
        ]
        return f"read_csv({file_list(files)}, {', '.join(options)})"

    @property
    def buffer_bytes(self) -> int:
        """Bytes per read buffer: two of the longest lines fit in."""
        return max(_MIN_BUFFER, 2 * self.max_line_bytes)
