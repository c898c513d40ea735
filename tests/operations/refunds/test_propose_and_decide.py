"""Refunds are proposed by one who has seen the balance, and decided by another."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import (
    IdempotencyConflict,
    IllegalTransition,
    Malformed,
    RefundableChanged,
    RefundAboveLimit,
    RefundBlocked,
    RefundExceeds,
    SamePerson,
)
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.lifecycle import RefundReason
from payment_hub.hub import Hub
from payment_hub.operations.orders import show_order
from payment_hub.operations.refunds.decide import decline_refund, set_refund_rules
from payment_hub.operations.refunds.send import send_refunds
from tests.worlds.database import balances, count, execute, scalar
from tests.worlds.orders import an_operator, confirmation, receive
from tests.worlds.refunds import (
    DUC,
    LAN,
    an_officer,
    approve,
    decline,
    order_of,
    propose,
    refund_states,
    refundable,
)

AMOUNT = 150_000
PAID = {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}


def test_the_receipt_stands_and_the_obligation_stays_settled(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    assert show_order(hub, caller=portal, reference=paid).receipt is not None
    assert scalar(hub, "SELECT settled_by FROM obligation") == 1


def test_a_part_is_a_part(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid, 50_000)
    approve(hub, paid)
    send_refunds(hub)
    assert order_of(hub, paid)["status"] == "PARTLY_REFUNDED"
    assert balances(hub) == {"BANK_CLEARING": -100_000, "AGENCY_PAYABLE": 100_000}
    with pytest.raises(RefundExceeds):
        propose(hub, portal, paid, 100_001, refund_id="R2")
    propose(hub, portal, paid, 100_000, refund_id="R2")
    assert refundable(hub, paid) == 0


def test_the_same_request_is_the_same_refund_however_far_it_has_come(
    hub: Hub, portal: Caller, paid: str
) -> None:
    asked: dict[str, Any] = {"refundable": dong(AMOUNT)}
    first = propose(hub, portal, paid, **asked)
    assert propose(hub, portal, paid, **asked) == first
    approve(hub, paid)
    assert propose(hub, portal, paid, **asked).state == "APPROVED"
    for other in (
        {"note": "other"},
        {"reason": RefundReason.OTHER},
        {"refundable": dong(1)},
        {"payee": {"number": "1"}},
    ):
        with pytest.raises(IdempotencyConflict):
            propose(hub, portal, paid, **(asked | other))
    with pytest.raises(IdempotencyConflict):
        propose(hub, LAN, paid, **asked)
    assert count(hub, "refund") == 1


@pytest.mark.parametrize("seen", [0, AMOUNT - 1, AMOUNT + 1])
def test_who_saw_another_balance_must_look_again(hub: Hub, portal: Caller, paid: str, seen: int) -> None:
    with pytest.raises(RefundableChanged, match="150000 VND now"):
        propose(hub, portal, paid, refundable=dong(seen))
    assert count(hub, "refund") == 0


def test_one_reason_for_one_payment_at_a_time(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid, 10_000)
    with pytest.raises(RefundBlocked):
        propose(hub, portal, paid, 10_000, refund_id="R2")
    propose(hub, portal, paid, 10_000, refund_id="R3", reason=RefundReason.NOT_OWED)
    decline(hub, paid)
    propose(hub, portal, paid, 10_000, refund_id="R4")
    assert refundable(hub, paid) == AMOUNT - 20_000


def test_the_proposer_does_not_approve_whichever_key_they_use(hub: Hub, agency: Caller, paid: str) -> None:
    propose(hub, LAN, paid)
    with pytest.raises(SamePerson):
        approve(hub, paid, by=an_officer(LAN.holder, agency))
    assert refund_states(hub) == [("R1", "PROPOSED")]


def test_declining_needs_a_reason_and_frees_the_sum(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid)
    with pytest.raises(Malformed):
        decline_refund(hub, caller=DUC, reference=paid, refund_id="R1", reason=" ")
    assert decline(hub, paid).history[-1].note == "not so"
    assert (refundable(hub, paid), balances(hub)) == (AMOUNT, PAID)
    assert propose(hub, portal, paid, refund_id="R2").state == "PROPOSED"
    for again in (approve, decline):
        with pytest.raises(IllegalTransition):
            again(hub, paid)


def test_above_the_agencys_limit_only_an_operator_approves(hub: Hub, portal: Caller, paid: str) -> None:
    set_refund_rules(
        hub,
        agency="G22.99",
        refund_limit=AMOUNT - 1,
        refund_unseen=False,
        credited_after_days=1,
        voucher_form="C1-04/NS",
    )
    propose(hub, portal, paid)
    with pytest.raises(RefundAboveLimit):
        approve(hub, paid)
    assert approve(hub, paid, by=an_operator()).state == "APPROVED"


def test_a_refund_is_of_one_payment(hub: Hub, portal: Caller, paid: str) -> None:
    receive(hub, confirmation(paid, 60_000, bank="refunding", bank_transaction_id="T2"))
    with pytest.raises(RefundExceeds, match="at most 150000 of one"):
        propose(hub, portal, paid, 210_000)
    assert propose(hub, portal, paid, 50_000).collection.bank_transaction_id == "T2"
    with pytest.raises(RefundExceeds):
        propose(
            hub,
            portal,
            paid,
            60_000,
            refund_id="R2",
            collection=("refunding", "T2"),
            reason=RefundReason.OTHER,
        )


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_is_no_refund(hub: Hub, portal: Caller, paid: str, amount: int) -> None:
    with pytest.raises(Malformed):
        propose(hub, portal, paid, amount)


@pytest.mark.parametrize(
    "change_of",
    [
        "amount = 1",
        "collection_id = 2",
        "reason = 'OTHER'",
        "proposed_by = 'x'",
        "order_id = 2",
        "note = ''",
    ],
)
def test_what_was_asked_for_never_changes(hub: Hub, portal: Caller, paid: str, change_of: str) -> None:
    propose(hub, portal, paid)
    with pytest.raises(IntegrityError, match="append-only"):
        execute(hub, f"UPDATE refund SET {change_of}")
    with pytest.raises(IntegrityError, match="append-only"):
        execute(hub, "DELETE FROM refund")


@pytest.mark.parametrize(
    "trespass",
    [
        "UPDATE payment_order SET held_refund = received + 1",
        "UPDATE payment_order SET refunded = 1, held_refund = received, paid_back = 1",
        "UPDATE payment_order SET paid_back = 1",
        "UPDATE refund SET state = 'APPROVED'",
        "UPDATE refund SET state = 'APPROVED', approved_by = proposed_by",
    ],
)
def test_the_database_itself_keeps_the_limits(hub: Hub, portal: Caller, paid: str, trespass: str) -> None:
    propose(hub, portal, paid, 50_000)
    if "paid_back = 1" in trespass and "refunded" not in trespass:
        decline(hub, paid)
    with pytest.raises(IntegrityError):
        execute(hub, trespass)
