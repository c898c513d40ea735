"""A bank signs that something happened, but not what: it is asked before its callback is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payment_hub.domain.banks.values import CallbackRequest, Confirmation, Outcome
from payment_hub.domain.errors import BankUnavailable
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import receive_callback
from payment_hub.operations.payments.start import start_payment
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import scalar
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation


class AnnouncingBank(StandInBank):
    """Its callbacks say which payment, and not what became of it."""

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """The body is the reference."""
        reference = request.body.decode()
        return Confirmation(self.code, f"told:{reference}", reference, Outcome.PENDING, code="?")


@pytest.fixture
def bank() -> AnnouncingBank:
    return AnnouncingBank()


@pytest.fixture
def hub(hub: Hub, bank: AnnouncingBank) -> Hub:
    return with_banks(hub, standin=bank)


@pytest.fixture
def reference(hub: Hub, clock: StoppedClock) -> str:
    found = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
    start_payment(hub, reference=found, bank="standin", payer_ip="203.0.113.9", language="vi")
    clock.advance(minutes=2)
    return found


def announce(hub: Hub, reference: str) -> bytes:
    """The bank calls back."""
    message = CallbackRequest("POST", "/callbacks/standin", b"", {}, f"{reference}-1".encode(), hub.now())
    return receive_callback(hub, bank="standin", request=message).body


def test_its_answer_settles_before_the_callback_is_answered(
    hub: Hub, bank: AnnouncingBank, reference: str
) -> None:
    bank.on_query = answers_in_turn(confirmation(f"{reference}-1", bank="standin"))
    assert announce(hub, reference) == b"RECORDED"
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"


def test_the_same_announcement_again_asks_again(
    hub: Hub, bank: AnnouncingBank, reference: str, clock: StoppedClock
) -> None:
    announce(hub, reference)
    assert scalar(hub, "SELECT status FROM payment_order") == "OPEN"
    bank.on_query = answers_in_turn(confirmation(f"{reference}-1", bank="standin"))
    clock.advance(minutes=1)
    announce(hub, reference)
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"


def test_a_silent_bank_is_answered_all_the_same(hub: Hub, bank: AnnouncingBank, reference: str) -> None:
    bank.on_query = answers_in_turn(BankUnavailable("gone"))
    assert announce(hub, reference) == b"RECORDED"
    assert scalar(hub, "SELECT status FROM payment_order") == "OPEN"


def test_an_announcement_about_nothing_of_ours_asks_nobody(
    hub: Hub, bank: AnnouncingBank, reference: str
) -> None:
    assert announce(hub, "DV0000000000000A") == b"NO_SUCH_ORDER"
    assert bank.queried == []


def test_a_bank_that_cannot_be_asked_is_not(hub: Hub, reference: str) -> None:
    class Deaf(AnnouncingBank):
        query_payment = None  # type: ignore[assignment]

    deaf = Deaf()
    assert announce(replace(hub, adapters={"standin": deaf}), reference) == b"RECORDED"
    assert scalar(hub, "SELECT status FROM payment_order") == "OPEN"
