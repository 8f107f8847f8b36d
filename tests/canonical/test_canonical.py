"""Canonical JSON: equal values, equal bytes; everything that JSON cannot say exactly is refused."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.canonical import canonical_json, fingerprint

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab\u00e9"), inner, max_size=4),
    max_leaves=15,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1.0, True, None]}, '{"a":[1.0,true,null],"b":1}'),
        ({"é": "\u2028/", "": '"\n'}, '{"":"\\"\\n","é":"\u2028/"}'),
        ((1, 2), "[1,2]"),
        (-0.0, "-0.0"),
        (10**40, "1" + "0" * 40),
    ],
)
def test_the_form_is_fixed(value: Any, text: str) -> None:
    assert canonical_json(value) == text.encode()


@given(VALUES)
def test_it_is_json_of_the_same_value(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text("abc"), VALUES))
def test_the_order_of_keys_does_not_show(value: dict[str, Any]) -> None:
    assert fingerprint(dict(reversed(value.items()))) == fingerprint(value)


@pytest.mark.parametrize("pair", [(1, 1.0), (1, True), (0, False), ("1", 1), (None, "null"), ([], {})])
def test_values_of_other_types_differ(pair: tuple[Any, Any]) -> None:
    assert fingerprint(pair[0]) != fingerprint(pair[1])


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("-inf"),
        {1: 2},
        {None: 1},
        {1},
        b"x",
        date(2024, 1, 1),
        Decimal(1),
        Path(),
        "\ud800",
    ],
)
def test_what_json_cannot_say_exactly_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical_json({"deep": [value]})


def test_a_fingerprint_names_its_algorithm() -> None:
    assert fingerprint({}) == "sha256:" + hashlib.sha256(b"{}").hexdigest()
