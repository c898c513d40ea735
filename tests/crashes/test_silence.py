"""Wherever a process dies while a bank is asked for its second word or for held money, the end is the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from payment_hub.domain.banks.port import BankAdapter
from payment_hub.domain.banks.profile import BankTerms, Trust
from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.errors import BankUnavailable
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import IN_HAND, receive_callback, rejudge_callbacks
from payment_hub.operations.payments.query import LEASE as ASKING
from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.payments.start import FIRST_QUERY_AFTER, start_payment
from tests.conftest import StoppedClock
from tests.crashes.conftest import Survives
from tests.operations.confirmations.test_awaiting import HoldingBank
from tests.simulators.sandbox import Sandbox
from tests.worlds.banks import StandInBank, a_callback, a_sandbox_bank, answers_in_turn, with_banks
from tests.worlds.database import scalar
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[Sandbox, BankAdapter]]:
    with a_sandbox_bank() as both:
        yield both


@pytest.fixture
def hub(hub: Hub, sandbox: tuple[Sandbox, BankAdapter]) -> Hub:
    banks = with_banks(hub, sandbox=sandbox[1], standin=HoldingBank())
    return replace(banks, terms={"sandbox": BankTerms(trust=Trust.INQUIRY)})


def start(hub: Hub, reference: str, bank: str | None) -> None:
    start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")


def an_order_of(hub: Hub) -> str:
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


def test_a_callback_that_needs_a_second_word(
    survives: Survives, clock: StoppedClock, sandbox: tuple[Sandbox, BankAdapter]
) -> None:
    def scene(hub: Hub) -> Any:
        reference = an_order_of(hub)
        start(hub, reference, "sandbox")
        sandbox[0].pay(f"{reference}-1")
        payment = sandbox[0].book.find(f"{reference}-1")
        assert payment is not None
        payment.transaction_id, payment.paid_at = "T1", None
        return a_callback(f"{reference}-1", clock(), message_id="evt_1", transaction_id="T1")

    def verb(hub: Hub, request: Any) -> None:
        assert receive_callback(hub, bank="sandbox", request=request).status == 200

    def after(hub: Hub, request: Any) -> None:
        verb(hub, request)
        clock.moment += IN_HAND
        rejudge_callbacks(hub)
        clock.moment += ASKING
        query_pending(hub)
        assert scalar(hub, "SELECT status FROM payment_order") == "PAID"

    assert survives(scene, verb, after) > 10


def test_held_money_is_taken_once(survives: Survives, clock: StoppedClock) -> None:
    def scene(hub: Hub) -> None:
        reference = an_order_of(hub)
        start(hub, reference, "standin")
        waits = confirmation(
            f"{reference}-1",
            None,
            bank="standin",
            event_id="held",
            outcome=Outcome.PENDING,
            bank_transaction_id=None,
            authorised=True,
        )
        receive(hub, waits)

    def after(hub: Hub, _: None) -> None:
        clock.moment += ASKING
        query_pending(hub)
        assert scalar(hub, "SELECT sum(amount) FROM collection") == 150_000

    assert survives(scene, lambda hub, _: query_pending(hub), after) > 10


def test_going_on_from_a_silent_bank_to_whichever_is_chosen(survives: Survives, clock: StoppedClock) -> None:
    """The silent bank says at last that nothing was paid; then another one is chosen, and only one is under way."""

    def scene(hub: Hub) -> str:
        reference = an_order_of(hub)
        silent = with_banks(hub, standin=StandInBank(on_open=answers_in_turn(BankUnavailable("no answer"))))
        with pytest.raises(BankUnavailable):
            start(silent, reference, "standin")
        declined = confirmation(
            f"{reference}-1",
            None,
            bank="standin",
            event_id="q",
            outcome=Outcome.DECLINED,
            bank_transaction_id=None,
        )
        holding: Any = hub.adapters["standin"]
        holding.on_query, holding.on_open = (
            answers_in_turn(declined),
            answers_in_turn(BankUnavailable("no answer")),
        )
        return reference

    def verb(hub: Hub, reference: str) -> None:
        start(hub, reference, "sandbox")

    def after(hub: Hub, reference: str) -> None:
        clock.moment += FIRST_QUERY_AFTER
        start(hub, reference, "sandbox")
        assert scalar(hub, "SELECT count(*) FROM payment_attempt WHERE state = 'PENDING'") == 1

    assert survives(scene, verb, after) > 20
