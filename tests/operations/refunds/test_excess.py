"""What came twice, too much or for nothing is proposed as a refund by the hub, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import MoneyNotSeen, RefundBlocked, RefundExceeds
from payment_hub.domain.money import Money
from payment_hub.domain.settlement import LatePolicy
from payment_hub.hub import Hub
from payment_hub.operations.obligations import withdraw_obligation
from payment_hub.operations.orders import cancel_order, expire_orders
from payment_hub.operations.refunds.decide import RECENT, propose_excess_refunds, set_refund_rules
from payment_hub.operations.refunds.read import show_refund
from payment_hub.operations.refunds.send import send_refunds
from tests.conftest import StoppedClock
from tests.worlds.banks import with_banks
from tests.worlds.database import balances, rows
from tests.worlds.orders import a_portal, an_agency, an_obligation, an_order, confirmation, receive
from tests.worlds.refunds import (
    DUC,
    LAN,
    RefundingBank,
    add_statement_line,
    approve,
    decline,
    order_of,
    propose,
    refund_states,
)

AMOUNT = 150_000


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return with_banks(hub, refunding=RefundingBank())


@pytest.fixture
def agency(hub: Hub) -> Caller:
    return an_agency(hub)


@pytest.fixture
def portal(hub: Hub) -> Caller:
    return a_portal(hub)


def pay(hub: Hub, reference: str, amount: int | Money = AMOUNT, transaction: str = "T1", **more: Any) -> None:
    receive(hub, confirmation(reference, amount, bank="refunding", bank_transaction_id=transaction, **more))


def proposals(hub: Hub) -> list[tuple[str, str, int, str]]:
    """Transaction, reason, amount and proposer of every refund, oldest first."""
    sql = """SELECT c.bank_transaction_id, r.reason, r.amount, r.proposed_by FROM refund r
        JOIN collection c ON c.id = r.collection_id ORDER BY r.id"""
    return [tuple(row.values()) for row in rows(hub, sql)]


@pytest.fixture
def twice(hub: Hub, agency: Caller, portal: Caller) -> str:
    """An order that was paid by two banks' transactions."""
    reference = str(an_order(hub, agency, portal)["reference"])
    pay(hub, reference)
    pay(hub, reference, transaction="T2")
    return reference


def test_the_later_of_two_payments_is_proposed_once(hub: Hub, twice: str) -> None:
    assert propose_excess_refunds(hub) == 1
    assert proposals(hub) == [("T2", "PAID_TWICE", AMOUNT, "hub")]
    assert propose_excess_refunds(hub) == 0
    assert order_of(hub, twice)["held_refund"] == AMOUNT


def test_it_waits_until_the_money_is_seen_in_a_statement(hub: Hub, twice: str) -> None:
    propose_excess_refunds(hub)
    assert show_refund(hub, caller=DUC, reference=twice, refund_id="hub:2").waits_for_statement
    with pytest.raises(MoneyNotSeen):
        approve(hub, twice, "hub:2")
    add_statement_line(hub, "refunding", "T1")
    add_statement_line(hub, "refunding", "T2", AMOUNT - 1)
    with pytest.raises(MoneyNotSeen):
        approve(hub, twice, "hub:2")
    add_statement_line(hub, "refunding", "T2")
    assert not show_refund(hub, caller=DUC, reference=twice, refund_id="hub:2").waits_for_statement
    approve(hub, twice, "hub:2")
    send_refunds(hub)
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}
    assert order_of(hub, twice)["status"] == "PAID"


def test_unless_the_agencys_rule_says_otherwise(hub: Hub, twice: str) -> None:
    set_refund_rules(
        hub,
        agency="G22.99",
        refund_limit=None,
        refund_unseen=True,
        credited_after_days=1,
        voucher_form="C1-04/NS",
    )
    propose_excess_refunds(hub)
    assert approve(hub, twice, "hub:2").state == "APPROVED"


def test_what_a_person_proposes_waits_for_no_statement(hub: Hub, portal: Caller, twice: str) -> None:
    propose(hub, portal, twice)
    assert approve(hub, twice).state == "APPROVED"


def test_what_officers_declined_is_not_proposed_again(hub: Hub, twice: str) -> None:
    propose_excess_refunds(hub)
    decline(hub, twice, "hub:2")
    assert propose_excess_refunds(hub) == 0
    assert refund_states(hub) == [("hub:2", "DECLINED")]


def test_what_somebody_proposed_already_is_not_proposed_by_the_hub(
    hub: Hub, portal: Caller, twice: str
) -> None:
    propose(hub, portal, twice)
    assert propose_excess_refunds(hub) == 0


def test_an_overpayment_is_proposed_as_far_as_it_is_one(hub: Hub, agency: Caller, portal: Caller) -> None:
    pay(hub, an_order(hub, agency, portal)["reference"], AMOUNT + 1_000)
    propose_excess_refunds(hub)
    assert proposals(hub) == [("T1", "OVERPAID", 1_000, "hub")]


