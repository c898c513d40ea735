"""The text of API keys."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.access import LOOKUP_BYTES, SECRET_BYTES, make_token, read_token

CHANCE = st.binary(min_size=LOOKUP_BYTES + SECRET_BYTES, max_size=LOOKUP_BYTES + SECRET_BYTES)


@given(CHANCE)
def test_a_key_is_read_back(chance: bytes) -> None:
    token = make_token(chance)
    read = read_token(token)
    assert read is not None
    _, lookup, secret = token.split("_")
    assert (read.lookup, read.secret_sha256) == (lookup, hashlib.sha256(secret[:-6].encode()).digest())


@given(CHANCE, st.data())
def test_any_other_character_is_webhookd(chance: bytes, data: st.DataObject) -> None:
    token = make_token(chance)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda c: c != token[place]))
    assert read_token(token[:place] + other + token[place + 1 :]) is None


@given(CHANCE, CHANCE)
def test_two_secrets_have_two_texts(one: bytes, other: bytes) -> None:
    assert (make_token(one) == make_token(other)) == (one == other)


@given(st.text(max_size=80))
def test_what_is_no_key_is_nothing(text: str) -> None:
    assert read_token(text) is None


def test_a_key_needs_all_its_chance() -> None:
    with pytest.raises(ValueError, match="40 random bytes"):
        make_token(bytes(32))


def test_the_secret_is_not_shown_by_repr() -> None:
    read = read_token(make_token(bytes(range(40))))
    assert read is not None
    assert read.secret_sha256.hex() not in repr(read)
    assert "sha256" not in repr(read)
