"""From text to the typed model: each problem has a code, a place and, where known, what was meant."""

from __future__ import annotations

from typing import Any

import pytest

from osiris.findings import Finding
from osiris.oml import UNKNOWN_COMPONENT, parse_pipeline

HEAD = 'oml_version: "0.1.0"\nname: x\n'
STEP = "  - id: a\n    component: duckdb.processor\n"
VALID = f"{HEAD}steps:\n{STEP}"

Place = tuple[int, int]


def findings(text: str) -> list[Finding]:
    return parse_pipeline(text, shown_as="p.yaml").findings


def place(finding: Finding) -> Place | None:
    return (finding.mark.line, finding.mark.column) if finding.mark else None


def test_a_small_pipeline_is_read() -> None:
    parsed = parse_pipeline(VALID)
    assert parsed.findings == []
    assert parsed.pipeline is not None
    assert (parsed.pipeline.steps[0].id, parsed.pipeline.steps[0].retry.max_attempts) == ("a", 3)


MISSING = {
    "oml_version": (f"name: x\nsteps:\n{STEP}", (1, 1)),
    "name": (f'oml_version: "0.1.0"\nsteps:\n{STEP}', (1, 1)),
    "steps": (HEAD, (1, 1)),
    "id": (f"{HEAD}steps:\n  - component: duckdb.processor\n", (4, 5)),
    "component": (f"{HEAD}steps:\n  - id: a\n", (4, 5)),
}


@pytest.mark.parametrize(("key", "text", "at"), [(key, *case) for key, case in MISSING.items()])
def test_a_missing_key_is_named_where_it_should_be(key: str, text: str, at: Place) -> None:
    (finding,) = findings(text)
    assert (finding.code, place(finding)) == ("OML010", at)
    assert repr(key) in finding.message


@pytest.mark.parametrize("text", ["", "# only a comment\n", "~\n"])
def test_an_empty_file_is_no_pipeline(text: str) -> None:
    (finding,) = findings(text)
    assert (finding.code, finding.message) == ("OML010", "The file is empty.")


UNKNOWN = {
    "setps": (f"{HEAD}steps:\n{STEP}setps: []\n", (6, 1), "steps"),
    "Name": (f"{VALID}Name: y\n", (6, 1), "name"),
    "componnet": (f"{VALID}    componnet: x\n", (6, 5), "component"),
    "max_atempts": (f"{VALID}    retry: {{max_atempts: 2}}\n", (6, 13), "max_attempts"),
    "tpye": (f"{HEAD}params:\n  p: {{tpye: date}}\nsteps:\n{STEP}", (4, 7), "type"),
}


@pytest.mark.parametrize(("key", "text", "at", "meant"), [(key, *case) for key, case in UNKNOWN.items()])
def test_an_unknown_key_comes_with_the_nearest_known_one(key: str, text: str, at: Place, meant: str) -> None:
    (finding,) = findings(text)
    assert (finding.code, place(finding), finding.candidates[0]) == ("OML011", at, meant)
    assert finding.message.endswith(f"has no key {key!r}; did you mean {meant!r}?")


HABITS = {
    "depends_on": "needs",
    "with": "config",
    "uses": "component",
    "type": "component",
    "timeout": "timeout_seconds",
    "retries": "retry",
    "options": "config",
}


@pytest.mark.parametrize(("habit", "meant"), HABITS.items())
def test_a_habit_of_another_language_is_understood(habit: str, meant: str) -> None:
    (finding,) = findings(f"{VALID}    {habit}: x\n")
    assert (finding.code, finding.candidates[0]) == ("OML011", meant)


@pytest.mark.parametrize(
    ("habit", "meant"), [("tasks", "steps"), ("pipeline", "name"), ("version", "oml_version")]
)
def test_a_key_that_another_name_stands_for_is_to_be_renamed(habit: str, meant: str) -> None:
    text = VALID.replace(f"{meant}:", f"{habit}:")
    missing = next(finding for finding in findings(text) if finding.code == "OML010")
    assert missing.hint == f"Rename {habit!r} to {meant!r}."


WRONG: dict[str, tuple[str, Place]] = {
    "name: 5": ("name must be text, not 5.", (2, 7)),
    "name: ''": ("name must consist of", (2, 7)),
    "name: ../x": ("name must consist of", (2, 7)),
    "name: \U0001f600": ("name must consist of", (2, 7)),
    f"name: {'x' * 10_000}": ("name must consist of", (2, 7)),
    "name: x\ndescription: [a]": ("description must be text, not a list.", (3, 14)),
    "name: x\nparams: [p]": ("params must be a mapping, not a list.", (3, 9)),
    "name: x\nparams: {1p: {}}": ("params.1p must consist of", (3, 10)),
    "name: x\nparams: {p: {type: int}}": ("params.p.type must be one of string, integer", (3, 20)),
    "name: x\nparams: {p: {enum: []}}": ("params.p.enum: list should have at least 1 item", (3, 20)),
}


@pytest.mark.parametrize(
    ("head", "message", "at"), [(head, *case) for head, case in WRONG.items()], ids=range(len(WRONG))
)
def test_a_value_of_the_wrong_form_is_explained(head: str, message: str, at: Place) -> None:
    (finding,) = findings(f'oml_version: "0.1.0"\n{head}\nsteps:\n{STEP}')
    assert (finding.code, place(finding)) == ("OML012", at)
    assert finding.message.startswith(message)
    assert len(finding.message) < 250


