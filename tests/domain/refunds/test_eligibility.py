"""Which payment of an order goes back, and what the hub proposes by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from payment_hub.domain.errors import CollectionNotFound, RefundBlocked, RefundExceeds
from payment_hub.domain.ledger import Account
from payment_hub.domain.refunds.eligibility import Collected, collection_to_refund, excess_to_refund
from payment_hub.domain.refunds.lifecycle import RefundReason
from payment_hub.domain.settlement import LatePolicy, OrderSnapshot
from tests.domain.refunds.test_lifecycle import CONTEXT, MONEY
from tests.domain.test_judgement import ORDER


def test_the_latest_payment_with_enough_left_goes_back() -> None:
    late = replace(MONEY, key=2, bank_transaction_id="T2", amount=50)
    money = (late, MONEY)
    assert collection_to_refund(money, 50, None, RefundReason.OTHER) is late
    assert collection_to_refund(money, 51, None, RefundReason.OTHER) is MONEY
    assert collection_to_refund(money, 50, ("bank", "T1"), RefundReason.OTHER) is MONEY
    with pytest.raises(RefundExceeds):
        collection_to_refund(money, 101, None, RefundReason.OTHER)
    with pytest.raises(CollectionNotFound):
        collection_to_refund(money, 1, ("other", "T1"), RefundReason.OTHER)
    with pytest.raises(CollectionNotFound):
        collection_to_refund((), 1, None, RefundReason.OTHER)


@pytest.mark.parametrize(
    "fault",
    [{"charged_back": True}, {"contradicted": True}, {"live_reasons": frozenset({"OTHER"})}],
)
def test_money_that_is_blocked_does_not_go_back_and_other_money_does(fault: dict[str, Any]) -> None:
    bad = replace(MONEY, **fault)
    with pytest.raises(RefundBlocked):
        collection_to_refund((bad,), 1, None, RefundReason.OTHER)
    good = replace(MONEY, key=2)
    assert collection_to_refund((bad, good), 1, None, RefundReason.OTHER) is good


def over(**more: Any) -> OrderSnapshot:
    """A settled order with 30 too much."""
    facts: dict[str, Any] = {
        "required": 100,
        "received": 130,
        "accepted": 130,
        "settled_here": True,
        "posted": {Account.AGENCY_PAYABLE: 100, Account.OVERPAYMENT: 30},
    }
    return replace(ORDER, **(facts | more))


def proposals(
    order: OrderSnapshot, *money: Collected, proposed: int = 0, withdrawn: bool = False
) -> list[tuple[int, int, str]]:
    context = replace(CONTEXT, order=order, collections=money, withdrawn=withdrawn)
    return [
        (part.collected.key, part.amount, str(part.reason)) for part in excess_to_refund(context, proposed)
    ]


TWICE = replace(MONEY, key=2, amount=30, verdict="PAID_TWICE")


def test_the_later_money_is_one_too_many_and_never_more_than_that() -> None:
    assert proposals(over(), TWICE, MONEY) == [(2, 30, "PAID_TWICE")]
    assert proposals(over(), replace(TWICE, amount=20), replace(MONEY, verdict="OVERPAYS")) == [
        (2, 20, "PAID_TWICE"),
        (1, 10, "OVERPAID"),
    ]
    assert proposals(over(), TWICE, proposed=10) == [(2, 20, "PAID_TWICE")]
    assert proposals(over(), TWICE, proposed=30) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"hub_reasons": frozenset({"PAID_TWICE"})},
        {"live_reasons": frozenset({"PAID_TWICE"})},
        {"charged_back": True},
        {"contradicted": True},
        {"gone": 30},
        {"verdict": "SETTLES"},
        {"verdict": None},
    ],
)
def test_what_is_seen_to_or_in_doubt_is_not_proposed(fault: dict[str, Any]) -> None:
    assert proposals(over(), replace(TWICE, **fault)) == []


def test_nothing_is_proposed_while_a_contradiction_stands() -> None:
    assert proposals(over(conflict=True), TWICE) == []


@pytest.mark.parametrize(
    ("policy", "amount"), [(LatePolicy.REFUND, 40), (LatePolicy.SUSPENSE, 0), (LatePolicy.ACCEPT, 0)]
)
def test_late_money_in_suspense_is_proposed_where_the_agency_gives_it_back(
    policy: LatePolicy, amount: int
) -> None:
    late = replace(MONEY, amount=40, accepted=False, late=True, verdict="UNDERPAYS")
    order = replace(
        ORDER,
        required=100,
        received=70,
        accepted=30,
        late_policy=policy,
        posted={Account.SUSPENSE: 70},
    )
    assert proposals(order, late) == ([(1, amount, "PAID_LATE")] if amount else [])


def test_suspense_is_for_nothing_once_another_order_settled_or_it_is_withdrawn() -> None:
    order = replace(ORDER, required=100, received=40, accepted=40, posted={Account.SUSPENSE: 40})
    part = replace(MONEY, amount=40, verdict="UNDERPAYS")
    assert proposals(order, part) == []
    assert proposals(replace(order, settled_elsewhere=True), part) == [(1, 40, "PAID_TWICE")]
    assert proposals(order, part, withdrawn=True) == [(1, 40, "PAID_TWICE")]
