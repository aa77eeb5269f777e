"""Signed links: forged, cut off, expired and misused ones are refused; keys rotate; nothing personal, nothing long."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postventa.errors import ConfigError
from postventa.tokens import LIFETIME, TokenError, Tokens, new_keys

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
EFFECT = "5f0c1e9a7b3d4c2e8f6a1b0c9d8e7f60"
TOKENS = Tokens.parse("2026a:a-secret-of-the-shop,2025:an-older-secret-of-it")


def why(purpose: str, token: str, now: datetime = NOW, tokens: Tokens = TOKENS) -> str:
    with pytest.raises(TokenError) as caught:
        tokens.read(purpose, token, now)  # type: ignore[arg-type]
    return caught.value.why


def test_the_unsubscribe_link_of_a_usual_shop_stays_one_header_line() -> None:
    url = TOKENS.url("https://mail.tiendaclara.com/", "unsubscribe", EFFECT, NOW)
    assert url.startswith("https://mail.tiendaclara.com/u/")
    assert len(url.removeprefix("https://mail.tiendaclara.com")) == 51
    assert len(url) < 78 + len("https://mail.tiendaclara.com")


def test_a_token_is_the_same_for_the_same_mail_on_the_same_day() -> None:
    """A mail that is sent again carries the same links. The format is kept: links of old mails must go on working."""
    token = TOKENS.make("unsubscribe", EFFECT, NOW)
    assert token == TOKENS.make("unsubscribe", EFFECT, NOW + timedelta(hours=5))
    assert token == "EggAAF8MHpp7PUwuj2obDJ2Of2BqZKyQPfc5WX38zA6ZDntD"


@given(st.one_of(st.binary(min_size=16, max_size=16).map(bytes.hex), st.text(min_size=1, max_size=60)))
def test_any_name_comes_back(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    assert TOKENS.read("answer", TOKENS.make("answer", name, NOW), NOW) == name


@pytest.mark.parametrize("place", range(0, 48, 5))
def test_one_changed_sign_is_a_forgery(place: int) -> None:
    token = TOKENS.make("answer", EFFECT, NOW)
    other = "A" if token[place] != "A" else "B"
    assert why("answer", token[:place] + other + token[place + 1 :]) == "forged"


@pytest.mark.parametrize("token", ["", "x", "é" * 48, "A" * 48, "A" * 5000, "../../etc/passwd", "\0" * 48])
def test_nonsense_is_a_forgery(token: str) -> None:
    assert why("answer", token) == "forged"


def test_a_part_of_a_token_or_a_longer_one_is_a_forgery() -> None:
    token = TOKENS.make("answer", EFFECT, NOW)
    assert {why("answer", token[:cut]) for cut in range(0, 48, 3)} == {"forged"}
    assert why("answer", token + "AAAA") == "forged"
    assert why("answer", token + "=") == "forged"


def test_a_token_serves_one_purpose() -> None:
    assert why("preferences", TOKENS.make("unsubscribe", EFFECT, NOW)) == "purpose"
    assert why("unsubscribe", TOKENS.make("answer", EFFECT, NOW)) == "purpose"


def test_the_purpose_cannot_be_rewritten() -> None:
    raw = bytearray(base64.urlsafe_b64decode(TOKENS.make("answer", EFFECT, NOW)))
    raw[0] = raw[0] & 0xF0 | 2
    assert why("unsubscribe", base64.urlsafe_b64encode(bytes(raw)).decode()) == "forged"


def test_an_answer_link_ends_and_an_unsubscribe_link_never_does() -> None:
    span = LIFETIME["answer"]
    assert span is not None
    answer = TOKENS.make("answer", EFFECT, NOW)
    assert TOKENS.read("answer", answer, NOW + span) == EFFECT
    assert why("answer", answer, NOW + span + timedelta(days=1)) == "expired"
    assert TOKENS.read("unsubscribe", TOKENS.make("unsubscribe", EFFECT, NOW), NOW + timedelta(days=9000)) == EFFECT


def test_a_new_key_signs_and_the_old_one_still_verifies_until_it_is_taken_away() -> None:
    old = Tokens.parse("2025:an-older-secret-of-it").make("answer", EFFECT, NOW)
    assert TOKENS.read("answer", old, NOW) == EFFECT
    assert old != TOKENS.make("answer", EFFECT, NOW)
    assert why("answer", old, tokens=Tokens.parse("2026a:a-secret-of-the-shop")) == "forged"


def test_the_same_name_with_another_secret_does_not_verify() -> None:
    other = Tokens.parse("2026a:quite-another-secret")
    assert why("answer", TOKENS.make("answer", EFFECT, NOW), tokens=other) == "forged"


@pytest.mark.parametrize(
    ("text", "part"),
    [("", "no key"), ("alone-without-a-name-here", "no name"), ("a:short", "shorter than 16"),
     ("a:0123456789abcdef,a:fedcba9876543210", "same name")],
)  # fmt: skip
def test_unusable_keys_are_refused_with_what_to_do(text: str, part: str) -> None:
    with pytest.raises(ConfigError, match=part) as caught:
        Tokens.from_environment({"POSTVENTA_KEYS": text})
    assert caught.value.where == "POSTVENTA_KEYS"
    assert caught.value.mend


def test_fresh_keys_are_usable_and_differ() -> None:
    assert new_keys() != new_keys()
    assert Tokens.parse(new_keys()).keys[0].id == "1"