WRONG_IN_STEP: dict[str, tuple[str, Place]] = {
    "mode: wirte": (
        "The step 'a': mode must be one of extract, read, transform, write, not 'wirte'.",
        (6, 11),
    ),
    "mode: true": ("The step 'a': mode must be one of extract, read, transform, write, not true.", (6, 11)),
    "config: [a]": ("The step 'a': config must be a mapping, not a list.", (6, 13)),
    "inputs: {df: 5}": ("The step 'a': inputs.df must be text, not 5.", (6, 18)),
    "inputs: {a-b: x}": ("The step 'a': inputs.a-b must consist of letters, digits and '_', not", (6, 14)),
    "needs: b": ("The step 'a': needs must be a list, not 'b'.", (6, 12)),
    "needs: [1]": ("The step 'a': needs[0] must be text, not 1.", (6, 13)),
    "retry: 3": ("The step 'a': retry must be a mapping, not 3.", (6, 12)),
    "retry: {max_attempts: 0}": ("The step 'a': retry.max_attempts: input should be greater", (6, 27)),
    "retry: {max_attempts: 1.5}": (
        "The step 'a': retry.max_attempts must be a whole number, not 1.5.",
        (6, 27),
    ),
    "timeout_seconds: 0": ("The step 'a': timeout_seconds: input should be greater than 0", (6, 22)),
    "timeout_seconds: 1h": ("The step 'a': timeout_seconds must be a number, not '1h'.", (6, 22)),
}


@pytest.mark.parametrize(("line", "message", "at"), [(line, *case) for line, case in WRONG_IN_STEP.items()])
def test_a_wrong_value_in_a_step_is_explained(line: str, message: str, at: Place) -> None:
    (finding,) = findings(f"{VALID}    {line}\n")
    assert (finding.code, place(finding)) == ("OML012", at)
    assert finding.message.startswith(message)


def test_a_wrong_word_comes_with_the_nearest_choice() -> None:
    (finding,) = findings(f"{VALID}    mode: transfrom\n")
    assert finding.candidates == ("transform",)


@pytest.mark.parametrize("version", ["0.1.0", '"0.2.0"', "0.1", "[1]", "{a: 1}"])
def test_another_version_of_the_language_is_refused(version: str) -> None:
    found = findings(VALID.replace('"0.1.0"', version))
    if version == "0.1.0":
        assert found == []
    else:
        assert [(f.code, place(f), f.candidates) for f in found] == [("OML013", (1, 14), ("0.1.0",))]


@pytest.mark.parametrize("text", ["[]", "5", "just text", "true"])
def test_what_is_no_mapping_is_no_pipeline(text: str) -> None:
    (finding,) = findings(text)
    assert finding.code == "OML012"
    assert finding.message.startswith("The pipeline must be a mapping")


def test_more_than_a_thousand_steps_are_refused() -> None:
    steps = "".join(f"  - {{id: s{index}, component: duckdb.processor}}\n" for index in range(1001))
    (finding,) = findings(f"{HEAD}steps:\n{steps}")
    assert (finding.code, place(finding)) == ("OML012", (4, 3))


@pytest.mark.parametrize("key", ["password", "apiKey", "clientSecret"])
def test_a_wrong_value_under_a_secret_s_name_is_not_repeated(key: str) -> None:
    for text in (
        f"{VALID}{key}: hunter2\n",
        f"{VALID}    {key}: hunter2\n",
        f"{HEAD}params: {{{key}: hunter2}}\n",
    ):
        assert findings(text)
        assert "hunter2" not in repr([finding.to_dict() for finding in findings(text)])


def understood(text: str) -> Any:
    parsed = parse_pipeline(text)
    assert parsed.findings
    assert parsed.pipeline is not None
    return parsed.pipeline


@pytest.mark.parametrize(
    "broken",
    [
        "id: 5",
        "mode: x",
        "config: []",
        "inputs: {df: 5}",
        "needs: b",
        "retry: {max_attempts: x}",
        "nothing: 1",
    ],
)
def test_a_broken_part_of_a_step_does_not_hide_the_rest(broken: str) -> None:
    text = f"{HEAD}steps:\n  - component: duckdb.processor\n    description: kept\n    {broken}\n{STEP}"
    first, second = understood(text).steps
    assert (first.component, first.description, second.id) == ("duckdb.processor", "kept", "a")


def test_a_step_that_is_none_keeps_its_place() -> None:
    steps = understood(f"{HEAD}steps:\n  - nonsense\n{STEP}").steps
    assert [(step.id, step.component) for step in steps] == [
        ("step-1", UNKNOWN_COMPONENT),
        ("a", "duckdb.processor"),
    ]


@pytest.mark.parametrize(
    "broken", ["name: 5", "params: []", "description: []", "oml_version: 9", "nothing: 1"]
)
def test_a_broken_head_does_not_hide_the_steps(broken: str) -> None:
    head = {"oml_version": '"0.1.0"', "name": "x"} | dict([broken.split(": ")])
    lines = "".join(f"{key}: {value}\n" for key, value in head.items())
    assert [step.id for step in understood(f"{lines}steps:\n{STEP}").steps] == ["a"]


def test_a_parameter_with_a_broken_declaration_stays_known() -> None:
    params = understood(f"{HEAD}params: {{p: {{type: int}}, q: 5, 1r: {{}}, s: {{}}}}\nsteps:\n{STEP}").params
    assert sorted(params) == ["p", "q", "s"]
