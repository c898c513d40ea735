"""Access: an API key is read back as it was made, every mistyped key is refused, and callers keep their names."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.access import (
    LOOKUP_BYTES,
    SECRET_BYTES,
    USUAL_SCOPES,
    Caller,
    Role,
    Scope,
    api_token_of,
    make_token,
    read_token,
)

chances = st.binary(min_size=LOOKUP_BYTES + SECRET_BYTES, max_size=LOOKUP_BYTES + SECRET_BYTES)


@given(chances)
def test_a_key_is_read_as_it_was_made(chance: bytes) -> None:
    text = make_token(chance)
    token = read_token(text)
    assert token is not None
    assert text.startswith(f"hub_{token.lookup}_")
    assert len(text) == 65
    assert token.secret_sha256 == hashlib.sha256(text.split("_")[2][:-6].encode()).digest()
    assert token.secret_sha256.hex() not in repr(token)
    assert token == api_token_of(chance)


@given(chances, st.data())
def test_a_mistyped_key_is_refused_without_asking_anybody(chance: bytes, data: st.DataObject) -> None:
    text = make_token(chance)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != text[place]))
    assert read_token(text[:place] + other + text[place + 1 :]) is None


@pytest.mark.parametrize("text", ["", "hub_", "Bearer x", "hub_" + "0" * 62])
def test_what_has_not_the_form_is_no_key(text: str) -> None:
    assert read_token(text) is None


@given(chances, chances)
def test_two_keys_differ(one: bytes, other: bytes) -> None:
    assert (make_token(one) == make_token(other)) is (one == other)


@pytest.mark.parametrize("chance", [b"", b"x" * 39, b"x" * 41])
def test_a_key_needs_all_its_chance(chance: bytes) -> None:
    with pytest.raises(ValueError, match="40"):
        make_token(chance)


@pytest.mark.parametrize(
    ("caller", "name"),
    [
        (Caller(1, Role.PORTAL, "system", frozenset(), portal_id=1, portal_code="dvc"), "portal:dvc"),
        (Caller(1, Role.AGENCY, "system", frozenset(), agency_id=1, agency_code="G22"), "agency:G22"),
        (Caller(1, Role.OFFICER, "lan", frozenset(), agency_id=1, agency_code="G22"), "officer:lan"),
        (Caller(1, Role.OPERATOR, "op", frozenset()), "operator:op"),
    ],
)
def test_a_caller_is_known_by_what_outlives_the_key(caller: Caller, name: str) -> None:
    assert caller.name == name


def test_every_role_has_its_usual_scopes_and_only_operators_all() -> None:
    assert set(USUAL_SCOPES) == set(Role)
    assert [role for role, scopes in USUAL_SCOPES.items() if set(scopes) == set(Scope)] == [Role.OPERATOR]


def test_who_takes_money_does_not_check_the_books() -> None:
    books = {Scope.DISCREPANCIES_APPROVE, Scope.DISCREPANCIES_PROPOSE, Scope.RECONCILIATION_RUN}
    assert not books & {*USUAL_SCOPES[Role.PORTAL], *USUAL_SCOPES[Role.AGENCY]}
    assert Scope.ORDERS_WRITE not in USUAL_SCOPES[Role.OFFICER]


CHANCE = st.binary(min_size=LOOKUP_BYTES + SECRET_BYTES, max_size=LOOKUP_BYTES + SECRET_BYTES)


@given(CHANCE)
def test_a_key_is_read_back(chance: bytes) -> None:
    token = make_token(chance)
    read = read_token(token)
    assert read is not None
    _, lookup, secret = token.split("_")
    assert (read.lookup, read.secret_sha256) == (lookup, hashlib.sha256(secret[:-6].encode()).digest())


@given(CHANCE, st.data())
def test_any_other_character_is_noticed(chance: bytes, data: st.DataObject) -> None:
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


def test_a_key_of_too_few_random_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="40 random bytes"):
        make_token(bytes(32))


def test_the_secret_is_not_shown_by_repr() -> None:
    read = read_token(make_token(bytes(range(40))))
    assert read is not None
    assert read.secret_sha256.hex() not in repr(read)
    assert "sha256" not in repr(read)
