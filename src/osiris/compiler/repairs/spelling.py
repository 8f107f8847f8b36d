"""What counts as a slip of the pen: near enough to be nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORDS = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d+")
_MOST_SLIPS = 2


def slip_of(name: str, choices: Iterable[str]) -> str | None:
    """The one choice that `name` is a slip of, or None where there is none or more than one.

    A slip is another case, another separator, or letters: one too many, one too few, another one, or two
    swapped. Words are compared one by one. A word of up to three letters has no slips, one of up to seven has
    one, a longer one has two; a name has two at most. Digits never slip.
    """
    found = [choice for choice in dict.fromkeys(choices) if choice != name and _is_slip(name, choice)]
    return found[0] if len(found) == 1 else None


def _is_slip(name: str, choice: str) -> bool:
    if _DIGITS.findall(name) != _DIGITS.findall(choice):
        return False
    words, others = _WORDS.findall(name.casefold()), _WORDS.findall(choice.casefold())
    if "".join(words) == "".join(others):
        return True
    if len(words) != len(others) or abs(len(name) - len(choice)) > _MOST_SLIPS:
        return False
    slips = [_slips(word, other) for word, other in zip(words, others, strict=True)]
    return sum(slips) <= _MOST_SLIPS and all(
        count <= _allowed(word, other) for count, word, other in zip(slips, words, others, strict=True)
    )


def _allowed(word: str, other: str) -> int:
    return min(max(len(word), len(other)) // 4, _MOST_SLIPS)


def _slips(word: str, other: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment)."""
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == wanted:
                best = min(best, before_last[j - 2] + 1)
            row.append(best)
        before_last, last = last, row
    return last[-1]
