"""The SQL of a reading step: one SELECT with named values, checked before any database is opened."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from osiris.connectors.sqlite.confinement import Confinement
from osiris.connectors.sqlite.tokens import Token, mark_at, quoted_strictly, strict_names, tokens
from osiris.errors import OsirisError, PipelineError

_SYNTAX = re.compile(
    r'near "(?P<near>.*)": syntax error|unrecognized token: "(?P<bad>.*)"|incomplete input', re.S
)
_ONE_SELECT = "Write one SELECT statement; tables are changed by writer steps."
_FIRST_WORDS = ("SELECT", "WITH", "VALUES")
_BRACKETS = {"(": 1, ")": -1}


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT; `text` is what the author wrote in a config field, the rest stands around it."""

    field: str
    text: str
    before: str = ""
    after: str = ""

    @property
    def sql(self) -> str:
        """The whole statement."""
        return self.before + self.text + self.after

    @property
    def strict_sql(self) -> str:
        """The statement for a check: here SQLite takes no `"name"` that names nothing for a text."""
        return self.before + strict_names(self.text) + self.after

    @property
    def names(self) -> dict[str, None]:
        """The placeholders without their colons, in order."""
        return dict.fromkeys(token.text[1:] for token in tokens(self.text) if token.kind == "placeholder")


def query_select(query: str, bind: Mapping[str, Any]) -> Select:
    """The statement of a `query`. Raises `PipelineError` where it is not one SELECT whose names are bound."""
    return _checked(Select("query", _single(query)), bind)


def table_select(
    table: str, columns: Sequence[str], where: str | None, limit: int | None, bind: Mapping[str, Any]
) -> Select:
    """The statement for a table. Raises `PipelineError` where `where` is not one condition."""
    chosen = ", ".join(map(quoted_strictly, columns)) or "*"
    before = f"SELECT {chosen} FROM {quoted_strictly(table)}"
    after = "" if limit is None else f" LIMIT {int(limit)}"
    if where is None:
        return _checked(Select("table", "", before, after), bind)
    return _checked(Select("where", _condition(where), f"{before} WHERE (\n", f"\n){after}"), bind)


def placed(error: OsirisError, text: str, offset: int | None) -> OsirisError:
    """The error with line and column of the author's text, in words and in `details`."""
    if offset is not None:
        mark = mark_at(text, offset)
        error.details |= {"line": mark.line, "column": mark.column}
        error.message = f"{error.message.rstrip('.')}{place_in_words(mark.line, mark.column)}."
        error.args = (error.message,)
    return error


def place_in_words(line: int, column: int) -> str:
    """The end of a sentence that says where in the SQL something is wrong."""
    return f" (line {line}, column {column} of the SQL)"


def prepare(con: sqlite3.Connection, sql: str, names: Mapping[str, Any]) -> sqlite3.Error | None:
    """What SQLite says against a statement that is compiled but not carried out; None if nothing."""
    try:
        con.execute(f"EXPLAIN {sql}", dict.fromkeys(names)).close()
    except sqlite3.Error as exc:
        return exc
    return None


def _single(query: str) -> str:
    """The statement without the semicolon at its end; SQL002 for none, for several and for no SELECT."""
    pieces = list(tokens(query))
    while pieces and pieces[-1].text == ";":
        pieces.pop()
    statements = sum(piece.text == ";" for piece in pieces) + bool(pieces)
    if statements != 1:
        raise _no_select(f"The SQL holds {statements} statements instead of one.")
    if pieces[0].text.upper() not in _FIRST_WORDS:
        error = _no_select(f"The SQL begins with {pieces[0].text}, not with {', '.join(_FIRST_WORDS)}.")
        raise placed(error, query, pieces[0].start)
    return _without_comment_at_the_end(query, pieces)


def _no_select(message: str) -> PipelineError:
    return PipelineError("SQL002", message, hint=_ONE_SELECT, details={"field": "query"})


def _without_comment_at_the_end(sql: str, pieces: Sequence[Token]) -> str:
    """SQLite ends an open comment where the SQL ends, but more of it may follow here."""
    return sql[: pieces[-1].end]


