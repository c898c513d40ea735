"""Wherever a process dies, the end is the same as if it had lived: callers and banks repeat, the clock looks again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.port import BankAdapter
from payment_hub.domain.errors import Conflict
from payment_hub.domain.webhooks import LEASE as SENDING
from payment_hub.hub import Hub
from payment_hub.operations import webhooks as delivering
from payment_hub.operations.obligations import amend_obligation, withdraw_obligation
from payment_hub.operations.orders import cancel_order, expire_orders, issue_payment_order
from payment_hub.operations.payments.query import LEASE as ASKING
from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.payments.start import FIRST_QUERY_AFTER, start_payment
from payment_hub.operations.webhooks import deliver_webhooks
from payment_hub.outbound import WebhookSender
from tests.conftest import StoppedClock
from tests.crashes.conftest import Survives
from tests.crashes.killing import Points
from tests.simulators.sandbox import Sandbox
from tests.worlds.banks import StandInBank, a_sandbox_bank, with_banks
from tests.worlds.orders import a_claim, a_portal, an_agency, an_obligation, an_order, fine_terms
from tests.worlds.receivers import Receiver, a_receiver


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


@pytest.mark.parametrize("amount", [150_000, 0])
def test_issuing(survives: Survives, amount: int) -> None:
    bodies: list[str] = []

    def scene(hub: Hub) -> Any:
        agency, portal = parties(hub)
        bodies.clear()
        return portal, an_obligation(hub, agency, amount=amount)

    def issue(hub: Hub, given: Any) -> None:
        portal, obligation = given
        answer = issue_payment_order(
            hub,
            caller=portal,
            agency="G22.99",
            obligation_reference=obligation,
            minutes=None,
            return_url=None,
            claim=a_claim(portal, "K1"),
        )
        bodies.append(answer.body)

    def retry(hub: Hub, given: Any) -> None:
        issue(hub, given)
        assert len(set(bodies)) == 1

    assert survives(scene, issue, retry) == 4


def test_starting_to_pay(
    survives: Survives, clock: StoppedClock, sandbox: tuple[Sandbox, BankAdapter]
) -> None:
    """The payer presses the button again; in the end the bank takes one payment, and the hub knows of it."""

    def scene(hub: Hub) -> str:
        return str(an_order(hub, *parties(hub))["reference"])

    def after(hub: Hub, reference: str) -> None:
        clock.moment += FIRST_QUERY_AFTER
        query_pending(hub)
        start(hub, reference)
        assert sandbox[0].book.payments()[-1].reference == f"{reference}-1"

    assert survives(scene, start, after) > 15


def test_going_on_to_another_bank(survives: Survives, clock: StoppedClock) -> None:
    def scene(hub: Hub) -> str:
        reference = str(an_order(hub, *parties(hub))["reference"])
        start(hub, reference, "standin")
        return reference

    def after(hub: Hub, reference: str) -> None:
        clock.moment += FIRST_QUERY_AFTER
        start(hub, reference)

    assert survives(scene, start, after) > 15


def test_asking_the_bank(
    survives: Survives, clock: StoppedClock, sandbox: tuple[Sandbox, BankAdapter]
) -> None:
    def scene(hub: Hub) -> None:
        first, portal = parties(hub)
        # Each of its own agency: of whom the bank is asked first after a kill numbers no receipt otherwise.
        for number, agency in enumerate([first, an_agency(hub, "H55")]):
            reference = an_order(hub, agency, portal)["reference"]
            start(hub, reference)
            sandbox[0].pay(f"{reference}-1")
            payment = sandbox[0].book.find(f"{reference}-1")
            assert payment is not None
            payment.transaction_id, payment.paid_at = f"T{number}", None
        clock.moment += FIRST_QUERY_AFTER

    def after(hub: Hub, _: None) -> None:
        clock.moment += ASKING
        query_pending(hub)

    assert survives(scene, lambda hub, _: query_pending(hub), after) > 20


def test_expiring(survives: Survives, clock: StoppedClock) -> None:
    def scene(hub: Hub) -> None:
        agency, portal = parties(hub)
        for _ in range(2):
            start(hub, an_order(hub, agency, portal)["reference"])
        clock.advance(days=1)

    assert survives(scene, lambda hub, _: expire_orders(hub), lambda hub, _: expire_orders(hub)) > 15


def test_withdrawing_an_order(survives: Survives) -> None:
    def scene(hub: Hub) -> Any:
        agency, portal = parties(hub)
        return portal, an_order(hub, agency, portal)["reference"]

    def verb(hub: Hub, given: Any) -> None:
        with suppress(
            Conflict
        ):  # the first try was committed before it died: the caller reads the order and sees it
            cancel_order(hub, caller=given[0], reference=given[1], reason="wrong", version=1)

    assert survives(scene, verb, verb) > 5


@pytest.mark.parametrize("amends", [True, False])
def test_changing_an_obligation(survives: Survives, amends: bool) -> None:
    def scene(hub: Hub) -> Any:
        agency, portal = parties(hub)
        obligation = an_obligation(hub, agency)
        an_order(hub, agency, portal, obligation=obligation)
        return agency, obligation

    def verb(hub: Hub, given: Any) -> None:
        asked: dict[str, Any] = {"caller": given[0], "agency": "G22.99", "reference": given[1], "version": 1}
        with suppress(Conflict):  # as above
            if amends:
                amend_obligation(hub, terms=fine_terms(1), reason="recalculated", **asked)
            else:
                withdraw_obligation(hub, reason="appealed", **asked)

    assert survives(scene, verb, verb) > 10


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


def test_delivering_webhooks(
    survives: Survives, clock: StoppedClock, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = Points()

    class MortalSender(WebhookSender):
        def post(self, *asked: Any) -> Any:
            points.passing("before POST")
            answer = super().post(*asked)
            points.passing("after POST")
            return answer

    monkeypatch.setattr(delivering, "WebhookSender", MortalSender)

    def scene(hub: Hub) -> None:
        receiver.requests.clear()
        agency, portal = an_agency(hub), a_portal(hub, webhook_url=receiver.url)
        for _ in range(2):
            an_order(hub, agency, portal)

    def after(hub: Hub, _: None) -> None:
        clock.moment += SENDING
        deliver_webhooks(hub)
        assert set(receiver.ids) == {"evt_1", "evt_2"}

    assert survives(scene, lambda hub, _: deliver_webhooks(hub), after, points) > 12
