"""A slip of the pen is near to one thing and to nothing else."""

from __future__ import annotations

import pytest

from osiris.compiler.repairs.spelling import slip_of

SLIPS = {
    "swapped letters": ("tabel", "table"),
    "a letter missing": ("pth", "path"),
    "a letter too many": ("paath", "path"),
    "another letter": ("nams", "name"),
    "two slips in a long word": ("delimetr", "delimiter"),
    "another case": ("ID", "id"),
    "humps": ("writeMode", "write_mode"),
    "hyphens": ("write-mode", "write_mode"),
    "no separator": ("writemode", "write_mode"),
    "a slip in one of two words": ("wriet_mode", "write_mode"),
    "a slip in both words": ("wriet_moed", "write_mode"),
    "the same digits": ("ordesr_2024", "orders_2024"),
}

NONE = {
    "itself": ("table", "table"),
    "another word": ("tsv_extractor", "csv_extractor"),
    "another short word": ("ids", "id"),
    "two slips in a short word": ("tebel", "table"),
    "three slips in a long word": ("dlimetr", "delimiter"),
    "three slips in two words": ("wriet_mdoe_x", "write_mode_y"),
    "other digits": ("orders_2023", "orders_2024"),
    "digits cut elsewhere": ("orders_1_2", "orders_12"),
    "another number of words": ("csv_file_extractor", "csv_extractor"),
    "nothing": ("", "table"),
    "only signs": ("---", "table"),
}


@pytest.mark.parametrize(("name", "choice"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_seen_through(name: str, choice: str) -> None:
    assert slip_of(name, [choice, "something", "quite", "else"]) == choice


@pytest.mark.parametrize(("name", "choice"), NONE.values(), ids=NONE)
def test_what_may_be_meant_is_no_slip(name: str, choice: str) -> None:
    assert slip_of(name, [choice]) is None


def test_a_slip_of_two_things_is_a_slip_of_none() -> None:
    assert slip_of("ordere", ["order", "orders"]) is None
    assert slip_of("ordere", ["orders", "orders"]) == "orders"
