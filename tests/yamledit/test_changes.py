"""A change touches the characters that it is about; everything else stays byte for byte."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from osiris.yamledit import added, changed, patched, removed, renamed, replaced
from osiris.yamlsource import parse_yaml

RENAMES = {
    "in a block": ("ab: 1  # c\nb: 2\n", "x: 1  # c\nb: 2\n"),
    "in braces": ("{ab: 1, b: 2}", "{x: 1, b: 2}"),
    "in quotes": ("\"ab\" : 1\n'b': 2\n", "\"x\" : 1\n'b': 2\n"),
    "in other quotes": ("'ab': 1\n", "'x': 1\n"),
    "before nothing": ("ab:\n", "x:\n"),
    "before a block": ("ab:\n  - 1\n  # c\n  - 2\n", "x:\n  - 1\n  # c\n  - 2\n"),
    "with a question mark": ("? ab\n: 1\n", "? x\n: 1\n"),
    "with Windows line ends": ("b: 2\r\nab: 1\r\n", "b: 2\r\nx: 1\r\n"),
    "after wide characters": ("{é😀: 2, ab: 1}", "{é😀: 2, x: 1}"),
    "without a line end": ("b: 2\nab: 1", "b: 2\nx: 1"),
    "after a document's start": ("%YAML 1.1\n---\nab: 1\n...\n", "%YAML 1.1\n---\nx: 1\n...\n"),
}


@pytest.mark.parametrize(("text", "wanted"), RENAMES.values(), ids=RENAMES)
def test_a_key_is_renamed(text: str, wanted: str) -> None:
    assert changed(text, [[renamed(("ab",), "x")]]).text == wanted


def test_a_new_key_is_quoted_where_it_must_be() -> None:
    assert changed("ab: 1\n", [[renamed(("ab",), "no")]]).text == '"no": 1\n'


REPLACEMENTS = {
    "a plain text": ("a: one # c\n", "two", "a: two # c\n"),
    "a plain text that needs quotes": ("a: one\n", "${b.df}", 'a: "${b.df}"\n'),
    "a text in single quotes": ("a: 'one' # it's\n", "it's", "a: 'it''s' # it's\n"),
    "a text in double quotes": ('a: "one"\n', "two", 'a: "two"\n'),
    "a word of a plain text": ("a: x/${b}.csv, y\n", "x/${c}.csv, y", "a: x/${c}.csv, y\n"),
    "a word of a plain text in braces": ("{a: x b}\n", "x b,c", '{a: "x b,c"}\n'),
    "a word with a special sign": ('a: "one two"\n', "one\x1btwo", 'a: "one\\u001btwo"\n'),
    "text by a number": ("a: '05'\n", 5, "a: 5\n"),
    "text by the same number": ('a: "1.50"\n', 1.5, "a: 1.50\n"),
    "a number by text": ("a: 0.1\n", "0.1.0", 'a: "0.1.0"\n'),
    "text by a boolean": ("a: yes\n", True, "a: true\n"),
    "text by a list of it": ("a: 'id'\n", ["id"], "a: ['id']\n"),
    "plain text by a list of it": ("a: my id\n", ["my id"], "a: [my id]\n"),
    "text that would be cut in a list": ("a: x, y\n", ["x, y"], 'a: ["x, y"]\n'),
    "text by a mapping": ('a: "${b.df}"\n', {"df": "${b.df}"}, 'a: {df: "${b.df}"}\n'),
    "text by a mapping in JSON": ('{"a": "x"}', {"b": "x"}, '{"a": {"b": "x"}}'),
    "nothing": ("a:   # c\nb: 1\n", "two", "a: two   # c\nb: 1\n"),
    "nothing in braces": ("{a: , b: 1}", [1], "{a: [1] , b: 1}"),
    "nothing without a colon": ("{a, b: 1}", 2, "{a: 2, b: 1}"),
    "a null": ("a: ~\n", {"b": 1}, "a: {b: 1}\n"),
    "a list in brackets": ("a: [1, 2] # c\n", [3], "a: [3] # c\n"),
    "a block": ("a:\n  - 1\n  - 2\nb: 1\n", [3], "a: [3]\nb: 1\n"),
    "a word of a block text": (
        "a: |\n  SELECT 1\n    FROM x\n\nb: 1\n",
        "SELECT 1\n  FROM y\n",
        "a: |\n  SELECT 1\n    FROM y\n\nb: 1\n",
    ),
    "a word of a folded text": ("a: >-\n  one\n  two\n", "one three", "a: >-\n  one\n  three\n"),
    "a word of a text in several lines": ('a: "one\n  two"\n', "one three", 'a: "one\n  three"\n'),
}


@pytest.mark.parametrize(("text", "value", "wanted"), REPLACEMENTS.values(), ids=REPLACEMENTS)
def test_a_value_is_replaced(text: str, value: Any, wanted: str) -> None:
    assert changed(text, [[replaced(("a",), value)]]).text == wanted


ADDITIONS = {
    "at the end": ("a: 1 # c\n# end\n", "a: 1 # c\nx: 1\n# end\n"),
    "without a line end": ("a: 1", "a: 1\nx: 1"),
    "with Windows line ends": ("a: 1\r\n", "a: 1\r\nx: 1\r\n"),
    "after a block": ("a:\n  - b: 1\n    # c\n\n", "a:\n  - b: 1\nx: 1\n    # c\n\n"),
    "after a block without indentation": ("a:\n- 1\n- 2 # c\n", "a:\n- 1\n- 2 # c\nx: 1\n"),
    "after a block text": ("a: |\n  one\n\n\n", "a: |\n  one\nx: 1\n\n\n"),
    "after a block text that keeps its end": ("a: |+\n  one\n\n", "a: |+\n  one\n\nx: 1\n"),
    "after nothing": ("a: # c\n", "a: # c\nx: 1\n"),
    "in braces": ("{a: 1, b: [2]} # c\n", "{a: 1, b: [2], x: 1} # c\n"),
    "in JSON": ('{"a": 1}', '{"a": 1, "x": 1}'),
    "in empty braces": ("{ }\n", "{x: 1}\n"),
    "in braces with a comma at the end": ("{a: 1,}", "{a: 1, x: 1,}"),
    "in lines within braces": ("{\n  a: 1 # c\n}\n", "{\n  a: 1, # c\n  x: 1\n}\n"),
    "in lines within braces that end with a comma": ("{\n  a: 1, # c\n}\n", "{\n  a: 1, # c\n  x: 1,\n}\n"),
    "in lines within braces without a comment": ("{\n  a: 1\n}\n", "{\n  a: 1,\n  x: 1\n}\n"),
}


@pytest.mark.parametrize(("text", "wanted"), ADDITIONS.values(), ids=ADDITIONS)
def test_a_key_is_added(text: str, wanted: str) -> None:
    assert changed(text, [[added(("x",), 1)]]).text == wanted


def test_a_key_is_added_where_the_order_says() -> None:
    order = ("x", "a", "z", "b")
    text = "# head\na: 1\nc: 3\nb: 2\n"
    assert changed(text, [[added(("x",), 0)]], order).text == "# head\nx: 0\na: 1\nc: 3\nb: 2\n"
    assert changed(text, [[added(("z",), 0)]], order).text == "# head\na: 1\nz: 0\nc: 3\nb: 2\n"
    assert changed("{a: 1, b: 2}", [[added(("z",), 0)]], order).text == "{a: 1, z: 0, b: 2}"
    assert changed("{a: 1, b: 2}", [[added(("x",), 0)]], order).text == "{x: 0, a: 1, b: 2}"


def test_a_key_that_comes_first_in_an_item_takes_the_dash() -> None:
    change = [added(("s", 0, "x"), 0)]
    assert (
        changed("s:\n  - a: 1\n    b: 2\n", [change], ("x", "a")).text == "s:\n  - x: 0\n    a: 1\n    b: 2\n"
    )


def test_a_mapping_that_would_make_a_long_line_becomes_a_block() -> None:
    schema = {f"column_{number}": "VARCHAR" for number in range(6)}
    lines = "".join(f"    column_{number}: VARCHAR\n" for number in range(6))
    assert changed("c:\n  a: 1\n", [[added(("c", "s"), schema)]]).text == f"c:\n  a: 1\n  s:\n{lines}"


REMOVALS = {
    "a line": ("a: 1\n# c\nx: 2 # d\nb: 3\n", ("x",), "a: 1\n# c\nb: 3\n"),
    "the last line": ("a: 1\nx: 2", ("x",), "a: 1"),
    "the last line with a line end": ("a: 1\r\nx: 2\r\n", ("x",), "a: 1\r\n"),
    "a block": ("x:\n  - 1\n  - 2\n# c\nb: 3\n", ("x",), "# c\nb: 3\n"),
    "a block text that keeps its end": ("x: |+\n  one\n\nb: 3\n", ("x",), "b: 3\n"),
    "the first of an item": ("- x: 1\n  b: 3\n", (0, "x"), "- b: 3\n"),
    "an item": ("a:\n  - 1\n  - 2 # c\n  - 3\n", ("a", 1), "a:\n  - 1\n  - 3\n"),
    "in braces": ("{a: 1, x: 2, b: 3}", ("x",), "{a: 1, b: 3}"),
    "the last in braces": ("{a: 1, x: 2 }", ("x",), "{a: 1 }"),
    "an item in brackets": ("a: [x, y]\n", ("a", 0), "a: [y]\n"),
}


@pytest.mark.parametrize(("text", "path", "wanted"), REMOVALS.values(), ids=REMOVALS)
def test_an_entry_is_removed(text: str, path: tuple[str | int, ...], wanted: str) -> None:
    assert changed(text, [[removed(path)]]).text == wanted


REFUSALS = {
    "a key that is there already": ("a: 1\nb: 2\n", renamed(("a",), "b")),
    "a key that is to be added and is there": ("a: 1\n", added(("a",), 2)),
    "a key that stands twice": ("a: 1\na: 2\n", replaced(("a",), 3)),
    "a key that is not there": ("a: 1\n", replaced(("b",), 3)),
    "a comment in a block": ("a:\n  - 1\n  # c\n  - 2\n", replaced(("a",), [3])),
    "a comment in braces": ("{a: 1, # c\n b: 2}\n", removed(("a",))),
    "a comment of the first of an item": ("- a: 1 # c\n  b: 2\n", removed((0, "a"))),
    "the only key": ("a: 1\n", removed(("a",))),
    "a text in several lines": ("a: one\n  two\n", replaced(("a",), 5)),
    "a comment in empty braces": ("a: { # c\n }\n", added(("a", "b"), 1)),
    "a key of no mapping": ("a: 1\n", added(("a", "b"), 1)),
    "an empty item": ("a:\n  -\n  - 1\n", replaced(("a", 0), 1)),
    "a block in a list": ("- a: 1\n", replaced((0,), 1)),
    "an item among others in a line": ("- - a\n  - b\n", removed((0, 0))),
    "a value with a tag": ("a: !!str 1\n", replaced(("a",), "x")),
    "a key with a tag": ("!!str a: 1\n", renamed(("a",), "x")),
    "a text that its new end would change": ("a: |\n  one", added(("x",), 1)),
}


@pytest.mark.parametrize(("text", "operation"), REFUSALS.values(), ids=REFUSALS)
def test_what_would_touch_more_is_refused(text: str, operation: dict[str, Any]) -> None:
    outcome = changed(text, [[operation]])
    assert (outcome.text, outcome.made, list(outcome.refused)) == (text, [], [0])
    assert outcome.refused[0]


def test_changes_that_touch_each_other_wait_for_the_next_time() -> None:
    changes = [[replaced(("a",), 1)], [replaced(("a",), 2)], [renamed(("b",), "x")]]
    outcome = changed("a: 0\nb: 0\n", changes)
    assert (outcome.text, outcome.made, outcome.refused) == ("a: 1\nx: 0\n", [0, 2], {})


def test_a_change_that_cannot_be_made_does_not_stop_the_others() -> None:
    changes = [[added(("x",), 1)], [replaced(("a",), 5)]]
    outcome = changed("a: 1\nb: |\n  one", changes)
    assert (outcome.text, outcome.made, list(outcome.refused)) == ("a: 5\nb: |\n  one", [1], [0])


def test_a_change_below_a_key_that_is_renamed_is_not_lost() -> None:
    outcome = changed("a: {b: 1}\n", [[renamed(("a",), "x")], [replaced(("a", "b"), 2)]])
    assert (outcome.text, outcome.made) == ("x: {b: 2}\n", [0, 1])


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("'\"#:,[]{} "), max_size=8
)
SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(WORDS, VALUES, min_size=1, max_size=4)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A mapping in one of the layouts that people use."""
    options = {
        "default_flow_style": draw(st.sampled_from([None, False, True])),
        "indent": draw(st.integers(2, 4)),
        "width": draw(st.sampled_from([20, 1000])),
        "default_style": draw(st.sampled_from([None, "'", '"'])),
        "line_break": draw(st.sampled_from(["\n", "\r\n"])),
    }
    text = yaml.safe_dump(draw(DOCUMENTS), allow_unicode=True, **options)
    return text if draw(st.booleans()) else text.rstrip("\r\n")


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    return [each for key, item in pairs for each in [(*path, key), *paths(item, (*path, key))]]


