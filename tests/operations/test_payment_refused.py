"""What cannot be paid is offered to no bank: closed and held orders, and what another order has settled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from payment_hub.domain.errors import BankNotFound, MalformedReference, OrderClosed, OrderNotFound
from payment_hub.domain.money import Money
from payment_hub.domain.payments import AttemptView
from payment_hub.domain.settlement import LatePolicy
from payment_hub.hub import Hub
from payment_hub.operations.orders import cancel_order, expire_orders
from payment_hub.operations.payments.start import start_payment
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, with_banks
from tests.worlds.database import count
from tests.worlds.orders import (
    a_portal,
    an_agency,
    an_obligation,
    an_operator,
    an_order,
    confirmation,
    receive,
)


@pytest.fixture
def hub(hub: Hub, bank: StandInBank) -> Hub:
    return with_banks(hub, standin=bank)


@pytest.fixture
def bank() -> StandInBank:
    return StandInBank()


@pytest.fixture
def reference(hub: Hub) -> str:
    """An open order over 150,000 dong."""
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


def start(hub: Hub, reference: str, bank: str = "standin", **more: Any) -> AttemptView:
    return start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi", **more)


def pass_the_deadline(hub: Hub, reference: str, clock: StoppedClock) -> None:
    clock.advance(days=1)


def expire(hub: Hub, reference: str, clock: StoppedClock) -> None:
    clock.advance(days=1)
    assert expire_orders(hub) == 1


def withdraw(hub: Hub, reference: str, clock: StoppedClock) -> None:
    cancel_order(hub, caller=an_operator(), reference=reference, reason="wrong", version=1)


def pay(hub: Hub, reference: str, clock: StoppedClock) -> None:
    receive(hub, confirmation(reference))


def pay_in_dollars(hub: Hub, reference: str, clock: StoppedClock) -> None:
    receive(hub, confirmation(reference, Money(100, "USD")))


def contradict(hub: Hub, reference: str, clock: StoppedClock) -> None:
    receive(hub, confirmation(reference, 40_000, bank_transaction_id="T"))
    receive(hub, confirmation(reference, 50_000, bank_transaction_id="T"))


@pytest.mark.parametrize("close", [pass_the_deadline, expire, withdraw, pay, pay_in_dollars, contradict])
def test_an_order_that_is_closed_or_held_is_not_offered_to_any_bank(
    hub: Hub,
    reference: str,
    bank: StandInBank,
    clock: StoppedClock,
    close: Callable[[Hub, str, StoppedClock], None],
) -> None:
    close(hub, reference, clock)
    with pytest.raises(OrderClosed):
        start(hub, reference)
    assert bank.opened == []
    assert count(hub, "payment_attempt") == 0


@pytest.mark.parametrize("policy", LatePolicy)
def test_nobody_is_sent_to_a_bank_for_what_another_order_has_settled(
    hub: Hub, bank: StandInBank, clock: StoppedClock, policy: LatePolicy
) -> None:
    agency, portal = an_agency(hub, late_policy=policy), a_portal(hub)
    obligation = an_obligation(hub, agency)
    old = an_order(hub, agency, portal, obligation=obligation)
    clock.advance(days=1)
    expire_orders(hub)
    new = an_order(hub, agency, portal, obligation=obligation)
    clock.advance(minutes=1)
    receive(hub, confirmation(old["reference"]))
    if policy is LatePolicy.ACCEPT:
        with pytest.raises(OrderClosed, match="another order"):
            start(hub, new["reference"])
    else:
        assert start(hub, new["reference"]).state == "PENDING"


def test_what_does_not_exist_is_said_by_name(hub: Hub, reference: str, bank: StandInBank) -> None:
    with pytest.raises(BankNotFound):
        start(hub, reference, "nobody")
    with pytest.raises(MalformedReference):
        start(hub, reference[:-1])
    with pytest.raises(OrderNotFound):
        start(hub, "DV00000000000000")
    assert bank.opened == []
