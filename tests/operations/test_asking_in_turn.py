"""The clock's questions: every bank in its turn, for a bounded time, and no bank or attempt stops the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_hub.domain.banks.health import BreakerPolicy
from payment_hub.domain.banks.profile import BankTerms, Trust
from payment_hub.domain.banks.values import Confirmation, Outcome, PaymentQuery
from payment_hub.domain.errors import BankUnavailable, HubUnavailable
from payment_hub.hub import Hub
from payment_hub.operations.banks import announce_downtime, cancel_downtime
from payment_hub.operations.payments import query as asking_one
from payment_hub.operations.payments.query import AT_MOST, RECHECK_AFTER, query_pending
from payment_hub.operations.payments.start import FIRST_QUERY_AFTER, start_payment
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import attempts, rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive

GONE = BankUnavailable("no answer")


@pytest.fixture
def slow() -> StandInBank:
    return StandInBank(code="slow")


@pytest.fixture
def quick() -> StandInBank:
    return StandInBank(code="quick")


@pytest.fixture
def hub(hub: Hub, slow: StandInBank, quick: StandInBank) -> Hub:
    return with_banks(hub, slow=slow, quick=quick)


@pytest.fixture
def started(hub: Hub) -> Callable[..., list[str]]:
    """Start so many payments at a bank."""
    agency, portal = an_agency(hub), a_portal(hub)

    def start(bank: str, times: int = 1) -> list[str]:
        orders = [str(an_order(hub, agency, portal)["reference"]) for _ in range(times)]
        for order in orders:
            start_payment(hub, reference=order, bank=bank, payer_ip="203.0.113.9", language="vi")
        return orders

    return start


def waits(query: PaymentQuery) -> Confirmation:
    return Confirmation("slow", f"q-{query.attempt_reference}", query.attempt_reference, Outcome.PENDING)


def asked_in(hub: Hub) -> float:
    return float((scalar(hub, "SELECT query_at FROM payment_attempt") - hub.now()).total_seconds())


def test_a_bank_with_many_payments_and_slow_answers_lets_the_others_come_in_turn(
    hub: Hub,
    slow: StandInBank,
    quick: StandInBank,
    clock: StoppedClock,
    started: Callable[..., list[str]],
) -> None:
    started("slow", 12)
    started("quick", 2)

    def slowly(query: PaymentQuery) -> Confirmation:
        clock.advance(seconds=4)
        return waits(query)

    slow.on_query = slowly
    clock.moment += FIRST_QUERY_AFTER
    began = clock()
    query_pending(hub)
    assert len({query.attempt_reference for query in quick.queried}) == 2
    assert clock() - began <= AT_MOST + timedelta(seconds=4)
    assert 0 < len(slow.queried) < 12


def test_what_there_was_no_time_for_is_not_held_back(
    hub: Hub, slow: StandInBank, clock: StoppedClock, started: Callable[..., list[str]]
) -> None:
    started("slow", 12)

    def slowly(query: PaymentQuery) -> Confirmation:
        clock.advance(seconds=4)
        return waits(query)

    slow.on_query = slowly
    clock.moment += FIRST_QUERY_AFTER
    for _ in range(3):
        query_pending(hub)
    assert len({query.attempt_reference for query in slow.queried}) == 12


@pytest.mark.parametrize("broken", [KeyError("status"), ValueError("not a number")])
def test_an_answer_that_breaks_its_adapter_stops_no_other_question(
    hub: Hub,
    slow: StandInBank,
    clock: StoppedClock,
    started: Callable[..., list[str]],
    caplog: pytest.LogCaptureFixture,
    broken: Exception,
) -> None:
    started("slow", 3)
    slow.on_query = answers_in_turn(broken, broken, waits(PaymentQuery("x", "x", None, clock(), clock())))  # type: ignore[arg-type]
    clock.moment += FIRST_QUERY_AFTER
    assert query_pending(hub) == 3
    assert len(slow.queried) == 3
    assert [row["queries"] for row in rows(hub, "SELECT queries FROM payment_attempt")] == [1, 1, 1]
    assert [record.levelno for record in caplog.records if record.message == "query_failed"] == [
        logging.ERROR
    ] * 2


def test_a_database_that_goes_away_is_said(
    hub: Hub,
    clock: StoppedClock,
    started: Callable[..., list[str]],
    slow: StandInBank,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [order] = started("slow")
    slow.on_query = answers_in_turn(confirmation(f"{order}-1", bank="slow"))

    def gone(*_: Any, **__: Any) -> Any:
        raise HubUnavailable

    monkeypatch.setattr(asking_one, "receive_confirmation", gone)
    clock.moment += FIRST_QUERY_AFTER
    with pytest.raises(HubUnavailable):
        query_pending(hub)


def test_a_bank_that_was_not_asked_because_it_is_away_is_asked_when_it_is_back(
    hub: Hub, slow: StandInBank, clock: StoppedClock, started: Callable[..., list[str]]
) -> None:
    [order] = started("slow")
    ends_at = clock() + timedelta(hours=8)
    announce_downtime(hub, bank="slow", starts_at=clock(), ends_at=ends_at, reason="core", announced_by="op")
    clock.moment += FIRST_QUERY_AFTER
    while clock() < ends_at:
        query_pending(hub)
        assert 0 < asked_in(hub) <= RECHECK_AFTER.total_seconds()
        clock.advance(seconds=asked_in(hub))
    assert (slow.queried, scalar(hub, "SELECT queries FROM payment_attempt")) == ([], 0)
    assert clock() == ends_at
    slow.on_query = answers_in_turn(confirmation(f"{order}-1", bank="slow"))
    query_pending(hub)
    assert attempts(hub) == [("slow", "SUCCEEDED", 150_000)]


def test_a_downtime_that_is_withdrawn_is_noticed_soon(
    hub: Hub, slow: StandInBank, clock: StoppedClock, started: Callable[..., list[str]]
) -> None:
    started("slow")
    ends_at = clock() + timedelta(hours=8)
    number = announce_downtime(
        hub, bank="slow", starts_at=clock(), ends_at=ends_at, reason="core", announced_by="op"
    )
    clock.moment += FIRST_QUERY_AFTER
    query_pending(hub)
    cancel_downtime(hub, number=number, cancelled_by="op")
    clock.moment += RECHECK_AFTER
    query_pending(hub)
    assert len(slow.queried) == 1


def test_of_a_dead_bank_with_many_payments_only_the_breakers_questions_go_out(
    hub: Hub, slow: StandInBank, clock: StoppedClock, started: Callable[..., list[str]]
) -> None:
    hub = replace(hub, terms={"slow": BankTerms(breaker=BreakerPolicy(failures=3))})
    started("slow", 8)
    slow.on_query = answers_in_turn(GONE)
    clock.moment += FIRST_QUERY_AFTER
    assert query_pending(hub) == 8
    assert len(slow.queried) == 3
    assert (
        sorted(row["queries"] for row in rows(hub, "SELECT queries FROM payment_attempt"))
        == [0] * 5 + [1] * 3
    )


def test_an_intent_of_a_bank_that_is_away_becomes_unknown_all_the_same(
    hub: Hub, slow: StandInBank, clock: StoppedClock
) -> None:
    order = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
    slow.on_open = answers_in_turn(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        start_payment(hub, reference=order, bank="slow", payer_ip="203.0.113.9", language="vi")
    ends_at = clock() + timedelta(hours=2)
    announce_downtime(hub, bank="slow", starts_at=clock(), ends_at=ends_at, reason="core", announced_by="op")
    clock.moment += FIRST_QUERY_AFTER
    query_pending(hub)
    assert attempts(hub) == [("slow", "UNKNOWN", 150_000)]
    assert scalar(hub, "SELECT expected_by FROM payment_attempt") > clock()


def test_a_callback_that_comes_while_the_bank_is_asked_is_followed_at_once(
    hub: Hub, slow: StandInBank, clock: StoppedClock, started: Callable[..., list[str]]
) -> None:
    hub = replace(hub, terms={"slow": BankTerms(trust=Trust.INQUIRY)})
    [order] = started("slow")
    clock.moment += FIRST_QUERY_AFTER
    for _ in range(9):
        query_pending(hub)
        clock.advance(seconds=asked_in(hub))
    paid = confirmation(f"{order}-1", bank="slow")

    def meanwhile(query: PaymentQuery) -> Confirmation:
        receive(hub, paid)
        return waits(query)

    slow.on_query = meanwhile
    before = len(slow.queried)
    query_pending(hub)
    assert len(slow.queried) == before + 2
    assert asked_in(hub) <= 30, "a payment that is told begins its quick questions anew"