@given(texts(), st.data())
def test_what_is_made_means_what_the_operation_says(text: str, data: st.DataObject) -> None:
    before = parse_yaml(text)
    path = data.draw(st.sampled_from(paths(before.value) or [("a",)]))
    kinds = [replaced(path, data.draw(VALUES)), removed(path)]
    if isinstance(path[-1], str):
        kinds += [renamed(path, data.draw(WORDS)), added((*path[:-1], data.draw(WORDS)), data.draw(VALUES))]
    operation = data.draw(st.sampled_from(kinds))
    outcome = changed(text, [[operation]])
    if outcome.made:
        after = parse_yaml(outcome.text)
        assert after.value == patched(before.value, [operation])
    else:
        assert outcome.text == text
        assert outcome.refused[0]


@given(texts(), st.data())
def test_a_plain_change_leaves_all_other_lines_alone(text: str, data: st.DataObject) -> None:
    value = parse_yaml(text).value
    path = data.draw(st.sampled_from(paths(value) or [("a",)]))
    outcome = changed(text, [[replaced(path, "another")]])
    if outcome.made and not isinstance(_at(value, path), (dict, list)):
        before, after = text.split("\n"), outcome.text.split("\n")
        assert len(before) == len(after)
        assert sum(one != other for one, other in zip(before, after, strict=True)) <= 1


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for token in path:
        value = value[token]
    return value
