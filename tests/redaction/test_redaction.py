"""The redactor: no form of a known secret survives, and little else is touched."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from osiris.redaction import MASK, Redactor, Secret, is_secret_key

SECRET = "s3cr'et \"Ž/<&>\\+pass=word"

ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": quote,
    "percent, slashes too": lambda value: quote(value, safe=""),
    "form": quote_plus,
    "form, lower case": lambda value: (
        quote_plus(value)
        .replace("%C5%BD", "%c5%bd")
        .replace("%2B", "%2b")
        .replace("%2F", "%2f")
        .replace("%3C", "%3c")
        .replace("%3E", "%3e")
        .replace("%5C", "%5c")
        .replace("%3D", "%3d")
    ),
    "JSON": json.dumps,
    "JSON in Unicode": lambda value: json.dumps(value, ensure_ascii=False),
    "repr": repr,
    "SQL": lambda value: "'" + value.replace("'", "''") + "'",
    "CSV": lambda value: '"' + value.replace('"', '""') + '"',
    "HTML": html.escape,
    "reversed": lambda value: value[::-1],
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
}


def redactor(*secrets: str) -> Redactor:
    made = Redactor()
    made.learn(*secrets)
    return made


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_no_encoding_of_a_secret_survives(encode: Callable[[str], str]) -> None:
    text = redactor(SECRET).text(f"before {encode(SECRET)} after")
    assert MASK in text
    assert encode(SECRET).strip("'\"") not in text
    assert text.startswith("before ")
    assert text.endswith(" after")


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_no_base64_of_a_secret_survives_at_any_alignment(
    before: str, encode: Callable[[bytes], bytes]
) -> None:
    encoded = encode(f"{before}{SECRET}:tail".encode()).decode()
    shown = redactor(SECRET).text(f"Authorization: Basic {encoded}")
    left = shown.removeprefix("Authorization: Basic ").split(MASK)
    assert len(left) > 1
    assert all(len(part) <= 12 for part in left)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=30), st.text(), st.text())
def test_an_embedded_secret_never_survives(secret: str, before: str, after: str) -> None:
    assume(secret not in before + MASK + after)
    assume("*" not in secret)
    assert secret not in redactor(secret).text(before + secret + after)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=30))
def test_a_secret_in_a_structure_never_survives(secret: str) -> None:
    assume("*" not in secret)
    value = {secret: [secret, {"deep": (f"x{secret}y",)}], "path": Path("/tmp") / "p"}
    assert secret not in repr(redactor(secret).data(value))


@pytest.mark.parametrize("secret", ["", "a", "abc"])
def test_a_value_too_short_to_search_for_blanks_nothing(secret: str) -> None:
    assert redactor(secret).text("abc abca a") == "abc abca a"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pwd1", MASK),
        ("use pwd1!", f"use {MASK}!"),
        ("xpwd1", "xpwd1"),
        ("pwd12", "pwd12"),
        ("a=pwd1;", f"a={MASK};"),
    ],
)
def test_a_short_value_is_masked_as_a_whole_word(text: str, shown: str) -> None:
    assert redactor("pwd1").text(text) == shown


def test_of_two_secrets_the_longer_one_is_masked_whole() -> None:
    assert redactor("password", "password-and-more").text("password-and-more password") == f"{MASK} {MASK}"


def test_what_is_learnt_later_is_masked_too() -> None:
    made = redactor("first-secret")
    made.learn("second-secret")
    assert made.text("first-secret second-secret") == f"{MASK} {MASK}"


TOKENS = {
    "AWS": "AKIAIOSFODNN7EXAMPLE",
    "GitHub": "ghp_" + "a1B2" * 9,
    "OpenAI": "sk-proj-" + "a1B2" * 9,
    "Slack": "xoxb-123456789012-abcdef",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "cut key": "-----BEGIN PRIVATE KEY-----\nMIIE",
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_a_token_is_known_by_its_shape(token: str) -> None:
    assert Redactor().text(f"here: {token}") == f"here: {MASK}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@host/db", f"postgresql://{MASK}@host/db"),
        ("https://:p@host", f"https://{MASK}@host"),
        ("https://host:80/a@b", "https://host:80/a@b"),
        ("https://user@host/", "https://user@host/"),
    ],
)
def test_a_password_in_a_url_is_masked(url: str, shown: str) -> None:
    assert Redactor().text(url) == shown


@pytest.mark.parametrize(
    "text", ["sha256:" + "0a" * 32, "sk-short", "eyJ.x", "2024-01-31T10:00:00", "a@b.cz", "AKIA"]
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor().text(text) == text


SECRET_KEYS = [
    "password",
    "PASSWORD",
    "db_password",
    "MYSQL_PWD",
    "passwd",
    "passphrase",
    "api_key",
    "apiKey",
    "x-api-key",
]
SECRET_KEYS += [
    "token",
    "accessToken",
    "refresh_token",
    "clientSecret",
    "client_secret",
    "secret_key",
    "private-key",
]
SECRET_KEYS += [
    "Authorization",
    "auth",
    "credentials",
    "service_role",
    "aws_secret_access_key",
    "dsn",
    "a.password",
]


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_a_key_tells_a_secret(key: str) -> None:
    assert is_secret_key(key)
    assert Redactor().data({key: "hunter2", "n": {key: 5}}) == {key: MASK, "n": {key: MASK}}


@pytest.mark.parametrize(
    "key", ["primary_key", "run_key", "key", "author", "tokens", "passed", "token_count", "compass"]
)
def test_an_ordinary_key_tells_none(key: str) -> None:
    assert not is_secret_key(key)
    assert Redactor().data({key: "hunter2"}) == {key: "hunter2"}


@pytest.mark.parametrize("where", ["connection", "connections", "resolved_connection"])
def test_in_a_connection_a_plain_key_is_a_secret_too(where: str) -> None:
    fields = {"url": "https://x.example", "key": "hunter2", "primary_key": ["id"]}
    shown = fields | {"key": MASK}
    assert Redactor().data({where: fields}) == {where: shown}
    named = {"supabase": {"main": fields}}
    assert Redactor().record({"details": {where: named}}) == {
        "details": {where: {"supabase": {"main": shown}}}
    }
    assert Redactor().data({where: "@supabase.main"}) == {where: "@supabase.main"}
    assert Redactor().data({"row": fields}) == {"row": fields}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (["a", 1, [2.5]], [MASK, MASK, [MASK]]),
        (Path("x"), MASK),
        (b"x", MASK),
        (None, None),
        (True, True),
        ("${DB_PASSWORD}", "${DB_PASSWORD}"),
        ("x${DB_PASSWORD}", MASK),
        ({"user": "u", "password": "p"}, {"user": "u", "password": MASK}),
    ],
)
def test_under_a_secret_s_key_nothing_but_structure_shows(value: Any, shown: Any) -> None:
    assert Redactor().data({"credentials": value}) == {"credentials": shown}


def test_data_is_json_ready_and_a_copy() -> None:
    given_value = {1: ("a", {"b"}), "p": Path("x"), "n": None, "f": 1.5}
    assert Redactor().data(given_value) == {"1": ["a", ["b"]], "p": "x", "n": None, "f": 1.5}
    assert 1 in given_value


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hunter2-long")
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>9}",
        f"{secret!r}",
        "".join(map(str, [secret])),
        repr([secret]),
    ]
    assert not any("hunter2" in text for text in shown)
    assert "hunter2" not in repr(copy.deepcopy({"p": secret}))
    assert not hasattr(secret, "__dict__")
    for dump in (json.dumps, pickle.dumps, copy.copy):
        with pytest.raises(TypeError) as refused:
            dump(secret)
        assert "hunter2" not in str(refused.value)


def test_a_secret_is_equal_to_itself_only() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a").reveal() == "a"


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("hunter2-long\n", "hunter2-long"),
        ('{\n  "id": 1,\n  "key": "abcdefgh"\n}', '"key": "abcdefgh"'),
        ("pěknéheslo", ascii("pěknéheslo")[1:-1]),
        ("pěknéheslo", repr("pěknéheslo".encode())[2:-1]),
    ],
    ids=["line end", "one line of many", "ASCII", "bytes"],
)
def test_a_part_or_another_spelling_is_masked_too(secret: str, shown: str) -> None:
    assert redactor(secret).text(f"it is {shown}!") == f"it is {MASK}!"


def test_of_overlapping_secrets_nothing_stays() -> None:
    assert redactor("abcdefgh", "efghijkl").text("x abcdefghijkl y") == f"x {MASK} y"


def test_a_record_keeps_its_own_keys_and_words_and_nothing_else() -> None:
    event = {"event": "step_failed", "state": "failed", "target": "unchanged", "columns": {"failed": "t"}}
    error = {
        "code": "event",
        "message": "it failed",
        "hint": None,
        "details": {"event": "state", "password": 1},
    }
    shown = redactor("event", "state", "failed", "unchanged").record(event | {"error": error})
    assert shown["error"] == {"code": "event", "message": f"it {MASK}", "hint": None} | {
        "details": {MASK: MASK, "password": MASK}
    }
    assert {key: shown[key] for key in ("event", "state", "target")} == {
        key: event[key] for key in ("event", "state", "target")
    }
    assert shown["columns"] == {MASK: "t"}
