"""One line of a JSON Lines file, read to the letter: no value is changed, and nothing but JSON is taken.

This reader is the measure. `jsonl_sql` is faster and is believed only where it must agree with it.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

_OBJECT = re.compile(r"[ \t\r]*\{[ \t\r]*")
_COLON = re.compile(r"[ \t\r]*:[ \t\r]*")
_COMMA = re.compile(r'[ \t\r]*,[ \t\r]*(?=")')
_END = re.compile(r"[ \t\r]*\}[ \t\r]*")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F])|.)"
)
"""One escape at a time; half of a surrogate pair stands for no character."""

_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')
_SHORT_NUMBER = re.compile(r"-?[0-9]+(\.([0-9]*[1-9]|0))?([eE][+-]?[0-9]+)?")
_MOST_ZEROS = 100
_ARRAY_HINT = "Each line is one object; a file that is one array becomes lines with jq -c '.[]'."


class BadLine(Exception):
    """Why a line cannot be taken: the code of the error, its message as the end of a sentence, a hint."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def members(line: str) -> dict[str, str]:
    """The keys of the line's object, each with the text of its value. Raises `BadLine` DAT030 or DAT031."""
    opening = _OBJECT.match(line)
    if opening is None:
        raise BadLine("DAT030", "is not a JSON object", _ARRAY_HINT)
    try:
        found, end = _members(line, opening.end())
    except (json.JSONDecodeError, RecursionError) as error:
        raise _not_json(error) from error
    _check_end(line, end)
    return found


def _members(line: str, at: int) -> tuple[dict[str, str], int]:
    """The members that begin at a place, and where they end."""
    decode = _JSON.raw_decode
    found: dict[str, str] = {}
    more = line.startswith('"', at)
    while more:
        key, end = decode(line, at)
        colon = _COLON.match(line, end)
        if colon is None:
            raise _malformed("a colon is missing", end)
        start = colon.end()
        _, at = decode(line, start)
        if key in found:
            raise BadLine("DAT031", f"names the key {key!r} twice", "Keep one of the two.")
        found[key] = line[start:at]
        comma = _COMMA.match(line, at)
        at, more = (comma.end(), True) if comma else (at, False)
    return found, at


def in_one_line(value: str) -> str:
    """A JSON value with spaces for the line ends between its tokens. Raises `BadLine` for other text."""
    text = value.strip(" \t\r\n")
    try:
        _JSON.decode(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _not_json(error) from error
    _check_escapes(text)
    return text.replace("\n", " ").replace("\r", " ")


def compact(value: str) -> str:
    """A JSON value without the spaces between its tokens; the tokens stay as they are."""
    return _TOKEN.sub(r"\1", value)


def plain_number(number: str) -> str:
    """A number without exponent and without zeros at the end of its decimals, where it has a usual size."""
    value = _decimal(number)
    if value is None or (value and abs(value.adjusted()) > _MOST_ZEROS):
        return number
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_double(number: str) -> bool:
    """Whether a double's shortest form is the same number, so that reading it as a double changes nothing."""
    value = float(number)
    return math.isfinite(value) and _decimal(number) == Decimal(repr(value))


def is_written_double(number: str) -> bool:
    """Whether the number is a double's shortest form, up to the spelling of exponent and whole numbers."""
    return _SHORT_NUMBER.fullmatch(number) is not None and is_double(number)


def _decimal(number: str) -> Decimal | None:
    """The number itself; None where its exponent is beyond all measure."""
    try:
        return Decimal(number)
    except InvalidOperation:
        return None


def _check_end(line: str, at: int) -> None:
    end = _END.match(line, at)
    if end is None:
        raise _malformed("a comma, a key or the closing brace is missing", at)
    if end.end() < len(line):
        raise BadLine("DAT030", "goes on after the end of its object", _ARRAY_HINT)
    _check_escapes(line)


def _check_escapes(text: str) -> None:
    if "\\u" in text and any(escape["lone"] for escape in _ESCAPE.finditer(text)):
        hint = "Write the whole pair, or the character itself."
        raise BadLine("DAT030", "holds half of a surrogate pair, which is no character", hint)


def _not_json(error: json.JSONDecodeError | RecursionError) -> BadLine:
    if isinstance(error, RecursionError):
        return _malformed("values are nested too deeply", 0)
    return _malformed(error.msg[:1].lower() + error.msg[1:].removesuffix(" at"), error.pos)


def _malformed(what: str, position: int) -> BadLine:
    hint = "Correct the line; every line has to be one whole JSON object."
    return BadLine("DAT030", f"is not JSON: {what} (character {position + 1})", hint)


def _no_number(word: str) -> Any:
    raise BadLine("DAT030", f"holds {word}, which is no JSON", "Write null, or a string.")


_JSON = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_number)
"""Numbers stay text: neither their size nor their digits matter here."""
