"""A payer comes back from a bank: what the browser brings proves nothing, and makes us ask."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from payment_hub.domain.banks.values import Confirmation, Outcome
from payment_hub.domain.errors import BankNotFound, CallbackRejected, Malformed
from payment_hub.hub import Hub
from payment_hub.operations.checkout import handle_return
from payment_hub.operations.payments.start import start_payment
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import scalar
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation


@dataclass
class ReturningBank(StandInBank):
    """Signs what the browser brings with one word."""

    code: str = "returning"

    def read_return(self, query: bytes) -> Confirmation:
        """``genuine=<reference>``."""
        word, _, reference = query.decode().partition("=")
        if word == "odd":
            raise Malformed("no sense in it")
        if word != "genuine":
            raise CallbackRejected
        return Confirmation(self.code, "return", reference, Outcome.PAID)


@pytest.fixture
def bank() -> ReturningBank:
    return ReturningBank()


@pytest.fixture
def hub(hub: Hub, bank: ReturningBank) -> Hub:
    return with_banks(hub, returning=bank, standin=StandInBank())


@pytest.fixture
def reference(hub: Hub, clock: StoppedClock) -> str:
    found = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
    start_payment(hub, reference=found, bank="returning", payer_ip="203.0.113.9", language="vi")
    clock.advance(minutes=2)
    return found


def test_the_bank_is_asked_and_only_its_answer_counts(
    hub: Hub, bank: ReturningBank, reference: str, clock: StoppedClock
) -> None:
    query = f"genuine={reference}-1".encode()
    assert handle_return(hub, bank="returning", query=query) == reference
    assert [asked.attempt_reference for asked in bank.queried] == [f"{reference}-1"]
    assert scalar(hub, "SELECT status FROM payment_order") == "OPEN"
    bank.on_query = answers_in_turn(confirmation(f"{reference}-1", bank="returning"))
    clock.advance(minutes=2)
    assert handle_return(hub, bank="returning", query=query) == reference
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"


def test_a_page_that_is_loaded_again_and_again_asks_once(
    hub: Hub, bank: ReturningBank, reference: str
) -> None:
    for _ in range(5):
        handle_return(hub, bank="returning", query=f"genuine={reference}-1".encode())
    assert len(bank.queried) == 1


@pytest.mark.parametrize(
    "query", [b"", b"forged=DV", b"odd=1", b"genuine=", b"genuine=DV0000000000000A", b"genuine=hello"]
)
def test_what_is_not_signed_or_not_ours_is_nothing(
    hub: Hub, bank: ReturningBank, reference: str, query: bytes
) -> None:
    assert handle_return(hub, bank="returning", query=query) is None
    assert bank.queried == []


def test_a_bank_whose_browsers_bring_nothing_says_nothing(hub: Hub, reference: str) -> None:
    assert handle_return(hub, bank="standin", query=f"genuine={reference}-1".encode()) is None
    with pytest.raises(BankNotFound):
        handle_return(hub, bank="nobody", query=b"")
