"""Our contract with a bank: its fee to the dong, and when its word alone is not enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.banks.health import BankOperation, BreakerPolicy
from payment_hub.domain.banks.profile import NO_TERMS, BankTerms, Trust
from payment_hub.domain.money import Money, dong


@pytest.mark.parametrize(
    ("fixed", "part", "amount", "fee"),
    [
        (0, 0, 150_000, 0),
        (1_100, 0, 150_000, 1_100),
        (0, 20, 150_000, 300),
        (1_100, 20, 150_000, 1_400),
        (0, 1, 4_999, 0),
        (0, 1, 5_000, 1),
        (0, 10_000, 7, 7),
    ],
)
def test_a_fee_is_fixed_and_a_part_rounded_to_the_dong(fixed: int, part: int, amount: int, fee: int) -> None:
    terms = BankTerms(fee_fixed=fixed, fee_per_ten_thousand=part)
    assert terms.fee(dong(amount)) == dong(fee)


@given(st.integers(0, 10_000), st.integers(1, 10**12))
def test_a_part_is_never_more_than_half_a_dong_off(part: int, amount: int) -> None:
    fee = BankTerms(fee_per_ten_thousand=part).fee(dong(amount)).minor
    assert abs(fee * 10_000 - part * amount) <= 5_000


@pytest.mark.parametrize(
    ("terms", "amount", "wants"),
    [
        (NO_TERMS, dong(10**9), False),
        (NO_TERMS, None, False),
        (BankTerms(trust=Trust.INQUIRY), dong(1), True),
        (BankTerms(inquiry_above=1_000), dong(1_000), False),
        (BankTerms(inquiry_above=1_000), dong(1_001), True),
        (BankTerms(inquiry_above=1_000), None, True),
        (BankTerms(inquiry_above=0), dong(1), True),
    ],
)
def test_a_second_word_is_wanted_always_or_above_an_amount(
    terms: BankTerms, amount: Money | None, wants: bool
) -> None:
    assert terms.needs_inquiry(amount) is wants


def test_each_operation_has_its_own_patience() -> None:
    terms = BankTerms(breaker=BreakerPolicy(open_seconds=1, query_seconds=2, refund_seconds=3))
    assert [terms.seconds(operation) for operation in BankOperation] == [1, 2, 3]
    assert [NO_TERMS.seconds(operation) for operation in BankOperation] == [None, 5, None]
