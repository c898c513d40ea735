"""Money that comes while or after money goes back: the book follows the facts, in whatever order they come."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import OrderClosed
from payment_hub.domain.refunds.lifecycle import RefundReason
from payment_hub.domain.settlement import LatePolicy
from payment_hub.hub import Hub
from payment_hub.operations.payments.start import start_payment
from payment_hub.operations.receipts import show_receipt
from payment_hub.operations.refunds.send import send_refunds
from tests.conftest import StoppedClock
from tests.histories.facts import empty
from tests.worlds.banks import answers_in_turn
from tests.worlds.database import balances, rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive
from tests.worlds.refunds import LAN, REFUSED, RETURNED, RefundingBank, approve, decline, order_of, propose

AMOUNT = 150_000


@pytest.fixture
def reference(hub: Hub, portal: Caller) -> str:
    return str(an_order(hub, an_agency(hub), portal)["reference"])


def pay(hub: Hub, reference: str, transaction: str, amount: int = AMOUNT) -> None:
    receive(hub, confirmation(reference, amount, bank="refunding", bank_transaction_id=transaction))


def give_back(hub: Hub, reference: str, transaction: str, amount: int = AMOUNT, **more: Any) -> None:
    asked = {"refund_id": f"R{transaction}", "collection": ("refunding", transaction), **more}
    propose(hub, LAN, reference, amount, **asked)
    approve(hub, reference, f"R{transaction}")


def test_a_second_payment_after_the_first_went_back_is_the_payment(
    hub: Hub, portal: Caller, reference: str
) -> None:
    pay(hub, reference, "T1")
    give_back(hub, reference, "T1")
    send_refunds(hub)
    assert order_of(hub, reference)["status"] == "REFUNDED"
    pay(hub, reference, "T2")
    assert order_of(hub, reference)["status"] == "PAID"
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}
    assert scalar(hub, "SELECT type FROM event ORDER BY id DESC LIMIT 1") == "payment_order.paid"
    assert scalar(hub, "SELECT count(*) FROM receipt") == 1


def test_two_payments_and_one_refund_end_alike_in_every_order(hub: Hub) -> None:
    ends = []
    acts = [("pay", "T1"), ("pay", "T2"), ("back", "T1"), ("send", "")]
    for order in permutations(acts):
        if order.index(acts[0]) > order.index(acts[2]) or order.index(acts[2]) > order.index(acts[3]):
            continue
        empty(hub)
        reference = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
        for verb, transaction in order:
            if verb == "pay":
                pay(hub, reference, transaction)
            elif verb == "back":
                give_back(hub, reference, transaction)
            else:
                send_refunds(hub)
        kept = ("status", "received", "accepted", "refunded", "paid_back", "held", "late")
        ends.append((balances(hub), {name: order_of(hub, reference)[name] for name in kept}))
    assert len(ends) == 4
    assert all(end == ends[0] for end in ends)


def test_a_part_that_went_back_does_not_settle_with_what_comes_after(
    hub: Hub, portal: Caller, reference: str
) -> None:
    pay(hub, reference, "T1", 40_000)
    give_back(hub, reference, "T1", 40_000)
    pay(hub, reference, "T2", 110_000)
    assert scalar(hub, "SELECT count(*) FROM receipt") == 0
    # While the refund is on its way the facts look like a full payment: held, so that nobody takes it for one.
    assert (order_of(hub, reference)["status"], order_of(hub, reference)["held"]) == ("PAID", True)
    send_refunds(hub)
    order = order_of(hub, reference)
    assert (order["status"], order["held"]) == ("PARTLY_REFUNDED", False)
    pay(hub, reference, "T3", 40_000)
    assert order_of(hub, reference)["status"] == "PAID"
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}
    assert scalar(hub, "SELECT amount FROM receipt") == AMOUNT


def test_money_that_comes_back_completes_the_payment(
    hub: Hub, bank: RefundingBank, portal: Caller, reference: str
) -> None:
    bank.on_refund = answers_in_turn(REFUSED)
    pay(hub, reference, "T1", 40_000)
    give_back(hub, reference, "T1", 40_000)
    pay(hub, reference, "T2", 110_000)
    send_refunds(hub)
    order = order_of(hub, reference)
    assert (order["status"], order["held"]) == ("PAID", False)
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}
    assert show_receipt(hub, caller=portal, reference=reference).amount.minor == AMOUNT
    told = [row["type"].partition(".")[2] for row in rows(hub, "SELECT type FROM event ORDER BY sequence")]
    assert told[-2:] == ["refund_failed", "paid"]


def test_what_fails_after_another_went_back_is_what_the_agency_is_owed(
    hub: Hub, bank: RefundingBank, portal: Caller, reference: str
) -> None:
    """The second payment was too much when its refund left; the first has gone since, so the second is the payment."""
    pay(hub, reference, "T1")
    pay(hub, reference, "T2")
    give_back(hub, reference, "T2")
    give_back(hub, reference, "T1")
    assert balances(hub) == {"BANK_CLEARING": -2 * AMOUNT, "REFUND_CLEARING": 2 * AMOUNT}
    bank.on_refund = answers_in_turn(REFUSED, RETURNED)
    send_refunds(hub)
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}
    assert order_of(hub, reference)["status"] == "PAID"


def test_a_part_payment_booked_at_once_goes_back_from_the_agencys_account(hub: Hub, portal: Caller) -> None:
    agency = an_agency(hub, "H41", part_payments=True)
    reference = an_order(hub, agency, portal)["reference"]
    pay(hub, reference, "T1", 40_000)
    pay(hub, reference, "T2", 50_000)
    give_back(hub, reference, "T1", 40_000)
    assert balances(hub) == {"BANK_CLEARING": -90_000, "REFUND_CLEARING": 40_000, "AGENCY_PAYABLE": 50_000}
    pay(hub, reference, "T3", 100_000)
    send_refunds(hub)
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}
    assert scalar(hub, "SELECT count(*) FROM receipt") == 1


def test_late_money_that_may_not_settle_goes_back_and_the_rest_still_settles(
    hub: Hub, portal: Caller, clock: StoppedClock
) -> None:
    agency = an_agency(hub, "H41", late_policy=LatePolicy.SUSPENSE)
    reference = an_order(hub, agency, portal, minutes=10)["reference"]
    pay(hub, reference, "T1", 100_000)
    clock.advance(minutes=11)
    pay(hub, reference, "T2", 70_000)
    give_back(hub, reference, "T2", 70_000, reason=RefundReason.PAID_LATE)
    send_refunds(hub)
    receive(
        hub,
        confirmation(
            reference,
            50_000,
            bank="refunding",
            bank_transaction_id="T3",
            paid_at=clock() - timedelta(minutes=5),
        ),
    )
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}
    assert scalar(hub, "SELECT count(*) FROM receipt") == 1


def test_no_second_payment_is_started_while_money_is_on_its_way_back(
    hub: Hub, portal: Caller, reference: str
) -> None:
    pay(hub, reference, "T1", 40_000)
    propose(hub, portal, reference, 40_000)
    with pytest.raises(OrderClosed, match="a refund of it is under way"):
        start_payment(hub, reference=reference, bank="refunding", payer_ip="203.0.113.9", language="vi")
    decline(hub, reference)
    start_payment(hub, reference=reference, bank="refunding", payer_ip="203.0.113.9", language="vi")
