"""Expiry closes the offer, not the money."""

from __future__ import annotations

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import BankUnavailable
from payment_hub.domain.money import Money
from payment_hub.hub import Hub
from payment_hub.operations import orders as module
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.payments.start import start_payment
from tests.asking import attempts, rows
from tests.builders import a_portal, an_agency, an_order, confirmation, hear
from tests.conftest import StoppedClock
from tests.stand_in_banks import StandInBank, says, with_banks


@pytest.fixture
def agency(hub: Hub) -> Caller:
    return an_agency(hub)


@pytest.fixture
def portal(hub: Hub) -> Caller:
    return a_portal(hub)


def statuses(hub: Hub) -> list[str]:
    return [row["status"] for row in rows(hub, "SELECT status FROM payment_order ORDER BY id")]


def test_an_order_expires_at_its_deadline_and_not_before_and_once(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    an_order(hub, agency, portal, minutes=10)
    clock.advance(minutes=9, seconds=59)
    assert expire_orders(hub) == 0
    clock.advance(seconds=1)
    assert (expire_orders(hub), expire_orders(hub)) == (1, 0)
    events = rows(hub, "SELECT type, data ->> 'status' AS status FROM event ORDER BY id")
    assert events[1:] == [{"type": "payment_order.expired", "status": "EXPIRED"}]


def test_what_has_money_or_is_closed_or_was_for_nothing_never_expires(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    paid, part = (an_order(hub, agency, portal)["reference"] for _ in range(2))
    an_order(hub, agency, portal, amount=0)
    hear(hub, confirmation(paid))
    hear(hub, confirmation(part, 1))
    clock.advance(days=2)
    assert expire_orders(hub) == 0
    assert statuses(hub) == ["PAID", "UNDERPAID", "PAID"]


def test_money_in_another_currency_does_not_keep_the_offer_open(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    order = an_order(hub, agency, portal)
    hear(hub, confirmation(order["reference"], Money(100, "USD")))
    clock.advance(days=2)
    assert expire_orders(hub) == 1
    assert statuses(hub) == ["EXPIRED"]


def test_a_backlog_is_worked_off_in_batches(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    for _ in range(7):
        an_order(hub, agency, portal)
    clock.advance(days=2)
    assert [expire_orders(hub) for _ in range(4)] == [3, 3, 1, 0]


def test_a_payment_under_way_is_given_up_unless_its_outcome_is_unknown(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    silent = StandInBank(on_open=says(BankUnavailable("no answer")))
    hub = with_banks(hub, standin=StandInBank(), silent=silent)
    for bank in hub.adapters:
        order = an_order(hub, agency, portal)
        try:
            start_payment(hub, reference=order["reference"], bank=bank, payer_ip="203.0.113.9", language="vi")
        except BankUnavailable:
            assert bank == "silent"
    clock.advance(days=2)
    assert expire_orders(hub) == 2
    assert attempts(hub) == [("standin", "ABANDONED", 150_000), ("silent", "UNKNOWN", 150_000)]
    assert query_pending(hub) == 1
