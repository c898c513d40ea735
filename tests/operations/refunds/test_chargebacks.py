"""A bank takes money back by itself: it counts as given back, marks the order, and nothing of it goes back twice."""

from __future__ import annotations

from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import (
    BankUnavailable,
    CollectionNotFound,
    IdempotencyConflict,
    RefundBlocked,
    RefundExceeds,
)
from payment_hub.domain.money import Money, dong
from payment_hub.domain.orders import OrderView
from payment_hub.domain.refunds.lifecycle import RefundEvent, RefundReason
from payment_hub.hub import Hub
from payment_hub.operations.health import check_invariants, count_work
from payment_hub.operations.refunds.chargebacks import record_chargeback
from payment_hub.operations.refunds.decide import propose_excess_refunds
from payment_hub.operations.refunds.send import record_refund_result, send_refunds
from tests.worlds.banks import answers_in_turn
from tests.worlds.database import balances, count, rows, scalar
from tests.worlds.orders import an_agency, an_order, confirmation, receive
from tests.worlds.refunds import (
    RETURNED,
    RefundingBank,
    approve,
    decline,
    order_of,
    propose,
    prove,
    refundable,
)

AMOUNT = 150_000


@pytest.fixture
def paid(hub: Hub, portal: Caller) -> str:
    reference = str(an_order(hub, an_agency(hub), portal)["reference"])
    receive(hub, confirmation(reference, bank="refunding", bank_transaction_id="T1"))
    return reference


def take_back(
    hub: Hub, amount: int | Money = AMOUNT, transaction: str = "T1", evidence: str = "letter 7"
) -> OrderView:
    money = dong(amount) if isinstance(amount, int) else amount
    return record_chargeback(
        hub, bank="refunding", bank_transaction_id=transaction, amount=money, evidence=evidence, by="lan"
    )


def test_the_order_is_disputed_and_the_money_is_gone(hub: Hub, paid: str) -> None:
    view = take_back(hub, 50_000)
    assert (view.status, view.flags, view.refundable) == ("PARTLY_REFUNDED", ("DISPUTED",), dong(100_000))
    assert balances(hub) == {"BANK_CLEARING": -100_000, "AGENCY_PAYABLE": 100_000}
    assert scalar(hub, "SELECT type FROM event ORDER BY id DESC LIMIT 1") == "payment_order.disputed"


def test_the_same_evidence_is_the_same_chargeback(hub: Hub, paid: str) -> None:
    take_back(hub, 50_000)
    assert take_back(hub, 50_000).refunded == dong(50_000)
    with pytest.raises(IdempotencyConflict):
        take_back(hub, 50_001)
    take_back(hub, 100_000, evidence="letter 8")
    assert (count(hub, "chargeback"), order_of(hub, paid)["status"]) == (2, "REFUNDED")


@pytest.mark.parametrize("amount", [0, AMOUNT + 1, Money(1, "USD")])
def test_no_more_can_be_taken_back_than_is_there(hub: Hub, paid: str, amount: int | Money) -> None:
    with pytest.raises(RefundExceeds):
        take_back(hub, amount)
    assert count(hub, "chargeback") == 0


def test_money_of_no_order_is_not_taken_back_here(hub: Hub, paid: str) -> None:
    receive(hub, confirmation("typed by hand", bank="refunding", bank_transaction_id="T9"))
    for transaction in ("T9", "T10"):
        with pytest.raises(CollectionNotFound):
            take_back(hub, 1, transaction)


def test_a_proposed_refund_must_be_declined_first(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid)
    with pytest.raises(RefundExceeds):
        take_back(hub)
    decline(hub, paid)
    take_back(hub)
    assert refundable(hub, paid) == 0


def test_nothing_more_of_disputed_money_goes_back(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid, 10_000)
    take_back(hub, 50_000)
    with pytest.raises(RefundBlocked):
        propose(hub, portal, paid, 10_000, refund_id="R2", reason=RefundReason.OTHER)
    with pytest.raises(RefundBlocked):
        approve(hub, paid)


def test_what_is_too_much_is_taken_back_first(hub: Hub, paid: str) -> None:
    receive(hub, confirmation(paid, bank="refunding", bank_transaction_id="T2"))
    take_back(hub)
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}
    assert propose_excess_refunds(hub) == 0
    assert order_of(hub, paid)["status"] == "PAID"


@pytest.mark.parametrize("said", [RETURNED, BankUnavailable("no answer")])
def test_what_was_given_back_and_is_taken_back_as_well_is_kept_and_blocks(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str, said: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bank.on_refund = answers_in_turn(said)
    propose(hub, portal, paid, 100_000)
    approve(hub, paid)
    send_refunds(hub)
    before = balances(hub)["BANK_CLEARING"]
    view = take_back(hub, 120_000)
    assert take_back(hub, 120_000) == view
    assert (view.flags, refundable(hub, paid)) == (("DISPUTED",), 0)
    assert rows(hub, "SELECT amount, excess FROM chargeback") == [{"amount": 120_000, "excess": 70_000}]
    assert balances(hub).get("BANK_CLEARING", 0) == before + 50_000
    assert [record.message for record in caplog.records].count("chargeback_exceeds") == 1
    assert count_work(hub).chargebacks_in_excess == 1
    with pytest.raises(RefundExceeds):
        take_back(hub, 30_001, evidence="letter 8")
    if said is not RETURNED:
        record_refund_result(hub, key=1, event=RefundEvent.FAILED, code="94")
        with pytest.raises(RefundBlocked, match="70000 that was refunded as well"):
            propose(hub, portal, paid, 1, refund_id="R2")
    assert check_invariants(hub) == []


def test_what_was_approved_and_not_sent_stays_here_when_the_bank_takes_money_back(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    propose(hub, portal, paid, 50_000)
    approve(hub, paid)
    take_back(hub)
    assert (send_refunds(hub), bank.refund_requests) == (0, [])
    prove(hub, paid, RefundEvent.FAILED)
    assert check_invariants(hub) == []


def test_twice_the_same_money_beyond_what_came_is_refused(hub: Hub, paid: str) -> None:
    take_back(hub, 100_000)
    with pytest.raises(RefundExceeds, match="at most 50000"):
        take_back(hub, 50_001, evidence="letter 8")
