"""A process dies while it takes in or judges a callback: the bank repeats it, or it is judged from what was stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.port import BankAdapter
from payment_hub.domain.banks.values import CallbackRequest
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import IN_HAND, receive_callback, rejudge_callbacks
from payment_hub.operations.payments.start import start_payment
from tests.conftest import StoppedClock
from tests.crashes.conftest import Survives
from tests.simulators.sandbox import Sandbox
from tests.worlds.banks import StandInBank, a_callback, a_sandbox_bank, store_unjudged_callback, with_banks
from tests.worlds.orders import a_portal, an_agency, an_order


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[Sandbox, BankAdapter]]:
    with a_sandbox_bank() as both:
        yield both


@pytest.fixture
def hub(hub: Hub, sandbox: tuple[Sandbox, BankAdapter]) -> Hub:
    return with_banks(hub, sandbox=sandbox[1], standin=StandInBank())


def parties(hub: Hub) -> tuple[Caller, Caller]:
    return an_agency(hub), a_portal(hub, webhook_url="https://portal.test/webhooks")


def start(hub: Hub, reference: str, bank: str = "sandbox") -> None:
    start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")


SAID: dict[str, dict[str, Any]] = {
    "paid": {},
    "declined": {"status": "DECLINED", "transaction_id": None},
    "pending": {"status": "PENDING", "transaction_id": None},
    "too little": {"amount": 40_000},
    "too much": {"amount": 151_000},
    "another order": {"typed": "typed by hand"},
    "a contradiction": {"amount": 1, "message_id": "evt_0", "transaction_id": "T0"},
    "the rest": {"amount": 110_000, "message_id": "evt_2", "transaction_id": "T2"},
}


@pytest.mark.parametrize("said", SAID)
def test_a_callback(survives: Survives, clock: StoppedClock, said: str) -> None:
    """The bank repeats what was not answered; if it does not, what was stored is judged all the same."""

    def scene(hub: Hub) -> CallbackRequest:
        reference = str(an_order(hub, *parties(hub))["reference"])
        start(hub, reference)
        first = a_callback(f"{reference}-1", hub.now(), 40_000, message_id="evt_0", transaction_id="T0")
        if said in ("a contradiction", "the rest"):
            receive_callback(hub, bank="sandbox", request=first)
        words = dict(SAID[said])
        told_as = words.pop("typed", f"{reference}-1")
        amount = words.pop("amount", 150_000)
        words = {"message_id": "evt_1", "transaction_id": "T1"} | words
        return a_callback(told_as, hub.now(), amount, **words)

    def receive(hub: Hub, request: CallbackRequest) -> None:
        receive_callback(hub, bank="sandbox", request=request)

    def after(hub: Hub, request: CallbackRequest) -> None:
        clock.moment += IN_HAND
        rejudge_callbacks(hub)
        receive(hub, request)

    assert survives(scene, receive, after) == (
        14 if said == "pending" else 8
    )  # then the bank itself is asked


def test_a_callback_that_the_bank_does_not_repeat(survives: Survives, clock: StoppedClock) -> None:
    """Killed before it is stored, the bank was not answered and will ask again or be asked: that is the other test."""

    def scene(hub: Hub) -> CallbackRequest:
        reference = str(an_order(hub, *parties(hub))["reference"])
        return a_callback(reference, hub.now(), message_id="evt_1", transaction_id="T1")

    def receive(hub: Hub, request: CallbackRequest) -> None:
        receive_callback(hub, bank="sandbox", request=request)

    def after(hub: Hub, request: CallbackRequest) -> None:
        with hub.transaction() as session:
            stored = session.connection().exec_driver_sql("SELECT count(*) FROM callback").scalar_one()
        if stored == 0:
            receive(hub, request)
        clock.moment += IN_HAND
        rejudge_callbacks(hub)

    assert survives(scene, receive, after) == 8


def test_judging_again(survives: Survives, clock: StoppedClock) -> None:
    def scene(hub: Hub) -> None:
        agency, portal = parties(hub)
        for number in range(2):
            reference = an_order(hub, agency, portal)["reference"]
            request = a_callback(
                reference, hub.now(), message_id=f"evt_{number}", transaction_id=f"T{number}"
            )
            store_unjudged_callback(hub, request)
        clock.moment += IN_HAND

    assert survives(scene, lambda hub, _: rejudge_callbacks(hub), lambda hub, _: rejudge_callbacks(hub)) > 8
