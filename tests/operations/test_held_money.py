"""Money that a bank holds until we take it: taken while it can settle, let go otherwise, and never assumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from payment_hub.domain.banks.profile import BankProfile, PaymentMethod
from payment_hub.domain.banks.values import Confirmation, Instructions, Outcome, PaymentQuery, PaymentRequest
from payment_hub.domain.errors import BankUnavailable
from payment_hub.hub import Hub
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.payments.start import FIRST_QUERY_AFTER, start_payment
from tests.conftest import StoppedClock
from tests.worlds.banks import INSTRUCTIONS, StandInBank, answers_in_turn, with_banks
from tests.worlds.database import attempts, balances, scalar
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive

GONE = BankUnavailable("no answer")


def authorised(query: PaymentQuery) -> Confirmation:
    return Confirmation("standin", "q-held", query.attempt_reference, Outcome.PENDING, authorised=True)


def taken(query: PaymentQuery) -> Confirmation:
    return Confirmation(
        "standin", "q-taken", query.attempt_reference, Outcome.PAID, query.amount, bank_transaction_id="T1"
    )


def left(query: PaymentQuery) -> Confirmation:
    return Confirmation("standin", "q-left", query.attempt_reference, Outcome.DECLINED)


@dataclass
class HoldingBank(StandInBank):
    """It holds what the payer has authorised."""

    on_query: Callable[[PaymentQuery], Confirmation] = authorised
    on_capture: Callable[[PaymentQuery], Confirmation] = taken
    done: list[str] = field(default_factory=list)

    def capture_payment(self, query: PaymentQuery) -> Confirmation:
        self.done.append(f"capture {query.attempt_reference[-1]}")
        return self.on_capture(query)

    def cancel_payment(self, query: PaymentQuery) -> Confirmation:
        self.done.append(f"cancel {query.attempt_reference[-1]}")
        return left(query)


@pytest.fixture
def bank() -> HoldingBank:
    return HoldingBank()


@pytest.fixture
def hub(hub: Hub, bank: HoldingBank) -> Hub:
    return with_banks(hub, standin=bank)


@pytest.fixture
def reference(hub: Hub) -> str:
    order = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
    start_payment(hub, reference=order, bank="standin", payer_ip="203.0.113.9", language="vi")
    return order


def told(reference: str, **more: Any) -> Confirmation:
    waits: dict[str, Any] = {"outcome": Outcome.PENDING, "bank_transaction_id": None, "authorised": True}
    return confirmation(f"{reference}-1", None, bank="standin", **(waits | more))


def test_held_money_is_taken_while_the_order_is_open(
    hub: Hub, reference: str, bank: HoldingBank, clock: StoppedClock
) -> None:
    clock.moment += FIRST_QUERY_AFTER
    query_pending(hub)
    assert (bank.done, attempts(hub)) == (["capture 1"], [("standin", "SUCCEEDED", 150_000)])
    assert balances(hub)["AGENCY_PAYABLE"] == 150_000
    clock.advance(days=1)
    assert query_pending(hub) == 0


def test_a_callback_that_tells_of_held_money_is_followed_at_once(
    hub: Hub, reference: str, bank: HoldingBank
) -> None:
    assert query_pending(hub) == 0
    receive(hub, told(reference))
    assert scalar(hub, "SELECT awaiting FROM payment_attempt") == "CAPTURE"
    assert query_pending(hub) == 1
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"


@pytest.mark.parametrize("closed", ["paid elsewhere", "expired"])
def test_held_money_that_can_settle_nothing_is_let_go(
    hub: Hub, reference: str, bank: HoldingBank, clock: StoppedClock, closed: str
) -> None:
    receive(hub, told(reference))
    if closed == "expired":
        clock.advance(days=1)
        expire_orders(hub)
    else:
        receive(hub, confirmation(reference, bank="another"))
    query_pending(hub)
    assert (bank.done, attempts(hub)) == (["cancel 1"], [("standin", "FAILED", 150_000)])
    clock.advance(days=8)
    assert query_pending(hub) == 0


def test_more_than_the_rest_is_not_taken(hub: Hub, reference: str, bank: HoldingBank) -> None:
    receive(hub, told(reference))
    receive(hub, confirmation(reference, 1, bank="another"))
    query_pending(hub)
    assert bank.done == ["cancel 1"]


def test_a_bank_that_does_not_answer_the_taking_is_asked_again(
    hub: Hub, reference: str, bank: HoldingBank, clock: StoppedClock
) -> None:
    bank.on_capture = answers_in_turn(GONE)
    receive(hub, told(reference))
    query_pending(hub)
    assert attempts(hub) == [("standin", "PENDING", 150_000)]
    bank.on_query = taken
    clock.advance(minutes=1)
    query_pending(hub)
    assert (bank.done, attempts(hub)) == (["capture 1"], [("standin", "SUCCEEDED", 150_000)])


def test_a_bank_that_cannot_be_asked_is_taken_at_its_word_that_it_holds_the_money(
    hub: Hub, reference: str
) -> None:
    class Deaf:
        code, profile = "standin", BankProfile("Deaf", (PaymentMethod.PAGE,), ())

        def open_payment(self, request: PaymentRequest) -> Instructions:
            return INSTRUCTIONS

        def capture_payment(self, query: PaymentQuery) -> Confirmation:
            return taken(query)

    deaf = with_banks(hub, standin=Deaf())
    receive(deaf, told(reference))
    query_pending(deaf)
    assert attempts(deaf) == [("standin", "SUCCEEDED", 150_000)]


def test_a_bank_that_cannot_take_what_it_holds_is_only_waited_for(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    hub = with_banks(hub, standin=StandInBank(on_query=authorised))
    receive(hub, told(reference))
    assert query_pending(hub) == 1
    assert attempts(hub) == [("standin", "PENDING", 150_000)]
    assert scalar(hub, "SELECT query_at FROM payment_attempt") > clock()