def _condition(where: str) -> str:
    """The condition; SQL002 where brackets around the text would not enclose all of it."""
    depth = 0
    pieces = list(tokens(where))
    depths = [depth := depth + _BRACKETS.get(piece.text, 0) for piece in pieces]
    if not pieces or min(depths) < 0 or depth or ";" in (piece.text for piece in pieces):
        raise PipelineError(
            "SQL002",
            "where is not one condition.",
            hint="Write one condition, such as amount > 10 AND status = 'paid'; write more as query.",
            details={"field": "where"},
        )
    return _without_comment_at_the_end(where, pieces)


def _checked(select: Select, bind: Mapping[str, Any]) -> Select:
    if "\0" in select.sql:
        raise PipelineError(
            "SQL014", "The SQL holds a NUL character.", hint="Remove it.", details={"field": select.field}
        )
    _refuse_unbound(select, bind)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        Confinement(empty)
        error = _syntax_error(empty, select)
    if error is not None:
        error.details["field"] = select.field
        raise error
    return select


def _syntax_error(empty: sqlite3.Connection, select: Select) -> OsirisError | None:
    """SQL001 for what SQLite cannot read, SQL002 for what may not stand where only a SELECT may."""
    failure = _misread(empty, select.sql, select)
    if failure is not None:
        reason = str(failure).replace(": syntax error", "")
        error = PipelineError(
            "SQL001", f"The SQL is not valid: {reason}.", hint="Correct it at the position shown."
        )
        return placed(error, select.text, _offset(empty, select, failure))
    if _misread(empty, f"SELECT * FROM (\n{select.sql}\n)", select) is not None:
        return _no_select("The statement behind WITH is no SELECT.")
    return None


def _misread(empty: sqlite3.Connection, sql: str, select: Select) -> sqlite3.Error | None:
    """The syntax error of the SQL, if that is what is wrong: names are looked up only after the syntax."""
    failure = prepare(empty, sql, select.names)
    return failure if failure is not None and _SYNTAX.fullmatch(str(failure)) else None


def _offset(empty: sqlite3.Connection, select: Select, failure: sqlite3.Error) -> int | None:
    """Where in the author's text SQLite stopped reading; it says by which token, but not by which of them."""
    found = _SYNTAX.fullmatch(str(failure))
    near = found["near"] if found else None
    if near is None:
        bad = found["bad"] if found else None
        return select.text.find(bad) if bad and bad in select.text else len(select.text)
    for token in tokens(select.text):
        if token.text == near and _stops_at(empty, select, token, str(failure)):
            return token.start
    return len(select.text) if select.text else None


def _stops_at(empty: sqlite3.Connection, select: Select, token: Token, message: str) -> bool:
    """Whether SQLite reads all before the token, and not the token."""
    failure = prepare(empty, select.before + select.text[: token.end], select.names)
    return str(failure) == message


def _refuse_unbound(select: Select, bind: Mapping[str, Any]) -> None:
    other = next((token for token in tokens(select.text) if token.kind == "other_placeholder"), None)
    missing = sorted(select.names.keys() - bind.keys())
    unused = sorted(bind.keys() - select.names.keys())
    if other is not None:
        error = PipelineError(
            "SQL005",
            f"The SQL uses the placeholder {other.text}.",
            hint="Write values as :name and give them in bind.",
            details={"field": select.field},
        )
        raise placed(error, select.text, other.start)
    if missing:
        raise PipelineError(
            "SQL005",
            f"The SQL uses {', '.join(':' + name for name in missing)}, which bind does not give.",
            hint=f"Add to the step's config: bind: {{{missing[0]}: ...}}.",
            details={"field": select.field},
        )
    if unused:
        raise PipelineError(
            "SQL005",
            f"bind gives {', '.join(unused)}, which the SQL does not use.",
            hint=f"Use :{unused[0]} in the SQL or remove it from bind.",
            details={"field": "bind"},
        )
