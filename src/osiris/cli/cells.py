"""Text measured in the cells of a terminal: a wide character takes two, a combining one takes none."""

from __future__ import annotations

ELLIPSIS = "…"


def width(text: str) -> int:
    """How many cells the text takes; it must hold no control characters."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # has the Unicode tables, which plain text does not need

    return cell_len(text)


def left(text: str, cells: int) -> str:
    """The text with spaces after it."""
    return text + " " * (cells - width(text))


def right(text: str, cells: int) -> str:
    """The text with spaces before it."""
    return " " * (cells - width(text)) + text


def cut(text: str, cells: int) -> str:
    """The text, or its beginning with an ellipsis, in at most so many cells."""
    if width(text) <= cells:
        return text
    if cells <= 0:
        return ""
    from rich.cells import set_cell_size

    return set_cell_size(text, cells - 1).rstrip() + ELLIPSIS
