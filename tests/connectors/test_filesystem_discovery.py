"""Discovery of a folder: files of one shape are one relation, work is bounded, and gaps are admitted."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from osiris.connectors.filesystem import file_groups
from osiris.connectors.filesystem.connection import FilesystemConnector
from osiris.core import Discovery, DiscoveryRequest, Relation
from osiris.errors import ConnectionFailed, PipelineError

Put = Callable[[str, str], None]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())

    return write


def discovered(base: Path, *names: str, limit: int = 100) -> Discovery:
    return FilesystemConnector({"base_dir": str(base)}).discover(DiscoveryRequest(names, limit))


def by_name(base: Path, *names: str) -> dict[str, Relation]:
    return {relation.name: relation for relation in discovered(base, *names).relations}


def test_files_of_one_shape_are_one_relation_by_the_pattern_that_reads_them(tmp_path: Path, put: Put) -> None:
    for month in range(1, 13):
        put(f"orders/2024-{month:02}.csv", "id,amount\n1,1.5\n2,2.25\n")
    (orders,) = discovered(tmp_path).relations
    assert (orders.name, orders.kind, orders.files, orders.bytes) == ("orders/*.csv", "csv", 12, 12 * 23)
    assert (orders.rows, orders.rows_exact, orders.rows_sampled, orders.comment) == (24, True, 24, None)
    identity, amount = orders.columns
    assert (identity.source_type, identity.comment) == ("BIGINT", None)
    assert (amount.source_type, amount.arrow_type) == ("DECIMAL(18,2)", "decimal128(18, 2)")
    assert "decimals" in (amount.comment or "")
    paths = FilesystemConnector({"base_dir": str(tmp_path)}).expand(orders.name)
    assert len(paths) == orders.files


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.csv": "x\n", "b.csv": "x\n"}, ["*.csv"]),
        ({"a.csv": "x,y\n", "b.csv": "y,x\n"}, ["*.csv"]),
        ({"a.csv": "x\n", "b.csv": "y\n"}, ["a.csv", "b.csv"]),
        ({"a.csv": "x\n", "b.csv.gz": "x\n"}, ["a.csv", "b.csv.gz"]),
        ({"a.csv": "x\n", "d/b.csv": "x\n"}, ["a.csv", "d/b.csv"]),
        ({"o-1.csv": "x\n", "o-2.csv": "x\n", "c.csv": "y\n"}, ["c.csv", "o-*.csv"]),
        ({"o-1.csv": "x\n", "o-2.csv": "x\n", "o-x.csv": "y\n"}, ["o-[0-9]*.csv", "o-x.csv"]),
        ({"o-1.csv": "x\n", "o-2.csv": "x\n", "o-3x.csv": "y\n"}, ["o-1.csv", "o-2.csv", "o-3x.csv"]),
        ({"o-1.csv": "x\n", "o-2.csv": "x\n", "o-3-4.csv": "y\n"}, ["o-1.csv", "o-2.csv", "o-3-4.csv"]),
        ({"o-1.csv": "x\n", "o-2.csv": "x\n", "o-3.csv": "x,x\n"}, ["o-1.csv", "o-2.csv", "o-3.csv"]),
        ({"[o] 1.csv": "x\n", "[o] 2.csv": "x\n", "c.csv": "y\n"}, ["[[]o] *.csv", "c.csv"]),
        ({"[d]/a.csv": "x\n", "[d]/b.csv": "x\n"}, ["[[]d]/*.csv"]),
        ({"A.CSV": "x\n", "B.CSV": "x\n"}, ["A.CSV", "B.CSV"]),
        ({"a.jsonl": '{"x":1}\n', "b.jsonl": '{"x":1,"y":2}\n'}, ["a.jsonl", "b.jsonl"]),
        ({"1.jsonl": '{"x":1}\n', "2.jsonl": '{"y":2}\n\n{"x":1}\n', "3.jsonl": ""}, ["*.jsonl"]),
        ({"1.jsonl": '{"x":1}\n', "2.jsonl": '{"y":2}\n'}, ["1.jsonl", "2.jsonl"]),
        ({"1.ndjson": '{"x":1}\n', "2.ndjson.gz": '{"x":2}\n', "3.jsonl": '{"x":2}\n'},
         ["1.ndjson", "2.ndjson.gz", "3.jsonl"]),
        ({"1.jsonl": '{"x":1}\n', "2.jsonl": "[1]\n"}, ["1.jsonl", "2.jsonl"]),
    ],
)  # fmt: skip
def test_what_is_grouped_and_what_is_not(
    tmp_path: Path, put: Put, files: dict[str, str], expected: list[str]
) -> None:
    for name, text in files.items():
        put(name, text)
    found = by_name(tmp_path)
    assert list(found) == expected
    assert sum(relation.files or 0 for relation in found.values()) == len(files)


def test_parquet_files_are_grouped_by_names_and_types(tmp_path: Path) -> None:
    for name, kind in {"a": pa.int32(), "b": pa.int32(), "c/a": pa.int32(), "c/b": pa.int64()}.items():
        path = tmp_path / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        parquet.write_table(pa.table({"v": pa.array([1, 2], kind)}), path)
    found = by_name(tmp_path)
    assert list(found) == ["*.parquet", "c/a.parquet", "c/b.parquet"]
    assert (found["*.parquet"].rows, found["*.parquet"].rows_exact) == (4, True)
    assert found["*.parquet"].rows_sampled is None


def test_types_come_from_all_files_of_a_group(tmp_path: Path, put: Put) -> None:
    put("1.csv", "v\n1\n")
    put("2.csv", "v\nx\n")
    put("d/1.jsonl", '{"v":1}\n')
    put("d/2.jsonl", '{"v":0.5,"w":true}\n')
    found = by_name(tmp_path)
    assert [column.source_type for column in found["*.csv"].columns] == ["VARCHAR"]
    assert [column.source_type for column in found["d/*.jsonl"].columns] == ["DOUBLE", "BOOLEAN"]


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, put: Put) -> None:
    put("a.csv", "x,x\n")
    put("b.jsonl", "{\n")
    put("c.parquet", "no parquet")
    (tmp_path / "d.csv").symlink_to("/etc/hosts")
    codes = {name: (relation.comment or "")[:6] for name, relation in by_name(tmp_path).items()}
    assert codes == {"a.csv": "DAT006", "b.jsonl": "DAT030", "c.parquet": "DAT015", "d.csv": "FIL002"}


def test_no_more_files_are_opened_than_needed_and_a_note_says_so(
    tmp_path: Path, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_groups, "MOST_OPENED", 3)
    for number in range(9):
        put(f"many/{number}.csv", "v\n1\n")
        put(f"mixed/{'ab'[number % 2]}{number}.csv", f"{'vw'[number % 2]}\n1\n")
        put(f"odd/{chr(97 + number)}.csv", f"c{number}\n")
    found = discovered(tmp_path)
    relations = {relation.name: relation for relation in found.relations}
    mixed = ["mixed/a*.csv", "mixed/b*.csv"]
    assert list(relations) == ["many/*.csv", *mixed, "odd/a.csv", "odd/b.csv", "odd/c.csv"]
    many = relations["many/*.csv"]
    assert (many.files, many.rows, many.rows_exact) == (9, None, False)
    assert "3 of 9 files" in (many.comment or "")
    assert found.truncated


@pytest.mark.parametrize(("limit", "truncated"), [(1, True), (2, True), (3, False), (4, False)])
def test_a_limit_cuts_the_list_and_says_so(tmp_path: Path, put: Put, limit: int, truncated: bool) -> None:
    for name in "abc":
        put(f"{name}.csv", f"{name}\n1\n")
    found = discovered(tmp_path, limit=limit)
    assert (len(found.relations), found.truncated) == (min(limit, 3), truncated)


def test_files_and_patterns_are_asked_for_by_name(tmp_path: Path, put: Put) -> None:
    for number in range(3):
        put(f"d/{number}.csv", "v\n1\n")
    found = by_name(tmp_path, "d/0.csv", "d/[12].csv", "d/9.csv", "x.txt")
    assert {name: relation.files for name, relation in found.items()} == {"d/0.csv": 1, "d/[12].csv": 2}
    with pytest.raises(PipelineError) as raised:
        discovered(tmp_path, "../x.csv")
    assert raised.value.code == "FIL001"


def test_hidden_files_and_those_of_the_project_are_no_data(tmp_path: Path, put: Put) -> None:
    put("osiris.yaml", "")
    for name in (".hidden.csv", ".git/a.csv", "logs/run/events.jsonl", "build/x.csv", "notes.json"):
        put(name, "v\n1\n")
    put("data/logs/a.csv", "v\n1\n")
    assert list(by_name(tmp_path)) == ["data/logs/a.csv"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailed) as raised:
        discovered(tmp_path / "gone")
    assert raised.value.code == "CON020"
