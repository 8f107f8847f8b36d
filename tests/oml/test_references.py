"""References: an output on an edge, a parameter in a value."""

from __future__ import annotations

import pytest

from osiris.oml import OutputRef, parse_output_ref


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("${a.df}", OutputRef("a", "df")),
        (" ${ extract-users_2.df } ", OutputRef("extract-users_2", "df")),
        ("${a.df} and more", None),
        ("a.df", None),
        ("$a.df", None),
        ("${a}", None),
        ("${a.b.c}", None),
        ("${1a.df}", None),
        ("${a.df", None),
        ("{{ a.df }}", None),
        ("", None),
    ],
)
def test_an_edge_is_exactly_one_reference(text: str, ref: OutputRef | None) -> None:
    assert parse_output_ref(text) == ref
