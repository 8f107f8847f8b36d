"""The lines of JSON Lines files as Arrow batches, each with its number; what is no line of text is refused.

Lines are cut here and not by DuckDB's readers: every error then knows its line, and plain and compressed
files go one way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors.filesystem.csv_dialect import codec_of
from osiris.connectors.filesystem.csv_text import damaged, not_utf8
from osiris.errors import DataError, RunError, Where

LINES = pa.schema([("line", pa.string()), ("number", pa.int64())])
"""A line without its end, and its number, counted from 0 over all files."""

_PIECE = 4 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class JsonlForm:
    """How the files are written."""

    compression: str = "auto"
    max_line_bytes: int = 2_000_000


class JsonlLines:
    """The lines of some files, in order; `place` looks up numbers of the latest pass."""

    def __init__(self, paths: Sequence[Path], form: JsonlForm, shown: Callable[[Path], str]) -> None:
        self.paths = paths
        self.shown = shown
        self._form = form
        self._first_numbers: list[int] = []
        self.failure: Exception | None = None
        """What the latest pass of `reader` raised: DuckDB hands it on as another class."""

    @property
    def name(self) -> str:
        """The first file, as people see it."""
        return self.shown(self.paths[0])

    def reader(self) -> pa.RecordBatchReader:
        """A new pass, for DuckDB."""
        return pa.RecordBatchReader.from_batches(LINES, self._kept())

    def place(self, number: int) -> Where:
        """The file and the line of a number."""
        file = bisect_right(self._first_numbers, number) - 1
        return Where(self.shown(self.paths[file]), 1 + number - self._first_numbers[file])

    def batches(self) -> Generator[pa.RecordBatch]:
        """All lines, about 4 MiB at a time. Raises `DataError` DAT003, DAT004, DAT009 or DAT030."""
        number, self._first_numbers = 0, []
        for path in self.paths:
            self._first_numbers.append(number)
            for block in _blocks(path, self._form, self.shown(path)):
                lines = self._cut(block.replace(b"\r\n", b"\n").removesuffix(b"\r"), number)
                numbers = pa.array(range(number, number + len(lines)), pa.int64())
                yield pa.record_batch([lines, numbers], schema=LINES)
                number += len(lines)

    def _kept(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self.batches()
        except Exception as error:
            self.failure = error
            raise

    def _cut(self, block: bytes, number: int) -> pa.Array:
        if number == self._first_numbers[-1] and block.startswith(_BYTE_ORDER_MARK):
            raise _byte_order_mark(self.place(number))
        try:
            text = pa.array([block], pa.binary()).cast(pa.string())
        except pa.ArrowInvalid as error:
            raise self._not_utf8(block, number) from error
        lines = pc.split_pattern(text, "\n").flatten()
        lengths = pc.binary_length(lines)
        longest = pc.max(lengths).as_py()
        if longest > self._form.max_line_bytes:
            where = self.place(number + pc.index(lengths, longest).as_py())
            raise _too_long(where, self._form.max_line_bytes)
        return lines

    def _not_utf8(self, block: bytes, number: int) -> DataError:
        lines = block.split(b"\n")
        offset = next(offset for offset, line in enumerate(lines) if not _is_text(line))
        where = self.place(number + offset)
        return not_utf8(str(where.file), where.line)


def _blocks(path: Path, form: JsonlForm, name: str) -> Iterator[bytes]:
    """The file in pieces of whole lines, each without its last line end."""
    codec = codec_of(path, form.compression)
    begun: list[bytes] = []
    try:
        with pa.input_stream(str(path), compression=None if codec == "none" else codec) as source:
            while piece := source.read(_PIECE):
                lines, end, rest = piece.rpartition(b"\n")
                if end:
                    yield b"".join([*begun, lines])
                    begun = []
                begun.append(rest)
                if sum(map(len, begun)) > form.max_line_bytes + 1:
                    break  # too long already, even where the last byte belongs to the line's end
    except OSError as error:
        raise damaged(name) if codec != "none" else _not_readable(name, error) from error
    if any(begun):
        yield b"".join(begun)


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _byte_order_mark(where: Where) -> DataError:
    message = f"{where.file} begins with a byte order mark, which is no part of JSON."
    hint = "Remove it, for example: sed '1s/^\\xEF\\xBB\\xBF//'."
    return DataError("DAT030", message, hint=hint, where=where)


def _too_long(where: Where, limit: int) -> DataError:
    message = f"A line of {where.file} is longer than max_line_bytes ({limit:,} bytes)."
    hint = (
        "Raise max_line_bytes if the line is meant to be so long; a file that is one array becomes lines "
        "with jq -c '.[]'."
    )
    return DataError("DAT004", message, hint=hint, where=where)


def _not_readable(name: str, error: OSError) -> RunError:
    return RunError("RES003", f"{name} cannot be read: {error.strerror or error}.", where=Where(name))
