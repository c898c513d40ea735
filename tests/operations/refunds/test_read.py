"""What is told and shown of refunds, and to whom."""

from __future__ import annotations

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import Forbidden, OrderNotFound, RefundNotFound
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.lifecycle import RefundState
from payment_hub.domain.refunds.views import Payee
from payment_hub.hub import Hub
from payment_hub.operations.refunds.read import list_order_refunds, list_refunds, show_refund
from payment_hub.operations.refunds.send import send_refunds
from tests.worlds.database import count, rows, scalar
from tests.worlds.orders import a_portal, an_agency
from tests.worlds.refunds import DUC, LAN, a_paid_order, an_officer, approve, decline, propose

AMOUNT = 150_000
PAID = {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}


def test_the_portal_is_told_of_each_step_with_the_refund(hub: Hub, agency: Caller) -> None:
    portal = a_portal(hub, "told", webhook_url="https://portal.test/webhooks")
    paid = a_paid_order(hub, agency, portal)
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    told = rows(hub, "SELECT type, data FROM event WHERE order_id = 1 ORDER BY sequence")[2:]
    assert [row["type"].partition(".")[2] for row in told] == [
        "refund_proposed",
        "refund_approved",
        "refund_succeeded",
    ]
    assert [row["data"]["refund"]["state"] for row in told] == ["PROPOSED", "APPROVED", "SUCCEEDED"]
    assert [row["data"]["refundable"]["amount"] for row in told] == ["0", "0", "0"]
    assert told[-1]["data"]["status"] == "REFUNDED"
    assert count(hub, "webhook") == 5


def test_what_is_anothers_is_not_there(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid)
    stranger, elsewhere = a_portal(hub, "tinh"), an_officer("Hoa", an_agency(hub, "H41"))
    for caller in (stranger, elsewhere):
        with pytest.raises(OrderNotFound):
            propose(hub, caller, paid, refund_id="R2")
        with pytest.raises(OrderNotFound):
            show_refund(hub, caller=caller, reference=paid, refund_id="R1")
        assert list_refunds(hub, caller=caller).items == ()
    with pytest.raises(OrderNotFound):
        approve(hub, paid, by=elsewhere)
    with pytest.raises(RefundNotFound):
        approve(hub, paid, "R2")
    for decides in (approve, decline):
        with pytest.raises(Forbidden):
            decides(hub, paid, by=portal)


def test_names_are_for_those_who_keep_the_books(hub: Hub, agency: Caller, portal: Caller, paid: str) -> None:
    propose(hub, LAN, paid, payee={"number": "0011"})
    approve(hub, paid)
    shown = {
        who: show_refund(hub, caller=caller, reference=paid, refund_id="R1")
        for who, caller in {"portal": portal, "agency": agency, "officer": DUC}.items()
    }
    assert (shown["portal"].proposed_by, shown["portal"].approved_by, shown["portal"].payee) == (None,) * 3
    assert {told.actor for told in shown["portal"].history} == {None}
    assert (shown["agency"].approved_by, shown["agency"].payee) == (DUC.holder, None)
    assert shown["officer"].payee == Payee("0011", stated_by=LAN.name)


def test_what_is_left_of_each_payment_is_shown(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid, 40_000)
    shown = list_order_refunds(hub, caller=portal, reference=paid)
    assert shown.refundable == dong(110_000)
    assert [(one.bank, one.refundable, one.blocked) for one in shown.collections] == [
        ("refunding", dong(110_000), None)
    ]
    assert [one.refund_id for one in shown.items] == ["R1"]


def test_a_list_of_what_waits(hub: Hub, agency: Caller, portal: Caller) -> None:
    for number in range(3):
        propose(hub, portal, a_paid_order(hub, agency, portal), refund_id=f"R{number}")
    approve(hub, scalar(hub, "SELECT reference FROM payment_order WHERE id = 1"), "R0")
    first = list_refunds(hub, caller=DUC, state=RefundState.PROPOSED, limit=1)
    assert [view.refund_id for view in first.items] == ["R2"]
    rest = list_refunds(hub, caller=DUC, state=RefundState.PROPOSED, after=first.next_cursor)
    assert [view.refund_id for view in rest.items] == ["R1"]
