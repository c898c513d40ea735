"""What a protocol cannot carry is refused, and what stands on its limits is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters.toolkit.limits import (
    fitting,
    hundredfold,
    read_hundredfold,
    require_payable,
    require_refundable,
)
from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.errors import Malformed
from payment_hub.domain.money import Money, dong
from tests.banks.examples import NOON, a_refund, a_request

LIMITS = Limits(dong(1_000), dong(50_000), timedelta(minutes=5))
REFUNDS = Limits(smallest_refund=dong(100), largest_refund=dong(500))


@pytest.mark.parametrize("amount", [1_000, 50_000])
def test_what_stands_on_a_limit_can_be_paid(amount: int) -> None:
    require_payable(LIMITS, a_request(amount=dong(amount), expires_at=NOON + timedelta(minutes=5)))


@pytest.mark.parametrize("amount", [dong(999), dong(50_001), Money(20_000, "USD")])
def test_too_little_too_much_and_another_currency_cannot_be_paid(amount: Money) -> None:
    with pytest.raises(Malformed, match="outside of"):
        require_payable(LIMITS, a_request(amount=amount))


def test_a_deadline_that_is_too_near_cannot_be_met() -> None:
    with pytest.raises(Malformed, match="the deadline"):
        require_payable(LIMITS, a_request(amount=dong(1_000), expires_at=NOON + timedelta(seconds=299)))


@pytest.mark.parametrize(
    ("amount", "paid", "limits"),
    [
        (100, 1_000, REFUNDS),
        (500, 1_000, REFUNDS),
        (300, 300, REFUNDS),
        (1_000, 1_000, Limits()),
        (1, 1_000, Limits()),
        (1_000, 1_000, Limits(part_refunds=False)),
    ],
)
def test_what_stands_on_a_limit_can_be_given_back(amount: int, paid: int, limits: Limits) -> None:
    require_refundable(limits, a_refund(amount=dong(amount), paid=dong(paid)))


@pytest.mark.parametrize(
    ("amount", "paid", "limits"),
    [
        (99, 1_000, REFUNDS),
        (501, 1_000, REFUNDS),
        (301, 300, REFUNDS),
        (1_001, 1_000, Limits()),
        (0, 1_000, Limits()),
    ],
)
def test_too_little_and_more_than_was_paid_cannot_be_given_back(
    amount: int, paid: int, limits: Limits
) -> None:
    with pytest.raises(Malformed, match="outside of"):
        require_refundable(limits, a_refund(amount=dong(amount), paid=dong(paid)))


def test_a_part_cannot_be_given_back_by_a_bank_that_gives_back_the_whole() -> None:
    with pytest.raises(Malformed, match="the whole amount or nothing"):
        require_refundable(Limits(part_refunds=False), a_refund(amount=dong(999), paid=dong(1_000)))


def test_another_currency_cannot_be_given_back() -> None:
    with pytest.raises(Malformed):
        require_refundable(Limits(), a_refund(amount=Money(100, "USD"), paid=Money(100, "USD")))


@given(st.integers(1, 9_999_999_999))
def test_hundredths_are_read_back(amount: int) -> None:
    assert hundredfold(dong(amount)) == str(amount * 100)
    assert read_hundredfold(str(amount * 100)) == dong(amount)


@pytest.mark.parametrize(
    "written", ["", "0", "00", "000", "1", "10", "150", "0100", "-100", "1e100", "100.00", "1" * 11 + "00"]
)
def test_what_is_no_hundredfold_is_refused(written: str) -> None:
    with pytest.raises(Malformed):
        read_hundredfold(written)


@pytest.mark.parametrize("amount", [dong(0), dong(-1), dong(10**10), Money(1, "USD"), Money(150, "JPY")])
def test_what_cannot_be_written_in_hundredths_is_refused(amount: Money) -> None:
    with pytest.raises(Malformed):
        hundredfold(amount)


def test_only_what_fits_is_sent() -> None:
    assert fitting("K7", "[A-Z0-9]+") == "K7"
    for text in ("k7", "K7\n", "", "K\u0667"):
        with pytest.raises(Malformed):
            fitting(text, "[A-Z0-9]+")
