"""A bank's terms: its fee to the dong, when its confirmation alone is not enough, and the settings that state them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters.toolkit.settings import BankSettingsError, read_terms
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


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"KINDS": "traffic_fine trafic_fine"}, "BANK_ONE_KINDS (must be kinds of obligations:"),
        ({"KINDS": "TUITION"}, "BANK_ONE_KINDS"),
        ({"KINDS": " "}, "BANK_ONE_KINDS (must name at least one)"),
        ({"AGENCIES": "G22.99,H55"}, "BANK_ONE_AGENCIES (must be codes of agencies"),
        ({"AGENCIES": " "}, "BANK_ONE_AGENCIES (must name at least one)"),
        (
            {"SMALLEST": "200000", "LARGEST": "100000"},
            "BANK_ONE_LARGEST (must not be less than BANK_ONE_SMALLEST)",
        ),
        ({"CUT_OFF": "24:00"}, "BANK_ONE_CUT_OFF"),
        ({"CUT_OFF": "4:00"}, "BANK_ONE_CUT_OFF"),
        ({"FEE_BORNE_BY": "citizen"}, "BANK_ONE_FEE_BORNE_BY"),
        ({"TRUST": "nobody"}, "BANK_ONE_TRUST"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(section: dict[str, str], named: str) -> None:
    with pytest.raises(BankSettingsError) as refused:
        read_terms("one", section)
    assert named in str(refused.value)


def test_what_is_meant_is_read() -> None:
    terms = read_terms(
        "one",
        {
            "KINDS": "tuition  fee",
            "AGENCIES": "G22.99 H55",
            "SMALLEST": "5",
            "LARGEST": "5",
            "CUT_OFF": "00:00",
        },
    )
    assert (terms.kinds, terms.agencies) == (("tuition", "fee"), ("G22.99", "H55"))
    assert (terms.smallest, terms.largest, terms.cut_off.hour) == (5, 5, 0)