def test_a_second_payment_after_an_overpayment_is_each_proposed(
    hub: Hub, agency: Caller, portal: Caller
) -> None:
    reference = an_order(hub, agency, portal)["reference"]
    pay(hub, reference, AMOUNT + 1_000)
    propose_excess_refunds(hub)
    pay(hub, reference, 70_000, "T2")
    propose_excess_refunds(hub)
    assert proposals(hub) == [("T1", "OVERPAID", 1_000, "hub"), ("T2", "PAID_TWICE", 70_000, "hub")]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (LatePolicy.ACCEPT, []),
        (LatePolicy.REFUND, [("T1", "PAID_LATE", AMOUNT, "hub")]),
        (LatePolicy.SUSPENSE, []),
    ],
)
def test_a_payment_after_withdrawal_goes_by_the_agencys_policy(
    hub: Hub, portal: Caller, clock: StoppedClock, policy: LatePolicy, expected: list[Any]
) -> None:
    agency = an_agency(hub, late_policy=policy)
    reference = an_order(hub, agency, portal)["reference"]
    cancel_order(hub, caller=portal, reference=reference, reason="wrong", version=1)
    clock.advance(minutes=10)
    pay(hub, reference)
    propose_excess_refunds(hub)
    assert proposals(hub) == expected


def test_a_part_that_came_too_late_is_proposed_too(hub: Hub, portal: Caller, clock: StoppedClock) -> None:
    agency = an_agency(hub, late_policy=LatePolicy.REFUND)
    reference = an_order(hub, agency, portal, minutes=10)["reference"]
    pay(hub, reference, 40_000)
    clock.advance(minutes=11)
    pay(hub, reference, 30_000, "T2")
    propose_excess_refunds(hub)
    assert proposals(hub) == [("T2", "PAID_LATE", 30_000, "hub")]


def test_money_for_what_is_withdrawn_is_proposed_whatever_the_policy(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    obligation = an_obligation(hub, agency)
    reference = an_order(hub, agency, portal, obligation=obligation)["reference"]
    withdraw_obligation(
        hub, caller=agency, agency="G22.99", reference=obligation, version=1, reason="appealed"
    )
    clock.advance(minutes=1)
    pay(hub, reference)
    propose_excess_refunds(hub)
    assert proposals(hub) == [("T1", "PAID_LATE", AMOUNT, "hub")]
    add_statement_line(hub, "refunding", "T1")
    approve(hub, reference, "hub:1")
    assert order_of(hub, reference)["held"]
    send_refunds(hub)
    order = order_of(hub, reference)
    assert (order["status"], order["held"], balances(hub)) == ("REFUNDED", False, {})


def test_money_for_what_another_order_has_settled_is_proposed(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    obligation = an_obligation(hub, agency)
    old = an_order(hub, agency, portal, obligation=obligation, minutes=10)["reference"]
    clock.advance(minutes=11)
    expire_orders(hub)
    pay(hub, an_order(hub, agency, portal, obligation=obligation)["reference"])
    pay(hub, old, 40_000, "T2")
    propose_excess_refunds(hub)
    assert proposals(hub) == [("T2", "PAID_TWICE", 40_000, "hub")]


def test_nothing_is_proposed_while_banks_contradict_each_other(hub: Hub, portal: Caller, twice: str) -> None:
    pay(hub, twice, 1, "T2")
    assert propose_excess_refunds(hub) == 0
    with pytest.raises(RefundBlocked):
        propose(hub, portal, twice)
    propose(hub, LAN, twice)
    assert approve(hub, twice).state == "APPROVED"


def test_what_was_proposed_before_the_contradiction_is_not_approved_during_it(hub: Hub, twice: str) -> None:
    propose_excess_refunds(hub)
    add_statement_line(hub, "refunding", "T2")
    pay(hub, twice, 1, "T2")
    with pytest.raises(RefundBlocked):
        approve(hub, twice, "hub:2")


def test_money_in_another_currency_is_no_ones_to_propose(hub: Hub, agency: Caller, portal: Caller) -> None:
    reference = an_order(hub, agency, portal)["reference"]
    pay(hub, reference, Money(100, "USD"))
    assert propose_excess_refunds(hub) == 0
    with pytest.raises(RefundExceeds):
        propose(hub, portal, reference, 1)


def test_the_quick_look_sees_only_what_is_recent(hub: Hub, clock: StoppedClock, twice: str) -> None:
    clock.moment += RECENT + timedelta(seconds=1)
    assert propose_excess_refunds(hub, looked_back=RECENT) == 0
    assert propose_excess_refunds(hub) == 1


def test_many_are_found_page_by_page(
    hub: Hub, agency: Caller, portal: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payment_hub.operations.refunds.decide._PAGE", 2)
    for number in range(5):
        pay(hub, an_order(hub, agency, portal)["reference"], AMOUNT + 1, f"T{number}")
    assert propose_excess_refunds(hub) == 5


__all__ = ["agency", "hub", "portal"]
"""Fixtures."""


def test_a_part_is_proposed_however_late_another_order_settles(
    hub: Hub, portal: Caller, clock: StoppedClock
) -> None:
    agency = an_agency(hub, late_policy=LatePolicy.ACCEPT)
    obligation = an_obligation(hub, agency)
    first = an_order(hub, agency, portal, obligation=obligation, minutes=10)["reference"]
    clock.advance(minutes=11)
    expire_orders(hub)
    second = an_order(hub, agency, portal, obligation=obligation)["reference"]
    pay(hub, first, 40_000)
    clock.advance(days=20)
    assert propose_excess_refunds(hub) == 0
    pay(hub, second, transaction="T2")
    propose_excess_refunds(hub)
    assert proposals(hub) == [("T1", "PAID_TWICE", 40_000, "hub")]


def test_where_nothing_is_too_much_nobody_is_kept_waiting(hub: Hub, agency: Caller, portal: Caller) -> None:
    pay(hub, an_order(hub, agency, portal)["reference"], 40_000)
    before = rows(hub, "SELECT row_version FROM obligation")
    propose_excess_refunds(hub)
    assert rows(hub, "SELECT row_version FROM obligation") == before
