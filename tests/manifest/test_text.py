"""Canonical YAML is one text for equal values and reads back to exactly the same value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from osiris.manifest.text import canonical_yaml
from osiris.yamlsource import parse_yaml

_TEXT = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\t \"'#:-|>%@`~\u2028\ufeff"), max_size=30
)
_NUMBERS = st.integers(1 - 10**39, 10**39 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=15,
)
MAPPINGS = st.dictionaries(_TEXT, _VALUES, max_size=6)


@given(MAPPINGS)
@example({"": "", " ": " ", "\n": "\n", "a: b": "- c", "null": None, "yes": "no", "~": "~"})
@example({"long": ["k" * 2000, {"k" * 2000: {"k" * 2000: 1}}], "k" * 1025: [[]]})
@example(
    {"sql": "SELECT 1\n  FROM t\n", "tail": "a\n\n", "head": "\na\n", "spaces": "a \nb", "tab": "\ta\nb"}
)
@example({"lines": "a\r\nb", "more": "a\n---\nb", "hash": "# a\n# b", "nel": "a\x85b\nc"})
def test_what_is_written_is_read_back_equal(value: dict[str, Any]) -> None:
    source = parse_yaml(canonical_yaml(value))
    assert source.findings == []
    assert source.value == value


@given(MAPPINGS)
def test_the_order_of_keys_does_not_show(value: dict[str, Any]) -> None:
    assert canonical_yaml(dict(reversed(value.items()))) == canonical_yaml(value)


@given(MAPPINGS)
def test_a_line_ends_only_with_a_newline(value: dict[str, Any]) -> None:
    text = canonical_yaml(value)
    assert text.splitlines() == text.removesuffix("\n").split("\n")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_yaml({"a": value})


def test_it_reads_well() -> None:
    config = {"query": "SELECT a\n  FROM df\n", "rows": [1, {"b": None, "a": "x"}], "empty": {}, "no": "no"}
    assert canonical_yaml(config) == (
        'empty: {}\n"no": "no"\nquery: |\n  SELECT a\n    FROM df\nrows:\n  - 1\n  - a: "x"\n    b: null\n'
    )
