"""`:name` in SQL becomes DuckDB's `$name`, so that a value is bound and never pasted."""

from __future__ import annotations

import re
from collections.abc import Collection

_COMMENT = r"/\*(?:(?!/\*|\*/).)*\*/"
for _ in range(3):  # comments nest; nobody nests them deeper
    _COMMENT = rf"/\*(?:{_COMMENT}|(?!/\*|\*/).)*\*/"

_TOKEN = re.compile(
    rf"""
    (?P<skip>
        [eE]'(?:[^'\\]|\\.|'')*'             # escape string
      | '(?:[^']|'')*'                       # string
      | "(?:[^"]|"")*"                       # quoted identifier
      | \$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag))\$   # dollar-quoted string
      | --[^\n]*                             # comment to the end of the line
      | {_COMMENT}                           # comment
      | ::                                   # cast
      | [^\W\d]\w*                           # word: keeps e'..' apart from name'..'
    )
    | (?<![\w"')\]]):(?P<name>[A-Za-z_]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)


def dollar_names(sql: str, names: Collection[str] = ()) -> str:
    """The SQL with each `:name` written as `$name`, outside strings, comments and casts.

    A colon right after a word, a quote or a closing bracket is DuckDB's own (`list[a:b]`, `{'key':value}`,
    `alias:expression`). Right after `[` it may be either, so there only the given `names` count.
    """

    def replace(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None or (sql[found.start() - 1 : found.start()] == "[" and name not in names):
            return found[0]
        return "$" + name

    return _TOKEN.sub(replace, sql)
