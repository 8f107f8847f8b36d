"""The engine: limits, streams, quoting, errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.connectors.duckdb.arrow_types import exact_stream
from osiris.connectors.duckdb.engine import (
    folded,
    map_engine_error,
    open_engine,
    quote_identifier,
    quote_literal,
)
from osiris.errors import Cancelled, ConnectionFailed, InternalError, OsirisError, PipelineError, RunError


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    con = open_engine("100MB", threads=2, temp_dir=tmp_path)
    yield con
    con.close()


SETTINGS = {
    "memory_limit": "95.3 MiB",
    "threads": 2,
    "TimeZone": "UTC",
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "preserve_insertion_order": True,
}


@pytest.mark.parametrize(("name", "value"), SETTINGS.items())
def test_settings_are_those_of_osiris(con: duckdb.DuckDBPyConnection, name: str, value: object) -> None:
    assert con.execute(f"SELECT current_setting('{name}')").fetchone() == (value,)


def test_two_engines_spill_into_folders_of_their_own(tmp_path: Path) -> None:
    engines = [open_engine(temp_dir=tmp_path) for _ in range(2)]
    folders = {engine.execute("SELECT current_setting('temp_directory')").fetchone() for engine in engines}
    assert len(folders) == 2
    assert list(tmp_path.iterdir()) == []


def test_names_are_compared_as_duckdb_does() -> None:
    assert folded("STRASSE") == "strasse" != folded("straße")
    assert folded("É") != folded("é")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_quoted_text_is_one_name_or_literal(text: str) -> None:
    relation = duckdb.sql(f"SELECT {quote_literal(text)} AS {quote_identifier(text)}")
    assert relation.columns == [text]
    assert relation.fetchall() == [(text,)]


@pytest.mark.parametrize("quote", [quote_identifier, quote_literal])
def test_nul_is_refused(quote: object) -> None:
    with pytest.raises(OsirisError):
        quote("a\0b")  # type: ignore[operator]


MAPPED = {
    "IO Error: Could not write file: No space left on device": (RunError, "RES001"),
    "Out of Memory Error: failed to offload (limit 'max_temp_directory_size')": (RunError, "RES001"),
    "Out of Memory Error: could not allocate block": (RunError, "RES002"),
    "IO Error: Cannot open file: Permission denied": (RunError, "RES003"),
    "IO Error: Could not read enough bytes from file": (ConnectionFailed, "CON024"),
    "Corrupt database file: computed checksum 1": (ConnectionFailed, "CON024"),
    "TransactionContext Error: launched in read-only mode": (PipelineError, "SQL007"),
    "TransactionContext Error: Cannot FORCE CHECKPOINT: x": (PipelineError, "SQL007"),
    "INTERRUPT Error: Interrupted!": (Cancelled, "RUN003"),
    "INTERNAL Error: assertion": (InternalError, "SQL012"),
    "nobody knows": (InternalError, "SQL012"),
}


@pytest.mark.parametrize(("text", "expected"), MAPPED.items())
def test_errors_are_told_by_their_kind(text: str, expected: tuple[type[OsirisError], str]) -> None:
    error = map_engine_error(OSError(text))
    assert (type(error), error.code) == expected


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    con = open_engine("30MB", threads=1, temp_dir=tmp_path)
    con.execute("SET max_temp_directory_size = '5MB'")
    with pytest.raises(RunError) as caught:
        exact_stream(con.sql("SELECT md5(i::VARCHAR) AS h FROM range(2000000) t(i) ORDER BY h")).read_all()
    assert caught.value.code == "RES001"
    con.close()


def test_whatever_comes_after_a_cancel_is_its_consequence() -> None:
    assert isinstance(map_engine_error(OSError("IO Error: anything"), cancelled=True), Cancelled)


@pytest.mark.parametrize("sql", ["SELECT 1 % 0", "SELECT " + "(" * 1500 + "1" + ")" * 1500])
def test_advice_to_change_settings_is_left_out(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(duckdb.Error) as caught:
        con.execute(sql).fetchall()
    error = map_engine_error(caught.value)
    assert "SET " not in error.message
    assert error.message.endswith(".")


def test_messages_name_files_without_their_folders() -> None:
    error = map_engine_error(OSError('IO Error: Cannot open file "/home/ann/w.duckdb": No such file'))
    assert '"w.duckdb"' in error.message
    assert "home" not in f"{error.message} {error.details}"
