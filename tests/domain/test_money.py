"""Money: read exactly, added only to its own kind, shared without loss."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.errors import CurrencyMismatch, MalformedAmount
from payment_hub.domain.money import DECIMAL_PLACES, Money, dong

amounts = st.builds(Money, st.integers(-(10**15), 10**15), st.sampled_from(sorted(DECIMAL_PLACES)))


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("0", "VND", 0),
        ("150000", "VND", 150_000),
        ("999999999999999", "VND", 10**15 - 1),
        ("1.50", "USD", 150),
        ("0.05", "EUR", 5),
        ("7", "JPY", 7),
    ],
)
def test_a_plain_amount_is_read(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1 ", " 1", "+1", "-1", "-0", "00", "01", "1.0", "1.", ".5", "1,000", "1.000", "1_000", "1e3", "0x1",
        "NaN", "inf", "true", "1\n", "1\x00", "１２", "٣", "1" + "0" * 15, "9" * 5000,
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MalformedAmount):
        Money.parse(text)


@pytest.mark.parametrize("text", ["1", "1.5", "1.555", "1.5 ", "01.50"])
def test_the_places_of_the_currency_are_needed_exactly(text: str) -> None:
    with pytest.raises(MalformedAmount):
        Money.parse(text, "USD")


def test_an_unknown_currency_is_refused_before_the_amount_is_read() -> None:
    with pytest.raises(MalformedAmount, match="XAU"):
        Money.parse("1", "XAU")
    with pytest.raises(MalformedAmount, match="XAU"):
        Money(1, "XAU")


@pytest.mark.parametrize("minor", [1.0, True, "1", None])
def test_minor_units_are_whole_numbers_and_nothing_that_resembles_one(minor: Any) -> None:
    with pytest.raises(MalformedAmount):
        Money(minor)


@given(amounts)
def test_what_is_written_is_read_as_the_same(money: Money) -> None:
    if money.minor >= 0 and len(str(money.minor)) <= 15:
        assert Money.parse(str(money), money.currency) == money


@pytest.mark.parametrize(("minor", "text"), [(-5, "-0.05"), (-150, "-1.50"), (0, "0.00"), (12345, "123.45")])
def test_hundredths_are_written_with_their_sign_and_zeros(minor: int, text: str) -> None:
    assert str(Money(minor, "USD")) == text


@given(st.integers(), st.integers())
def test_sums_and_differences_are_those_of_whole_numbers(a: int, b: int) -> None:
    assert dong(a) + dong(b) == dong(a + b)
    assert dong(a) - dong(b) == dong(a - b)
    assert (dong(a) < dong(b), dong(a) <= dong(b)) == (a < b, a <= b)


@pytest.mark.parametrize("verb", ["__add__", "__sub__", "__lt__", "__le__"])
def test_two_currencies_do_not_mix(verb: str) -> None:
    with pytest.raises(CurrencyMismatch):
        getattr(dong(1), verb)(Money(1, "USD"))


def test_money_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError):
        bool(dong(0))


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_a_split_loses_nothing_and_is_fair_to_one_unit(minor: int, weights: list[int]) -> None:
    shares = [share.minor for share in dong(minor).split(weights)]
    assert sum(shares) == minor
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * sum(weights) - minor * weight) < sum(weights)


def test_of_equal_remainders_the_earlier_gets_the_unit() -> None:
    assert dong(100).split([1, 1, 1]) == [dong(34), dong(33), dong(33)]
    assert dong(1).split([0, 1]) == [dong(0), dong(1)]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1], [-1]])
def test_weights_that_cannot_share_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        dong(1).split(weights)
