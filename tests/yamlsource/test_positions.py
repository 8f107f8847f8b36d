"""Every value and key remembers where it stands; lines and columns count from 1."""

from __future__ import annotations

from osiris.findings import Mark
from osiris.yamlsource import parse_yaml

TEXT = """\
# a comment
name: x
steps:
  - id: a
    config: {path: "a.csv", rows: [1, 22]}
  - id: b
    config:
      query: |
        SELECT a
          FROM df
      folded: >-
        one two
      single: 'it''s'
      plain: some words
"""
SOURCE = parse_yaml(TEXT, shown_as="p.yaml")
QUERY = ("steps", 1, "config", "query")


def test_values_know_their_place() -> None:
    assert SOURCE.mark(("name",)) == Mark(2, 7)
    assert SOURCE.mark(("steps", 0)) == Mark(4, 5)
    assert SOURCE.mark(("steps", 0, "config", "rows", 1)) == Mark(5, 39)
    assert SOURCE.mark(QUERY) == Mark(8, 14)


def test_keys_know_their_place() -> None:
    assert SOURCE.mark(("steps", 0, "config", "rows"), key=True) == Mark(5, 29)
    assert SOURCE.mark(QUERY, key=True) == Mark(8, 7)


def test_what_is_not_there_is_placed_at_its_nearest_parent() -> None:
    assert SOURCE.mark(("steps", 1, "config", "nothing", 3)) == Mark(8, 7)
    assert SOURCE.mark(("nothing",), key=True) == Mark(2, 1)
    assert parse_yaml("").mark(("a",)) is None


def test_a_position_inside_a_block_is_one_in_the_file() -> None:
    assert SOURCE.inside(QUERY, 1, 8) == Mark(9, 16)
    assert SOURCE.inside(QUERY, 2, 3) == Mark(10, 11)
    assert SOURCE.inside(("steps", 1, "config", "folded"), 1, 1) == Mark(12, 9)


def test_a_position_inside_one_line_is_one_in_the_file() -> None:
    assert SOURCE.inside(("steps", 1, "config", "plain"), 1, 6) == Mark(14, 19)
    assert SOURCE.inside(("steps", 0, "config", "path"), 1, 3) == Mark(5, 23)


def test_no_position_inside_means_the_value_itself() -> None:
    assert SOURCE.inside(QUERY, 0, 0) == SOURCE.mark(QUERY)
    assert SOURCE.inside(("steps",), 1, 1) == SOURCE.mark(("steps",))


def test_a_block_with_an_empty_first_line_is_placed_by_its_indentation() -> None:
    source = parse_yaml("q: |\n\n  SELECT 1\n")
    assert source.value == {"q": "\nSELECT 1\n"}
    assert source.inside(("q",), 2, 1) == Mark(3, 3)


def test_a_block_with_an_indentation_of_its_own_is_placed_by_it() -> None:
    source = parse_yaml("q: |2\n    SELECT 1\n")
    assert source.value == {"q": "  SELECT 1\n"}
    assert source.inside(("q",), 1, 3) == Mark(2, 5)


def test_a_finding_holds_file_place_and_pointer() -> None:
    finding = SOURCE.finding("OML011", "Why.", ("steps", 1, "config", "a/b~c"))
    assert (finding.file, finding.mark) == ("p.yaml", Mark(8, 7))
    assert finding.pointer == "/steps/1/config/a~1b~0c"


def test_windows_line_ends_and_a_byte_order_mark_move_nothing() -> None:
    source = parse_yaml(b"\xef\xbb\xbfname: x\r\nsteps: y\r\n")
    assert source.value == {"name": "x", "steps": "y"}
    assert source.mark(("name",)) == Mark(1, 7)
    assert source.mark(("steps",)) == Mark(2, 8)


def test_wide_characters_count_as_one_column() -> None:
    assert parse_yaml("{é: 1, 😀: 2, x: 3}").mark(("x",)) == Mark(1, 17)
