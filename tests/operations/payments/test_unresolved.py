"""Attempts of unknown outcome, until somebody or something resolves them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.profile import BankTerms, Trust
from payment_hub.domain.banks.values import Confirmation, Outcome, PaymentQuery
from payment_hub.domain.errors import (
    BankUnavailable,
    IllegalTransition,
    OrderClosed,
    OrderNotFound,
    PaymentUnderWay,
    StaleVersion,
)
from payment_hub.domain.money import dong
from payment_hub.domain.payments import AttemptView
from payment_hub.domain.timeouts import seconds_to_wait
from payment_hub.hub import Hub
from payment_hub.operations.health import measure_outcomes
from payment_hub.operations.orders import cancel_order, expire_orders
from payment_hub.operations.payments.query import SECONDS, query_pending
from payment_hub.operations.payments.start import FIRST_QUERY_AFTER, list_attempts, start_payment
from payment_hub.operations.payments.unresolved import list_unresolved, resolve_attempt
from tests.conftest import StoppedClock
from tests.worlds.banks import INSTRUCTIONS, StandInBank, answers_in_turn, with_banks
from tests.worlds.database import attempts, count, rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive

GONE = BankUnavailable("no answer")


class Killed(BaseException):
    """The process died here."""


@pytest.fixture
def bank() -> StandInBank:
    return StandInBank(on_open=answers_in_turn(GONE))


@pytest.fixture
def hub(hub: Hub, bank: StandInBank) -> Hub:
    return with_banks(hub, standin=bank, other=StandInBank(code="other"))


@pytest.fixture
def agency(hub: Hub) -> Caller:
    return an_agency(hub)


@pytest.fixture
def unknown(hub: Hub, agency: Caller) -> str:
    """An order whose first attempt is of unknown outcome."""
    reference = str(an_order(hub, agency, a_portal(hub))["reference"])
    with pytest.raises(BankUnavailable):
        start(hub, reference)
    return reference


def start(hub: Hub, reference: str, bank: str | None = "standin") -> AttemptView:
    return start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")


def told(reference: str, outcome: Outcome = Outcome.PAID) -> Confirmation:
    paid: dict[str, Any] = {"amount": dong(150_000), "bank_transaction_id": "T1"}
    more = paid if outcome is Outcome.PAID else {}
    return Confirmation("standin", f"q-{outcome}", f"{reference}-1", outcome, **more)


def test_a_bank_that_now_says_declined_frees_the_way_to_another(
    hub: Hub, unknown: str, bank: StandInBank
) -> None:
    bank.on_query = answers_in_turn(told(unknown, Outcome.DECLINED))
    assert start(hub, unknown, "other").state == "PENDING"
    assert [state for _, state, _ in attempts(hub)] == ["FAILED", "PENDING"]


def test_a_bank_that_now_says_paid_ends_it(hub: Hub, unknown: str, bank: StandInBank) -> None:
    bank.on_query = answers_in_turn(told(unknown))
    with pytest.raises(OrderClosed):
        start(hub, unknown, "other")
    assert attempts(hub) == [("standin", "SUCCEEDED", 150_000)]


def test_it_is_asked_once_and_not_for_long_and_outside_of_any_transaction(
    hub: Hub, unknown: str, bank: StandInBank
) -> None:
    def look(query: PaymentQuery) -> Confirmation:
        assert seconds_to_wait(60) == SECONDS
        assert hub.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        raise GONE

    bank.on_query = look
    for _ in range(3):
        with pytest.raises(PaymentUnderWay):
            start(hub, unknown, "other")
    assert len(bank.queried) == 1


def test_the_bank_that_is_left_is_asked_whether_it_was_paid(
    hub: Hub, agency: Caller, bank: StandInBank
) -> None:
    reference = an_order(hub, agency, a_portal(hub))["reference"]
    bank.on_open = answers_in_turn(INSTRUCTIONS)
    start(hub, reference)
    start(hub, reference)
    assert bank.queried == []
    bank.on_query = answers_in_turn(told(reference))
    with pytest.raises(OrderClosed):
        start(hub, reference, "other")
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"


def test_withdrawing_asks_first_and_money_that_is_here_stops_it(
    hub: Hub, unknown: str, bank: StandInBank
) -> None:
    asked: dict[str, Any] = {"caller": an_operator(), "reference": unknown, "reason": "so"}
    with pytest.raises(StaleVersion):
        cancel_order(hub, version=2, **asked)
    assert bank.queried == []
    bank.on_query = answers_in_turn(told(unknown))
    with pytest.raises(StaleVersion):
        cancel_order(hub, version=1, **asked)
    with pytest.raises(OrderClosed):
        cancel_order(hub, version=2, **asked)
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"


def test_it_is_shown_with_the_time_by_which_it_will_be_known(
    hub: Hub, unknown: str, clock: StoppedClock
) -> None:
    def expected_by() -> Any:
        query_pending(hub)
        [view] = list_attempts(hub, caller=an_operator(), reference=unknown)
        assert view.state == "UNKNOWN"
        return view.expected_by

    began = clock()
    assert expected_by() == began + timedelta(minutes=15)
    clock.advance(minutes=16)
    assert expected_by().isoformat() == "2026-03-03T05:00:00+00:00"
    clock.advance(days=3)
    assert expected_by().isoformat() == "2026-03-05T05:00:00+00:00"


def test_a_payment_that_waits_for_the_payer_is_promised_nothing(hub: Hub, agency: Caller) -> None:
    reference = an_order(hub, agency, a_portal(hub))["reference"]
    assert start(hub, reference, "other").expected_by is None


def test_waits_and_promises_are_measured(
    hub: Hub, agency: Caller, bank: StandInBank, clock: StoppedClock
) -> None:
    portal = a_portal(hub)
    for minutes in (1, 14, 16):
        reference = an_order(hub, agency, portal)["reference"]
        with pytest.raises(BankUnavailable):
            start(hub, reference)
        clock.advance(minutes=minutes)
        receive(hub, confirmation(f"{reference}-1", bank="standin"))
    with pytest.raises(BankUnavailable):
        start(hub, an_order(hub, agency, portal)["reference"])
    [figures] = measure_outcomes(hub)
    assert (figures.bank, figures.open, figures.overdue, figures.oldest_at) == ("standin", 1, 0, clock())
    assert (figures.waits, figures.kept) == ((60, 840, 960), 2)
    assert dict(figures.within)[900] == 2
    clock.advance(days=1, minutes=1)
    query_pending(hub)
    [later] = measure_outcomes(hub)
    assert (later.open, later.waits) == (1, ())


def test_instructions_that_come_after_all_make_it_known(
    hub: Hub, unknown: str, bank: StandInBank, clock: StoppedClock
) -> None:
    bank.on_open = answers_in_turn(INSTRUCTIONS)
    clock.advance(minutes=2)
    start(hub, unknown)
    clock.advance(hours=5)
    [figures] = measure_outcomes(hub)
    assert (figures.open, figures.waits, figures.kept) == (0, (120,), 1)


def test_an_intent_of_a_dead_process_is_promised_for_when_it_is_found(
    hub: Hub, agency: Caller, bank: StandInBank, clock: StoppedClock
) -> None:
    reference = an_order(hub, agency, a_portal(hub))["reference"]
    bank.on_open = answers_in_turn(Killed())
    with pytest.raises(Killed):
        start(hub, reference)
    assert list_unresolved(hub, caller=an_operator()).items == ()
    clock.moment += FIRST_QUERY_AFTER
    query_pending(hub)
    [listed] = list_unresolved(hub, caller=an_operator()).items
    assert (listed.unknown_at, listed.expected_by) == (clock(), clock() + timedelta(minutes=15))
    assert scalar(hub, "SELECT expected_by FROM payment_attempt") == listed.expected_by


def test_from_noon_of_the_day_after_it_lies_before_an_officer(
    hub: Hub, unknown: str, clock: StoppedClock
) -> None:
    clock.advance(hours=25)
    expire_orders(hub)
    query_pending(hub)
    assert list_unresolved(hub, caller=an_operator(), overdue=True).items == ()
    clock.advance(hours=1)
    query_pending(hub)
    [listed] = list_unresolved(hub, caller=an_operator(), overdue=True).items
    assert (listed.reference, listed.escalated_at) == (f"{unknown}-1", clock())
    assert measure_outcomes(hub)[0].overdue == 1
    receive(hub, confirmation(f"{unknown}-1", bank="standin"))
    assert list_unresolved(hub, caller=an_operator()).items == ()


def test_an_agency_sees_its_own_page_by_page(
    hub: Hub, agency: Caller, unknown: str, clock: StoppedClock
) -> None:
    other, portal = an_agency(hub, "H55"), a_portal(hub, "p2")
    with pytest.raises(BankUnavailable):
        start(hub, an_order(hub, other, portal)["reference"])
    assert [view.agency for view in list_unresolved(hub, caller=agency).items] == ["G22.99"]
    assert [view.agency for view in list_unresolved(hub, caller=portal).items] == ["H55"]
    page = list_unresolved(hub, caller=an_operator(), limit=1)
    assert page.next_cursor is not None
    rest = list_unresolved(hub, caller=an_operator(), limit=1, after=page.next_cursor)
    assert ([view.agency for view in rest.items], rest.next_cursor) == (["H55"], None)
    assert count(hub, "payment_attempt") == 2


@pytest.fixture
def reference(hub: Hub) -> str:
    return str(an_order(hub, an_agency(hub), a_portal(hub), minutes=60 * 24 * 9)["reference"])


def end(hub: Hub, reference: str, number: int = 1) -> str:
    return resolve_attempt(
        hub, caller=an_operator(), reference=f"{reference}-{number}", reason="the bank's letter of today"
    ).state


def wait_for_the_officer(hub: Hub, clock: StoppedClock) -> None:
    clock.advance(hours=26)
    query_pending(hub)
    clock.advance(minutes=1)


def test_after_the_statement_an_officer_frees_the_way(hub: Hub, reference: str, clock: StoppedClock) -> None:
    with pytest.raises(BankUnavailable):
        start(hub, reference)
    with pytest.raises(IllegalTransition):
        end(hub, reference)
    wait_for_the_officer(hub, clock)
    assert end(hub, reference) == "FAILED"
    assert rows(hub, "SELECT attempt_id, ended_by, reason FROM attempt_ending") == [
        {"attempt_id": 1, "ended_by": "op", "reason": "the bank's letter of today"}
    ]
    start(hub, reference, "other")
    assert [state for _, state, _ in attempts(hub)] == ["FAILED", "PENDING"]
    receive(hub, confirmation(f"{reference}-1", bank="standin"))
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"
    assert scalar(hub, "SELECT contradicted FROM payment_attempt WHERE number = 1")


def test_the_bank_is_asked_once_more_and_its_word_counts(
    hub: Hub, reference: str, bank: StandInBank, clock: StoppedClock
) -> None:
    with pytest.raises(BankUnavailable):
        start(hub, reference)
    wait_for_the_officer(hub, clock)
    bank.on_query = answers_in_turn(confirmation(f"{reference}-1", bank="standin"))
    with pytest.raises(IllegalTransition):
        end(hub, reference)
    assert attempts(hub) == [("standin", "SUCCEEDED", 150_000)]


def test_a_payment_that_is_told_and_never_proven_can_be_ended_too(
    hub: Hub, reference: str, bank: StandInBank, clock: StoppedClock
) -> None:
    hub = replace(hub, terms={"standin": BankTerms(trust=Trust.INQUIRY)})
    bank.on_open = answers_in_turn(INSTRUCTIONS)
    start(hub, reference)
    receive(hub, confirmation(f"{reference}-1", bank="standin"))
    wait_for_the_officer(hub, clock)
    with pytest.raises(PaymentUnderWay):
        start(hub, reference, "other")
    assert end(hub, reference) == "FAILED"
    assert list_unresolved(hub, caller=an_operator()).items == ()
    start(hub, reference, "other")
    clock.advance(days=1)
    query_pending(hub)
    assert attempts(hub)[0] == ("standin", "FAILED", 150_000)


def test_what_is_known_or_not_theirs_cannot_be_ended(hub: Hub, reference: str, clock: StoppedClock) -> None:
    start(hub, reference, "other")
    with pytest.raises(IllegalTransition):
        end(hub, reference)
    with pytest.raises(OrderNotFound):
        end(hub, reference, 2)
    stranger = an_agency(hub, "H55")
    with pytest.raises(OrderNotFound):
        resolve_attempt(hub, caller=stranger, reference=f"{reference}-1", reason="mine")
