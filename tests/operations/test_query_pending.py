"""Asking banks about what they have not told: later and later, never assumed, through the same door as a callback."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from payment_hub.domain.banks.values import Confirmation, Outcome
from payment_hub.domain.errors import BankUnavailable, Malformed
from payment_hub.domain.money import dong
from payment_hub.domain.payments import wait_before_query
from payment_hub.hub import Hub
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.payments.query import LEASE, query_pending
from payment_hub.operations.payments.start import FIRST_QUERY_AFTER, start_payment
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import attempts, balances, count, rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive

GONE = BankUnavailable("no answer")


class Killed(BaseException):
    """The process died here."""


@pytest.fixture
def bank() -> StandInBank:
    return StandInBank()


@pytest.fixture
def hub(hub: Hub, bank: StandInBank) -> Hub:
    return with_banks(hub, standin=bank)


@pytest.fixture
def attempt(hub: Hub) -> str:
    """A pending attempt at an order over 150,000 dong."""
    order = an_order(hub, an_agency(hub), a_portal(hub))
    started = start_payment(
        hub, reference=order["reference"], bank="standin", payer_ip="203.0.113.9", language="vi"
    )
    return started.reference


def told(reference: str, outcome: Outcome = Outcome.PAID, **more: Any) -> Confirmation:
    paid = outcome is Outcome.PAID
    said = {
        "bank": "standin",
        "event_id": f"q-{reference}-{outcome}",
        "reference": reference,
        "outcome": outcome,
        "amount": dong(150_000) if paid else None,
        "bank_transaction_id": "T1" if paid else None,
    }
    return Confirmation(**(said | more))


def when_asked(hub: Hub) -> float:
    """Seconds until the bank is asked next."""
    moment = scalar(hub, "SELECT query_at FROM payment_attempt")
    return float((moment - hub.now()).total_seconds())


def test_nobody_is_asked_before_the_time(
    hub: Hub, attempt: str, bank: StandInBank, clock: StoppedClock
) -> None:
    assert query_pending(hub) == 0
    clock.moment += FIRST_QUERY_AFTER
    assert query_pending(hub) == 1
    assert bank.queried[0].attempt_reference == attempt


def test_money_that_the_bank_tells_when_asked_settles_the_order(
    hub: Hub, attempt: str, bank: StandInBank, clock: StoppedClock
) -> None:
    bank.on_query = answers_in_turn(told(attempt))
    clock.moment += FIRST_QUERY_AFTER
    assert query_pending(hub) == 1
    assert (scalar(hub, "SELECT status FROM payment_order"), attempts(hub)[0][1]) == ("PAID", "SUCCEEDED")
    assert rows(hub, "SELECT source, callback_id FROM confirmation") == [
        {"source": "QUERY", "callback_id": None}
    ]
    clock.advance(days=1)
    assert query_pending(hub) == 0


def test_an_answer_and_a_callback_about_the_same_money_count_once(
    hub: Hub, attempt: str, bank: StandInBank, clock: StoppedClock
) -> None:
    def after_the_callback(_: object) -> Confirmation:
        receive(hub, told(attempt, event_id="callback"))
        return told(attempt)

    bank.on_query = after_the_callback
    clock.moment += FIRST_QUERY_AFTER
    query_pending(hub)
    assert balances(hub) == {"BANK_CLEARING": -150_000, "AGENCY_PAYABLE": 150_000}
    assert [row["disposition"] for row in rows(hub, "SELECT disposition FROM confirmation ORDER BY id")] == [
        "APPLIED",
        "DUPLICATE",
    ]


def test_a_refusal_that_the_bank_tells_when_asked_lets_the_payer_try_again(
    hub: Hub, attempt: str, bank: StandInBank, clock: StoppedClock
) -> None:
    bank.on_query = answers_in_turn(told(attempt, Outcome.DECLINED))
    clock.moment += FIRST_QUERY_AFTER
    query_pending(hub)
    assert attempts(hub) == [("standin", "FAILED", 150_000)]
    assert scalar(hub, "SELECT status FROM payment_order") == "OPEN"


@pytest.mark.parametrize("answer", [GONE, Malformed("no such reference"), told("x", Outcome.PENDING)])
def test_a_bank_without_an_outcome_is_asked_later_and_later_and_nothing_is_assumed(
    hub: Hub, attempt: str, bank: StandInBank, clock: StoppedClock, answer: object
) -> None:
    bank.on_query = answers_in_turn(answer)
    clock.moment += FIRST_QUERY_AFTER
    for asked in range(1, 12):
        assert query_pending(hub) == 1
        assert when_asked(hub) == wait_before_query(asked).total_seconds()
        assert query_pending(hub) == 0
        clock.advance(seconds=when_asked(hub))
    assert attempts(hub) == [("standin", "PENDING", 150_000)]
    assert count(hub, "confirmation") == 0


def test_a_bank_that_is_not_enabled_any_more_is_logged_and_waits(
    hub: Hub, attempt: str, clock: StoppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    clock.moment += FIRST_QUERY_AFTER
    with caplog.at_level(logging.WARNING):
        assert query_pending(with_banks(hub)) == 1
    assert [record.message for record in caplog.records] == ["bank_unavailable"]
    assert attempts(hub) == [("standin", "PENDING", 150_000)]


def test_an_intent_of_a_dead_process_becomes_unknown_and_is_asked_about(
    hub: Hub, bank: StandInBank, clock: StoppedClock
) -> None:
    order = an_order(hub, an_agency(hub), a_portal(hub))
    bank.on_open = answers_in_turn(Killed())
    with pytest.raises(Killed):
        start_payment(
            hub, reference=order["reference"], bank="standin", payer_ip="203.0.113.9", language="vi"
        )
    clock.moment += FIRST_QUERY_AFTER
    assert query_pending(hub) == 1
    assert attempts(hub) == [("standin", "UNKNOWN", 150_000)]
    bank.on_query = answers_in_turn(told(f"{order['reference']}-1"))
    clock.advance(minutes=1)
    assert query_pending(hub) == 1
    assert attempts(hub) == [("standin", "SUCCEEDED", 150_000)]


def test_a_worker_that_dies_while_asking_is_followed_by_another_when_its_lease_ends(
    hub: Hub, attempt: str, bank: StandInBank, clock: StoppedClock
) -> None:
    bank.on_query = answers_in_turn(Killed(), told(attempt))
    clock.moment += FIRST_QUERY_AFTER
    with pytest.raises(Killed):
        query_pending(hub)
    assert query_pending(hub) == 0
    clock.moment += LEASE
    assert query_pending(hub) == 1
    assert attempts(hub) == [("standin", "SUCCEEDED", 150_000)]


def test_an_attempt_given_up_is_not_asked_about_and_its_money_still_counts(
    hub: Hub, attempt: str, bank: StandInBank, clock: StoppedClock
) -> None:
    clock.advance(days=1)
    assert expire_orders(hub) == 1
    assert (query_pending(hub), attempts(hub)[0][1]) == (0, "ABANDONED")
    receive(hub, confirmation(attempt, bank="standin"))
    assert attempts(hub) == [("standin", "SUCCEEDED", 150_000)]


def test_instructions_that_nobody_followed_for_a_week_are_given_up(
    hub: Hub, attempt: str, bank: StandInBank, clock: StoppedClock
) -> None:
    receive(hub, confirmation(attempt.partition("-")[0], bank="another"))
    clock.advance(days=6)
    assert (query_pending(hub), attempts(hub)[0][1]) == (1, "PENDING")
    clock.advance(days=2)
    assert (query_pending(hub), attempts(hub)[0][1]) == (1, "ABANDONED")
    clock.advance(days=30)
    assert query_pending(hub) == 0
