"""References: sorted by time, safe on the telephone."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.errors import MalformedReference
from payment_hub.domain.references import (
    ALPHABET,
    CHANCE_BITS,
    LENGTH,
    new_reference,
    new_refund_reference,
    parse_reference,
    spoken,
)

moments = st.datetimes(datetime(2020, 1, 1), datetime(2054, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
chances = st.integers(0, (1 << CHANCE_BITS) - 1)
references = st.builds(new_reference, moments, chances)


def refused(text: str) -> bool:
    """Whether it is no reference of ours."""
    try:
        parse_reference(text)
    except MalformedReference:
        return True
    return False


@given(references)
def test_a_reference_is_short_and_plain(reference: str) -> None:
    assert len(reference) == LENGTH <= 19
    assert reference.startswith("DV")
    assert set(reference[2:]) <= set(ALPHABET)
    assert parse_reference(reference) == reference


@given(moments, chances, chances, st.integers(1, 10**9))
def test_a_later_order_sorts_later(moment: datetime, one: int, other: int, milliseconds: int) -> None:
    earlier = new_reference(moment, one)
    later = new_reference(moment + timedelta(milliseconds=milliseconds), other)
    assert earlier[:-1] < later[:-1]


@given(references)
def test_every_single_wrong_character_is_caught(reference: str) -> None:
    for place in range(2, LENGTH):
        for character in set(ALPHABET) - {reference[place]}:
            assert refused(reference[:place] + character + reference[place + 1 :])


@given(references)
def test_every_two_characters_exchanged_are_caught(reference: str) -> None:
    for one, other in itertools.combinations(range(2, LENGTH), 2):
        if reference[one] != reference[other]:
            letters = list(reference)
            letters[one], letters[other] = letters[other], letters[one]
            assert refused("".join(letters))


@given(references, st.sampled_from(" -."))
def test_it_is_understood_as_people_write_it(reference: str, separator: str) -> None:
    assert parse_reference(spoken(reference)) == reference
    assert parse_reference(separator.join(reference.lower())) == reference
    mistaken = reference.translate(str.maketrans("01", "OL"))
    assert parse_reference(mistaken) == reference
    assert parse_reference(reference.replace("1", "i")) == reference


@pytest.mark.parametrize(
    "text", ["", "DV", "XX" + "0" * 14, "DV" + "U" * 14, "DV" + "0" * 13, "DV" + "０" * 14, "D" * 41]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    assert refused(text)


def test_the_check_character_is_what_it_was_on_the_first_day() -> None:
    """Computed by hand, by polynomials divided by x^5 + x^2 + 1: printed orders outlive every change of the code."""
    moment = datetime(2026, 11, 22, 13, 16, 43, 123_000, tzinfo=UTC)
    assert new_reference(moment, 0x1234567) == "DV6AJFZXQKJ6HB7W"
    assert new_refund_reference(moment, 0x1234567) == "RF6AJFZXQKJ6HB7W"
    assert new_reference(datetime(2026, 3, 2, 3, tzinfo=UTC), 0) == "DV5N71C6W000000N"
