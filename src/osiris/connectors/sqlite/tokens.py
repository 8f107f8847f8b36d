"""SQL in SQLite's tokens, as far as placeholders, quoted names and the ends of statements need it.

The rules are those of SQLite itself (https://sqlite.org/lang_expr.html, lang_keywords.html): a quote is
doubled inside its own kind, a comment may be left open at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from osiris.findings import Mark

_TOKEN = re.compile(
    r"""
    (?P<space>\s+ | --[^\n]* | /\*.*?(?:\*/|\Z))
  | (?P<text>[xX]?'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<name>`(?:[^`]|``)*` | \[[^\]]*\] | [^\W\d][\w$]*)
  | (?P<placeholder>:[^\W\d]\w*)
  | (?P<other_placeholder>\?\d* | [@\#$:][\w$]+)
  | (?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\w*)
  | (?P<sign>->>? | <[=>]? | >=? | == | != | << | >> | \|\| | .)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the SQL; `kind` is the name of the group above that matched."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the next piece begins."""
        return self.start + len(self.text)


def tokens(sql: str) -> Iterator[Token]:
    """The tokens of the SQL without spaces and comments."""
    for found in _TOKEN.finditer(sql):
        if found.lastgroup != "space":
            yield Token(found.lastgroup or "", found[0], found.start())


def strict_names(sql: str) -> str:
    """The SQL with `"name"` in backticks: SQLite takes the former for a text where it names nothing."""
    return _rewritten(sql, "quoted", lambda text: quoted_strictly(unquoted(text)))


def without_placeholders(sql: str) -> str:
    """The SQL with NULL for each placeholder, for where SQLite allows none."""
    return _rewritten(sql, "placeholder", lambda _: "NULL")


def unquoted(name: str) -> str:
    """The name that a token writes, in whichever quotes."""
    first = name[:1]
    if first == "[":
        return name[1:-1]
    return name[1:-1].replace(first * 2, first) if first in ('"', "`") else name


def quoted_strictly(name: str) -> str:
    """The name in the quotes that are never taken for those of a text."""
    return "`" + name.replace("`", "``") + "`"


def mark_at(sql: str, offset: int) -> Mark:
    """Line and column, from 1, of a place in the SQL."""
    return Mark(sql.count("\n", 0, offset) + 1, offset - sql.rfind("\n", 0, offset))


def _rewritten(sql: str, kind: str, write: Callable[[str], str]) -> str:
    parts, at = [], 0
    for token in tokens(sql):
        if token.kind == kind:
            parts += [sql[at : token.start], write(token.text)]
            at = token.end
    return "".join(parts) + sql[at:]
