"""Text that is malformed, huge or means harm: a finding with a place, and never an exception."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from osiris.findings import Mark
from osiris.yamlsource import Limits, parse_yaml, read_yaml

BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    f"{name}: &{name} [{','.join([f'*{of}'] * 9)}]\n".encode()
    for of, name in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED = {
    "an alias bomb": (BOMB, "OML003", (1, 4)),
    "an alias of itself": (b"&a [*a]", "OML003", (1, 1)),
    "an anchor": (b"x: 1\nk: &a 1\n", "OML003", (2, 4)),
    "an unknown alias": (b"k: *nobody\n", "OML003", (1, 4)),
    "a merge key": (b"k:\n  <<: {password: p}\n", "OML003", (2, 3)),
    "an object to construct": (b"k: !!python/object/apply:os.system [ls]\n", "OML004", (1, 4)),
    "an unknown tag": (b"k: !secret x\n", "OML004", (1, 4)),
    "a known tag": (b"k: !!str 5\n", "OML004", (1, 4)),
    "a tag on a key": (b"!!str k: 5\n", "OML004", (1, 1)),
    "three thousand brackets": (b"k: " + b"[" * 3000, "OML005", (1, 44)),
    "three thousand braces": (b"{a: " * 3000, "OML005", None),
    "fifty thousand keys": (b"".join(b"k%d: 1\n" % i for i in range(50_000)), "OML005", None),
    "a megabyte and a byte": (b"#" * 1_048_577, "OML005", None),
    "a second document": (b"a: 1\n---\nb: 2\n", "OML006", (2, 1)),
    "UTF-16": ("a: 1\n".encode("utf-16"), "OML007", (1, 1)),
    "UTF-16 without a mark": ("a: 1\n".encode("utf-16-le"), "OML007", (1, 2)),
    "Latin-1": ("x: 1\nname: Jos\u00e9\n".encode("latin-1"), "OML007", (2, 10)),
    "half a character": (b"a: \xe2\x82", "OML007", (1, 4)),
    "a surrogate in UTF-8": (b"a: \xed\xa0\x80\n", "OML007", (1, 4)),
    "a NUL": (b"a: 1\nb: \0\n", "OML007", (2, 4)),
    "a control character": (b"a: 1\nb: \x1b[31m\n", "OML001", (2, 4)),
    "a noncharacter": ("a: \ufffe\n".encode(), "OML001", (1, 4)),
    "the escape of a surrogate": (b'a: "\\ud800"\n', "OML001", (1, 7)),
    "a tab as indentation": (b"a:\n\t- b\n", "OML001", (2, 1)),
    "an open quote": (b"a: 'x\n", "OML001", (2, 1)),
    "an open bracket": (b"a: [1,\n b\n", "OML001", (3, 1)),
    "two colons": (b"a: b: c\n", "OML001", (1, 5)),
    "a dedent to nowhere": (b"a:\n  b: 1\n c: 2\n", "OML001", (3, 2)),
    "a mapping as a key": (b"? {a: b}\n: c\n", "OML001", (1, 3)),
    "another YAML": (b"%YAML 2.0\n---\na: 1\n", "OML001", (1, 1)),
}


@pytest.mark.parametrize(("content", "code", "place"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_a_place(content: bytes, code: str, place: tuple[int, int] | None) -> None:
    finding = parse_yaml(content, shown_as="p.yaml").findings[0]
    assert (finding.code, finding.file) == (code, "p.yaml")
    assert place is None or finding.mark == Mark(*place)
    assert "\n" not in finding.message


@pytest.mark.parametrize("key", ["mode", "1", "'mode'", "k" * 1000])
def test_a_key_that_stands_twice_names_both_lines(key: str) -> None:
    (finding,) = parse_yaml(f"{key}: append\nx: 1\n{key}: replace\n").findings
    assert (finding.code, finding.mark) == ("OML002", Mark(3, 1))
    assert "line 1" in finding.message
    assert len(finding.message) < 120


def test_a_tab_is_explained() -> None:
    (finding,) = parse_yaml("a:\n\t- b\n").findings
    assert finding.hint == "Indent with spaces; YAML does not allow tabs there."


def test_problems_that_do_not_stop_the_reading_are_all_reported() -> None:
    source = parse_yaml("a: !x 1\nb: .inf\nb: 1\n<<: 2\n")
    assert [finding.code for finding in source.findings] == ["OML004", "OML008", "OML002", "OML003"]
    assert source.value is not None


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n", "~", "\ufeff"])
def test_an_empty_document_is_no_problem_of_the_text(content: str) -> None:
    source = parse_yaml(content)
    assert (source.value, source.findings) == (None, [])


def test_a_text_with_a_lone_surrogate_is_refused() -> None:
    assert [finding.code for finding in parse_yaml("a: \ud800").findings] == ["OML007"]


@pytest.mark.parametrize(
    ("limits", "text"),
    [(Limits(depth=2), "a: {b: {c: {}}}"), (Limits(nodes=4), "[1, 2, 3, 4]"), (Limits(size_bytes=3), "a: 1")],
)
def test_each_limit_is_the_reader_s_choice(limits: Limits, text: str) -> None:
    assert parse_yaml(text).findings == []
    assert [finding.code for finding in parse_yaml(text, limits=limits).findings] == ["OML005"]


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(1 << 40)
    assert [finding.code for finding in read_yaml(huge, shown_as="huge.yaml").findings] == ["OML005"]


_YAMLISH = st.text(st.sampled_from(list("ab1:-?&*!|>'\"%@`{}[],#~<= \n\t\\")), max_size=60)


@given(st.binary(max_size=200) | _YAMLISH)
@example(b"\xef\xbb\xbf\xef\xbb\xbfa: 1")
@example("? \n")
@example("- - - ? -")
def test_nothing_but_findings_comes_of_any_text(content: bytes | str) -> None:
    source = parse_yaml(content)
    for finding in source.findings:
        assert finding.code.startswith("OML")
        assert finding.mark is None or min(finding.mark.line, finding.mark.column) >= 1
