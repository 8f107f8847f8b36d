"""Functions and modules stay small. The limits may only be lowered."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "osiris"
MODULES = sorted(PACKAGE.rglob("*.py"))

FUNCTION_MEDIAN = 8
FUNCTION_P90 = 25
FUNCTION_LONGEST = 80
MODULE_P90 = 400

Function = ast.FunctionDef | ast.AsyncFunctionDef


def lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def lines_without_docstring(function: Function) -> int:
    docstring = lines(function.body[0]) if ast.get_docstring(function, clean=False) is not None else 0
    return lines(function) - docstring


def functions() -> Iterator[tuple[str, int]]:
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                place = f"{module.relative_to(PACKAGE)}:{node.lineno} {node.name}"
                yield place, lines_without_docstring(node)


@pytest.fixture(scope="module")
def function_lines() -> dict[str, int]:
    found = dict(functions())
    assert len(found) > 100, f"the package is not where this test looks: {PACKAGE}"
    return found


def p90(sizes: list[int]) -> float:
    return quantiles(sizes, n=10, method="inclusive")[-1]


def longest(sizes: dict[str, int], above: float) -> str:
    over = sorted(((size, place) for place, size in sizes.items() if size > above), reverse=True)
    return "\n".join(f"{size:5} {place}" for size, place in over[:20])


def test_a_usual_function_is_told_in_a_few_lines(function_lines: dict[str, int]) -> None:
    assert median(function_lines.values()) <= FUNCTION_MEDIAN


def test_nine_of_ten_functions_fit_half_a_screen(function_lines: dict[str, int]) -> None:
    assert p90(list(function_lines.values())) <= FUNCTION_P90, longest(function_lines, FUNCTION_P90)


def test_no_function_is_longer_than_a_screen(function_lines: dict[str, int]) -> None:
    assert not (over := longest(function_lines, FUNCTION_LONGEST)), over


def test_nine_of_ten_modules_are_one_idea() -> None:
    texts = {str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8") for path in MODULES}
    sizes = {place: text.count("\n") for place, text in texts.items()}
    assert p90(list(sizes.values())) <= MODULE_P90, longest(sizes, MODULE_P90)
