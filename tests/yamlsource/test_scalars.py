"""Plain scalars follow the core schema of YAML 1.2.2, section 10.3.2."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.yamlsource import parse_yaml

PLAIN = [
    ("no", "no"),
    ("yes", "yes"),
    ("on", "on"),
    ("y", "y"),
    ("true", True),
    ("False", False),
    ("TRUE", True),
    ("tRUE", "tRUE"),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("", None),
    ("010", 10),
    ("+12", 12),
    ("-0", 0),
    ("0o17", 15),
    ("0x1F", 31),
    ("-0x1F", "-0x1F"),
    ("0b11", "0b11"),
    ("1_000", "1_000"),
    ("1,000", "1,000"),
    ("1e3", 1000.0),
    (".5", 0.5),
    ("1.", 1.0),
    ("-1.5E-3", -0.0015),
    ("1.2.3", "1.2.3"),
    ("12:30:45", "12:30:45"),
    ("190:20:30", "190:20:30"),
    ("2024-01-31", "2024-01-31"),
    ("2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
    ("NaN", "NaN"),
    ("=", "="),
]


@pytest.mark.parametrize(("text", "value"), PLAIN)
def test_a_plain_scalar_is_what_the_core_schema_says(text: str, value: Any) -> None:
    read = parse_yaml(f"key: {text}\n").value["key"]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("text", ["no", "010", "1e3", "~", "true", ".inf", "0x1F", "<<"])
@pytest.mark.parametrize("form", ["'{0}'", '"{0}"', "|-\n  {0}", ">-\n  {0}"])
def test_a_quoted_or_block_scalar_is_text(text: str, form: str) -> None:
    assert parse_yaml(f"key: {form.format(text)}\n").value == {"key": text}


@pytest.mark.parametrize("text", [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e999", "-1e999"])
def test_a_number_that_is_not_finite_is_refused(text: str) -> None:
    source = parse_yaml(f"key: {text}\n")
    assert [finding.code for finding in source.findings] == ["OML008"]


@pytest.mark.parametrize(("digits", "codes"), [(40, []), (41, ["OML008"]), (5000, ["OML008"])])
def test_a_number_may_have_forty_digits(digits: int, codes: list[str]) -> None:
    source = parse_yaml(f"key: {'9' * digits}\n")
    assert [finding.code for finding in source.findings] == codes
    assert source.value["key"] == (None if codes else int("9" * digits))


@pytest.mark.parametrize("key", ["1", "true", "~", "1.5", "2024-01-31"])
def test_a_key_is_text(key: str) -> None:
    assert parse_yaml(f"{key}: x\n").value == {key: "x"}


# JSON writes characters beyond the basic plane as two escapes, which are no characters in YAML.
_TEXT = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=20)
_NUMBERS = st.integers(1 - 10**39, 10**39 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_TEXT, inner, max_size=5),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_json_is_read_as_it_is_meant(value: Any) -> None:
    source = parse_yaml(json.dumps(value))
    assert source.findings == []
    assert source.value == value
