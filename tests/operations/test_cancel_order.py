"""Withdrawing an order."""

from __future__ import annotations

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import MalformedReference, OrderClosed, OrderNotFound, StaleVersion
from payment_hub.hub import Hub
from payment_hub.operations.orders import cancel_order, expire_orders, show_order
from payment_hub.operations.payments.start import start_payment
from tests.asking import attempts, rows
from tests.builders import a_portal, an_agency, an_operator, an_order, confirmation, hear
from tests.conftest import StoppedClock
from tests.stand_in_banks import StandInBank, with_banks


@pytest.fixture
def agency(hub: Hub) -> Caller:
    return an_agency(hub)


@pytest.fixture
def portal(hub: Hub) -> Caller:
    return a_portal(hub)


@pytest.fixture
def reference(hub: Hub, agency: Caller, portal: Caller) -> str:
    return str(an_order(hub, agency, portal)["reference"])


def withdraw(hub: Hub, caller: Caller, reference: str, version: int = 1) -> str:
    view = cancel_order(hub, caller=caller, reference=reference, reason="wrong person", version=version)
    assert view == show_order(hub, caller=caller, reference=reference)
    return view.status


def test_the_portal_and_the_agency_may_withdraw_their_order_and_the_reason_is_told(
    hub: Hub, agency: Caller, portal: Caller
) -> None:
    for caller in (agency, portal, an_operator()):
        assert withdraw(hub, caller, an_order(hub, agency, portal)["reference"]) == "CANCELLED"
    told = rows(hub, "SELECT data ->> 'cancel_reason' AS reason FROM event WHERE sequence = 2")
    assert told == [{"reason": "wrong person"}] * 3


def test_others_do_not_even_learn_that_it_exists(hub: Hub, reference: str) -> None:
    for stranger in (a_portal(hub, "other"), an_agency(hub, "H55")):
        with pytest.raises(OrderNotFound):
            withdraw(hub, stranger, reference)
    assert show_order(hub, caller=an_operator(), reference=reference).status == "OPEN"


def test_an_old_version_is_refused_and_changes_nothing(hub: Hub, portal: Caller, reference: str) -> None:
    for version in (0, 2):
        with pytest.raises(StaleVersion):
            withdraw(hub, portal, reference, version)
    assert show_order(hub, caller=portal, reference=reference).version == 1


def test_what_has_money_or_has_ended_stays_as_it_is(
    hub: Hub, agency: Caller, portal: Caller, reference: str, clock: StoppedClock
) -> None:
    hear(hub, confirmation(reference, 1))
    free = an_order(hub, agency, portal, amount=0)["reference"]
    late = an_order(hub, agency, portal)["reference"]
    clock.advance(days=1)
    expire_orders(hub)
    for closed, status in ((reference, "UNDERPAID"), (free, "PAID"), (late, "EXPIRED")):
        with pytest.raises(OrderClosed, match=status):
            withdraw(hub, portal, closed, 2)


def test_an_unknown_or_mistyped_reference_is_said_to_be_so(hub: Hub, portal: Caller, reference: str) -> None:
    with pytest.raises(OrderNotFound):
        withdraw(hub, portal, "DV00000000000000")
    with pytest.raises(MalformedReference):
        withdraw(hub, portal, reference[:-1] + ("0" if reference[-1] != "0" else "1"))


def test_the_payment_under_way_is_given_up_and_its_money_is_late(
    hub: Hub, portal: Caller, reference: str, clock: StoppedClock
) -> None:
    hub = with_banks(hub, standin=StandInBank())
    start_payment(hub, reference=reference, bank="standin", payer_ip="203.0.113.9", language="vi")
    withdraw(hub, portal, reference)
    assert attempts(hub) == [("standin", "ABANDONED", 150_000)]
    clock.advance(seconds=1)
    hear(hub, confirmation(reference, bank="standin"))
    order = show_order(hub, caller=portal, reference=reference)
    assert (order.status, order.flags) == ("PAID", ("LATE",))
