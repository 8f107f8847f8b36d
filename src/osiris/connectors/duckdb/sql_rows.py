"""Rows that are a SELECT for DuckDB: the statement of a later step can take them in and do all at once.

That is only right where the outcome is provably the one of streaming, errors included. So the engine may not
filter rows before their values have been looked at; what it may do is leave out columns, see `query_rows`.
"""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa

from osiris.connectors.duckdb.arrow_types import exact_stream
from osiris.connectors.duckdb.engine import interrupt, open_engine, quote_literal
from osiris.connectors.duckdb.errors import map_engine_error
from osiris.core import ExecutionContext, LazyRows
from osiris.errors import OsirisError

_SKIPPING = (
    *(
        "filter_pushdown",
        "filter_pullup",
        "cte_filter_pusher",
        "statistics_propagation",
        "join_filter_pushdown",
    ),
    *(
        "empty_result_pullup",
        "join_elimination",
        "late_materialization",
        "limit_pushdown",
        "projection_pullup",
    ),
    *("row_group_pruner", "sampling_pushdown", "scalar_fn_pushdown", "type_pushdown"),
)
"""What DuckDB does to read fewer rows, or a value later: each value must be looked at, as in a stream."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the engine that computes the rows may use; no number of threads means one per core."""

    memory_bytes: int
    threads: int | None = None

    @classmethod
    def of(cls, memory_limit: str, threads: int | None = None) -> Limits:
        """The limits that a config gives, the memory like `1GB` or `512 MiB`."""
        number, unit = re.fullmatch(r"([0-9.]+) ?([KMGT]i?)B", memory_limit).groups()  # type: ignore[union-attr]
        base = 1024 if unit.endswith("i") else 1000
        return cls(int(float(number) * base ** ("KMGT".index(unit[0]) + 1)), threads)

    def with_room_for(self, other: Limits) -> Limits:
        """For the work of both: as much memory as two engines would have."""
        return Limits(self.memory_bytes + other.memory_bytes, self.threads)


class SqlRows(LazyRows):
    """One step's rows as a SELECT; `files` are all that it reads, `ctx` is the context of its step."""

    ctx: ExecutionContext

    @property
    @abstractmethod
    def schema(self) -> pa.Schema:
        """As `reader` would give it."""

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """What an engine may use for them."""

    @property
    @abstractmethod
    def params(self) -> Mapping[str, Any]:
        """Values for the statement's placeholders."""

    @property
    @abstractmethod
    def may_be_infinite(self) -> bool:
        """Whether there may be dates that DuckDB has and Arrow has not."""

    @property
    @abstractmethod
    def files(self) -> tuple[Path, ...]:
        """Every file that the statement reads."""

    @property
    @abstractmethod
    def statement(self) -> str:
        """One SELECT without a semicolon, its columns named as in `schema`."""

    @abstractmethod
    def failure(self, exc: BaseException, executed: str) -> OsirisError | None:
        """What the engine raised on behalf of these rows, placed at its step; None if it was not theirs.

        `executed` is the whole text that holds the statement.
        """

    @abstractmethod
    def careful(self) -> Self | None:
        """The same rows after a look through all files; None where that makes no difference.

        A statement that fails is tried again with them. Rows that are streamed may count before the engine
        has noticed that it was misled, so they need the look before. Raises what it finds wrong.
        """

    @abstractmethod
    def report(self, scans: Scans) -> None:
        """Log what was read, and check it. Raises `DataError`."""

    def reader(self) -> pa.RecordBatchReader:
        """The rows, streamed by an engine of their own."""
        return (self.careful() or self)._streamed()

    def _streamed(self) -> pa.RecordBatchReader:
        con = open_confined(self, self.ctx)
        self.ctx.closing(con)
        relation = con.sql(self.statement, params=dict(self.params) or None)
        stream = exact_stream(relation, wrong=self._wrong)
        return pa.RecordBatchReader.from_batches(stream.schema, self._reported(con, stream))

    def _reported(
        self, con: duckdb.DuckDBPyConnection, stream: pa.RecordBatchReader
    ) -> Iterator[pa.RecordBatch]:
        yield from stream
        self.report(Scans.of(con))

    def _wrong(self, exc: BaseException) -> BaseException:
        return self.failure(exc, self.statement) or map_engine_error(exc, cancelled=self.ctx.cancelled)


def open_confined(
    rows: SqlRows, ctx: ExecutionContext, written: Sequence[Path] = ()
) -> duckdb.DuckDBPyConnection:
    """An engine within the rows' limits that can reach their files and `written`, and nothing else."""
    con = open_engine(f"{rows.limits.memory_bytes // 1000}KB", rows.limits.threads, ctx.work_dir)
    ctx.on_cancel(partial(interrupt, con))
    con.execute("PRAGMA enable_profiling = 'no_output'")
    con.execute(f"SET disabled_optimizers = '{','.join(_SKIPPING)}'")
    confine(con, [str(path) for path in (*rows.files, *written)])
    return con


def confine(con: duckdb.DuckDBPyConnection, files: Sequence[str] = ()) -> None:
    """Take everything away but the named files; nothing that the SQL says can undo it.

    The order matters: the paths must be set before access ends, and the lock comes last.
    """
    paths = ", ".join(quote_literal(str(Path(path))) for path in files)
    con.execute(f"SET allowed_paths = [{paths}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


@dataclass(frozen=True, slots=True)
class Scans:
    """How many rows the last statement of an engine took from which files."""

    rows_by_scan: Mapping[str, int]
    is_whole: bool
    """Whether each scan went to its end: a join may have no use for all rows of a side."""

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection) -> Scans:
        """Read from DuckDB's profile, which lists the first files of each scan."""
        nodes = list(_operators(json.loads(con.get_profiling_information())["operator"]))
        scans = [node for node in nodes if node["type"] == "TABLE_SCAN"]
        rows: dict[str, int] = {}
        for scan in scans:
            files = str(scan["extra_info"].get("Filename(s)", ""))
            rows[files] = rows.get(files, 0) + int(scan["intermediate_rows"])
        return cls(rows, not any("JOIN" in node["type"] for node in nodes))

    def rows_of(self, files: Sequence[Path]) -> int:
        """The rows of these files together."""
        starts = {str(file) for file in files}
        return sum(
            rows
            for listed, rows in self.rows_by_scan.items()
            if any(listed == start or listed.startswith(f"{start}, ") for start in starts)
        )


def _operators(nodes: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        yield node
        yield from _operators(node.get("children", ()))
