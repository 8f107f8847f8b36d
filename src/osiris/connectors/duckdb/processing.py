"""SQL over named streams, in a DuckDB that can reach nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import duckdb
import pyarrow as pa

from osiris.connectors.duckdb.arrow_types import exact_stream
from osiris.connectors.duckdb.engine import quote_identifier
from osiris.connectors.duckdb.errors import EngineFailure
from osiris.connectors.duckdb.explaining import explain, explain_error
from osiris.connectors.duckdb.inputs import Input

_TAG = "osiris{index}."
_REPEATING = frozenset({"REC_CTE", "RECURSIVE_CTE"})


class InputTables:
    """The inputs of a processor as tables of their names.

    A stream can be scanned once. Each is registered with tagged column names below a view that restores them,
    so that the plan tells which input a scan belongs to; an input with more than one scan becomes a table.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, sources: Mapping[str, pa.RecordBatchReader]) -> None:
        self._con = con
        self._tags = {name: _TAG.format(index=index) for index, name in enumerate(sources)}
        self.inputs = {name: Input(name, source, self._tags[name]) for name, source in sources.items()}
        for name, source in self.inputs.items():
            con.register(self._stream_name(name), source.reader)
            con.execute(f"CREATE TEMP VIEW {quote_identifier(name)} AS {self._restored(name)}")

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The column names per input, also of columns that its stream leaves out."""
        return {name: source.known_columns for name, source in self.inputs.items()}

    def prepare(self, sql: str, params: Mapping[str, Any]) -> tuple[str, ...]:
        """Load inputs that the query scans more than once; the answer names those it does not scan at all."""
        owners = Counter(self._owner(node) for node in self._scans(sql, params))
        for name in self.inputs:
            if owners[name] > 1:
                self._load(name)
        return tuple(name for name in self.inputs if owners[name] == 0)

    def columns_used(self, sql: str, params: Mapping[str, Any]) -> dict[str, set[str]]:
        """The columns of each input that the query needs for its result; it is not run."""
        used: dict[str, set[str]] = {name: set() for name in self.inputs}
        for node in self._scans(sql, params):
            owner = self._owner(node)
            if owner is not None:
                used[owner] |= {column.removeprefix(self._tags[owner]) for column in _projected(node)}
        return used

    @property
    def types(self) -> list[Any]:
        """DuckDB's types of all columns of all inputs."""
        return [kind for name in self.inputs for kind in self._con.table(quote_identifier(name)).types]

    def failure(self) -> BaseException | None:
        """What the producer of an input raised, as it was raised."""
        return next((source.failure for source in self.inputs.values() if source.failure), None)

    def _scans(self, sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        plans = explain(self._con, sql, params, self.columns)
        return [node for plan in plans for node in _scan_nodes(plan)]

    def _owner(self, node: dict[str, Any]) -> str | None:
        first = _projected(node)[0]
        return next((name for name, tag in self._tags.items() if first.startswith(tag)), None)

    def _load(self, name: str) -> None:
        table = quote_identifier(name)
        self._con.execute(f"DROP VIEW {table}")
        self._con.execute(f"CREATE TEMP TABLE {table} AS {self._restored(name)}")

    def _stream_name(self, name: str) -> str:
        return f"_osiris_stream_{self._tags[name].rstrip('.')}"

    def _restored(self, name: str) -> str:
        tag = self._tags[name]
        columns = (f"{quote_identifier(tag + c)} AS {quote_identifier(c)}" for c in self.inputs[name].columns)
        return f"SELECT {', '.join(columns)} FROM {quote_identifier(self._stream_name(name))}"


def _projected(node: dict[str, Any]) -> list[str]:
    projected = node["extra_info"].get("Projections", "")
    return [projected] if isinstance(projected, str) else list(projected)


def _scan_nodes(plan: list[dict[str, Any]], repeated: int = 1) -> Iterator[dict[str, Any]]:
    """Each scan of a stream; one below a recursive CTE counts twice, as it runs once per round."""
    for node in plan:
        if node["name"] == "PYTHON_ARROW_SCAN":
            yield from [node] * repeated
        yield from _scan_nodes(node["children"], 2 if node["name"] in _REPEATING else repeated)


def result_stream(
    con: duckdb.DuckDBPyConnection,
    tables: InputTables,
    sql: str,
    params: Mapping[str, Any],
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[pa.RecordBatchReader, tuple[str, ...]]:
    """The result of the SELECT over the inputs, streamed, and the names of inputs that it does not read."""

    def wrong(exc: BaseException) -> BaseException:
        return tables.failure() or explain_error(exc, sql, tables.columns, cancelled=cancelled())

    try:
        unused = tables.prepare(sql, params)
        relation = con.sql(sql, params=dict(params)) if params else con.sql(sql)
    except EngineFailure as exc:
        raise wrong(exc) from exc
    return exact_stream(relation, wrong=wrong), unused
