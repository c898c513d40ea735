"""References: sorted by time, safe on the telephone, found in free text."""

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
    REFUND_PREFIX,
    find_reference,
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


@given(references, st.integers(1, 99))
def test_it_is_found_in_a_transfers_purpose(reference: str, attempt: int) -> None:
    assert find_reference(f"nop phat {reference}-{attempt} cam on") == reference
    assert find_reference(f"MBVCB.123.{reference.lower()}.CT tu 001") == reference
    assert find_reference(spoken(reference)) == reference


@given(references, references)
def test_of_two_references_in_one_text_none_is_chosen(one: str, other: str) -> None:
    assert find_reference(f"{one} {other}") == (one if one == other else None)


@given(moments, chances, references)
def test_a_refund_and_an_order_are_each_found_in_one_text(moment: datetime, chance: int, order: str) -> None:
    refund = new_refund_reference(moment, chance)
    text = f"Hoan tien {refund.lower()} cho {order}-1"
    assert find_reference(text, REFUND_PREFIX) == refund
    assert find_reference(text) == order
    assert find_reference(f"Hoan tien {refund}") is None


def test_a_text_without_a_reference_has_none() -> None:
    assert find_reference("chuyen tien") is None
    assert find_reference("DV00000000000001") is None
