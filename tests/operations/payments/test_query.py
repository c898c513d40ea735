"""Pending attempts are queried at their banks, in turn."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from payment_hub.domain.banks.health import BreakerPolicy
from payment_hub.domain.banks.profile import BankProfile, BankTerms, PaymentMethod, Trust
from payment_hub.domain.banks.values import Confirmation, Instructions, Outcome, PaymentQuery, PaymentRequest
from payment_hub.domain.errors import BankUnavailable, HubUnavailable, Malformed
from payment_hub.domain.money import dong
from payment_hub.domain.payments import wait_before_query
from payment_hub.hub import Hub
from payment_hub.operations.banks import announce_downtime, cancel_downtime
from payment_hub.operations.checkout import show_checkout
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.payments import query as asking_one
from payment_hub.operations.payments.query import AT_MOST, LEASE, RECHECK_AFTER, query_pending
from payment_hub.operations.payments.start import FIRST_QUERY_AFTER, start_payment
from payment_hub.operations.payments.unresolved import list_unresolved, resolve_attempt
from payment_hub.operations.routing import show_payment_options
from payment_hub.store import payments
from tests.conftest import StoppedClock
from tests.worlds.banks import INSTRUCTIONS, StandInBank, answers_in_turn, with_banks
from tests.worlds.database import attempts, balances, count, rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive

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


@pytest.fixture
def slow() -> StandInBank:
    return StandInBank(code="slow")


@pytest.fixture
def quick() -> StandInBank:
    return StandInBank(code="quick")


@pytest.fixture
def slow_and_quick_hub(hub: Hub, slow: StandInBank, quick: StandInBank) -> Hub:
    return with_banks(hub, slow=slow, quick=quick)


@pytest.fixture
def started(slow_and_quick_hub: Hub) -> Callable[..., list[str]]:
    """Start so many payments at a bank."""
    agency, portal = an_agency(slow_and_quick_hub), a_portal(slow_and_quick_hub)

    def start(bank: str, times: int = 1) -> list[str]:
        orders = [str(an_order(slow_and_quick_hub, agency, portal)["reference"]) for _ in range(times)]
        for order in orders:
            start_payment(
                slow_and_quick_hub, reference=order, bank=bank, payer_ip="203.0.113.9", language="vi"
            )
        return orders

    return start


def waits(query: PaymentQuery) -> Confirmation:
    return Confirmation("slow", f"q-{query.attempt_reference}", query.attempt_reference, Outcome.PENDING)


def asked_in(hub: Hub) -> float:
    return float((scalar(hub, "SELECT query_at FROM payment_attempt") - hub.now()).total_seconds())


def test_a_bank_with_many_payments_and_slow_answers_lets_the_others_come_in_turn(
    slow_and_quick_hub: Hub,
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
    query_pending(slow_and_quick_hub)
    assert len({query.attempt_reference for query in quick.queried}) == 2
    assert clock() - began <= AT_MOST + timedelta(seconds=4)
    assert 0 < len(slow.queried) < 12


def test_what_there_was_no_time_for_is_not_held_back(
    slow_and_quick_hub: Hub, slow: StandInBank, clock: StoppedClock, started: Callable[..., list[str]]
) -> None:
    started("slow", 12)

    def slowly(query: PaymentQuery) -> Confirmation:
        clock.advance(seconds=4)
        return waits(query)

    slow.on_query = slowly
    clock.moment += FIRST_QUERY_AFTER
    for _ in range(3):
        query_pending(slow_and_quick_hub)
    assert len({query.attempt_reference for query in slow.queried}) == 12


@pytest.mark.parametrize("broken", [KeyError("status"), ValueError("not a number")])
def test_an_answer_that_breaks_its_adapter_stops_no_other_question(
    slow_and_quick_hub: Hub,
    slow: StandInBank,
    clock: StoppedClock,
    started: Callable[..., list[str]],
    caplog: pytest.LogCaptureFixture,
    broken: Exception,
) -> None:
    started("slow", 3)
    slow.on_query = answers_in_turn(broken, broken, waits(PaymentQuery("x", "x", None, clock(), clock())))  # type: ignore[arg-type]
    clock.moment += FIRST_QUERY_AFTER
    assert query_pending(slow_and_quick_hub) == 3
    assert len(slow.queried) == 3
    assert [row["queries"] for row in rows(slow_and_quick_hub, "SELECT queries FROM payment_attempt")] == [
        1,
        1,
        1,
    ]
    assert [record.levelno for record in caplog.records if record.message == "query_failed"] == [
        logging.ERROR
    ] * 2


def test_a_database_that_goes_away_is_said(
    slow_and_quick_hub: Hub,
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
        query_pending(slow_and_quick_hub)


def test_a_bank_that_was_not_asked_because_it_is_away_is_asked_when_it_is_back(
    slow_and_quick_hub: Hub, slow: StandInBank, clock: StoppedClock, started: Callable[..., list[str]]
) -> None:
    [order] = started("slow")
    ends_at = clock() + timedelta(hours=8)
    announce_downtime(
        slow_and_quick_hub, bank="slow", starts_at=clock(), ends_at=ends_at, reason="core", announced_by="op"
    )
    clock.moment += FIRST_QUERY_AFTER
    while clock() < ends_at:
        query_pending(slow_and_quick_hub)
        assert 0 < asked_in(slow_and_quick_hub) <= RECHECK_AFTER.total_seconds()
        clock.advance(seconds=asked_in(slow_and_quick_hub))
    assert (slow.queried, scalar(slow_and_quick_hub, "SELECT queries FROM payment_attempt")) == ([], 0)
    assert clock() == ends_at
    slow.on_query = answers_in_turn(confirmation(f"{order}-1", bank="slow"))
    query_pending(slow_and_quick_hub)
    assert attempts(slow_and_quick_hub) == [("slow", "SUCCEEDED", 150_000)]


def test_a_downtime_that_is_withdrawn_is_noticed_soon(
    slow_and_quick_hub: Hub, slow: StandInBank, clock: StoppedClock, started: Callable[..., list[str]]
) -> None:
    started("slow")
    ends_at = clock() + timedelta(hours=8)
    number = announce_downtime(
        slow_and_quick_hub, bank="slow", starts_at=clock(), ends_at=ends_at, reason="core", announced_by="op"
    )
    clock.moment += FIRST_QUERY_AFTER
    query_pending(slow_and_quick_hub)
    cancel_downtime(slow_and_quick_hub, number=number, cancelled_by="op")
    clock.moment += RECHECK_AFTER
    query_pending(slow_and_quick_hub)
    assert len(slow.queried) == 1


def test_of_a_dead_bank_with_many_payments_only_the_breakers_questions_go_out(
    slow_and_quick_hub: Hub, slow: StandInBank, clock: StoppedClock, started: Callable[..., list[str]]
) -> None:
    slow_and_quick_hub = replace(
        slow_and_quick_hub, terms={"slow": BankTerms(breaker=BreakerPolicy(failures=3))}
    )
    started("slow", 8)
    slow.on_query = answers_in_turn(GONE)
    clock.moment += FIRST_QUERY_AFTER
    assert query_pending(slow_and_quick_hub) == 8
    assert len(slow.queried) == 3
    assert (
        sorted(row["queries"] for row in rows(slow_and_quick_hub, "SELECT queries FROM payment_attempt"))
        == [0] * 5 + [1] * 3
    )


def test_an_intent_of_a_bank_that_is_away_becomes_unknown_all_the_same(
    slow_and_quick_hub: Hub, slow: StandInBank, clock: StoppedClock
) -> None:
    order = str(
        an_order(slow_and_quick_hub, an_agency(slow_and_quick_hub), a_portal(slow_and_quick_hub))["reference"]
    )
    slow.on_open = answers_in_turn(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        start_payment(slow_and_quick_hub, reference=order, bank="slow", payer_ip="203.0.113.9", language="vi")
    ends_at = clock() + timedelta(hours=2)
    announce_downtime(
        slow_and_quick_hub, bank="slow", starts_at=clock(), ends_at=ends_at, reason="core", announced_by="op"
    )
    clock.moment += FIRST_QUERY_AFTER
    query_pending(slow_and_quick_hub)
    assert attempts(slow_and_quick_hub) == [("slow", "UNKNOWN", 150_000)]
    assert scalar(slow_and_quick_hub, "SELECT expected_by FROM payment_attempt") > clock()


def test_a_callback_that_comes_while_the_bank_is_asked_is_followed_at_once(
    slow_and_quick_hub: Hub, slow: StandInBank, clock: StoppedClock, started: Callable[..., list[str]]
) -> None:
    slow_and_quick_hub = replace(slow_and_quick_hub, terms={"slow": BankTerms(trust=Trust.INQUIRY)})
    [order] = started("slow")
    clock.moment += FIRST_QUERY_AFTER
    for _ in range(9):
        query_pending(slow_and_quick_hub)
        clock.advance(seconds=asked_in(slow_and_quick_hub))
    paid = confirmation(f"{order}-1", bank="slow")

    def meanwhile(query: PaymentQuery) -> Confirmation:
        receive(slow_and_quick_hub, paid)
        return waits(query)

    slow.on_query = meanwhile
    before = len(slow.queried)
    query_pending(slow_and_quick_hub)
    assert len(slow.queried) == before + 2
    assert asked_in(slow_and_quick_hub) <= 30, "a payment that is told begins its quick questions anew"


class OnlyOpens:
    """A QR text and nothing else."""

    code, profile = "paper", BankProfile("Paper", (PaymentMethod.QR,), ())

    def open_payment(self, request: PaymentRequest) -> Instructions:
        return INSTRUCTIONS


@pytest.fixture
def paper() -> Any:
    return OnlyOpens()


def start(hub: Hub, reference: str, bank: str | None) -> None:
    start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")


def through_the_night(hub: Hub, clock: StoppedClock, days: int) -> int:
    """Let the clock's task run whenever something is due; how often it had anything to do."""
    ends, seen = clock() + timedelta(days=days), 0
    while clock() < ends:
        seen += query_pending(hub)
        expire_orders(hub)
        due = scalar(hub, "SELECT min(query_at) FROM payment_attempt WHERE state <> 'ABANDONED'")
        clock.moment = max(due, clock()) if due is not None else ends
    return seen


def test_a_bank_that_was_disabled_comes_before_an_officer_and_does_not_spin(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    before = with_banks(
        hub, gone=StandInBank(code="gone", on_open=answers_in_turn(BankUnavailable("no answer")))
    )
    with pytest.raises(BankUnavailable):
        start(before, reference, "gone")
    after = with_banks(hub, other=StandInBank(code="other"))
    shown = show_payment_options(after, caller=an_operator(), reference=reference)
    assert [(option.bank, option.reason) for option in shown.items] == [("other", "UNDER_WAY")]
    assert shown.items[0].until is not None
    assert through_the_night(after, clock, 3) < 50
    [listed] = list_unresolved(after, caller=an_operator(), overdue=True).items
    assert (listed.bank, listed.expected_by > clock()) == ("gone", True)  # type: ignore[operator]
    ended = resolve_attempt(after, caller=an_operator(), reference=f"{reference}-1", reason="their letter")
    assert ended.state == "FAILED"


def test_instructions_of_a_bank_that_cannot_be_asked_end_with_the_order_and_warn_nobody(
    hub: Hub, reference: str, paper: Any, clock: StoppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    hub = with_banks(hub, paper=paper)
    start(hub, reference, "paper")
    with caplog.at_level(logging.WARNING):
        assert 0 < through_the_night(hub, clock, 2) < 50
    assert caplog.records == []
    assert attempts(hub) == [("paper", "ABANDONED", 150_000)]
    view = show_checkout(hub, token=hub.signer.checkout_token(reference))
    assert view.state == "EXPIRED"
    receive(hub, confirmation(reference, bank="paper"))
    assert show_checkout(hub, token=hub.signer.checkout_token(reference)).state in {"PAID_LATE", "HELD_LATE"}


def test_instructions_that_were_lost_with_a_process_are_given_again(
    hub: Hub, reference: str, paper: Any, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = with_banks(hub, paper=paper, other=StandInBank(code="other"))
    monkeypatch.setattr(paper, "open_payment", answers_in_turn(KeyboardInterrupt()), raising=False)
    with pytest.raises(KeyboardInterrupt):
        start(hub, reference, "paper")
    monkeypatch.undo()
    clock.advance(seconds=30)
    query_pending(hub)
    assert attempts(hub) == [("paper", "UNKNOWN", 150_000)]
    [listed] = list_unresolved(hub, caller=an_operator()).items
    assert listed.expected_by is not None
    assert listed.expected_by.isoformat() == "2026-03-03T05:00:00+00:00"
    start(hub, reference, "paper")
    assert attempts(hub) == [("paper", "PENDING", 150_000)]


def test_one_claim_takes_one_attempt_when_the_planner_expects_a_small_table(
    slow_and_quick_hub: Hub, clock: StoppedClock, started: Callable[..., list[str]]
) -> None:
    """Then it may run a subquery once for each row, whose LIMIT holds for each run and not for the statement."""
    started("slow", 1)
    with slow_and_quick_hub.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) payment_attempt"))
    started("slow", 11)
    clock.moment += FIRST_QUERY_AFTER
    with slow_and_quick_hub.transaction() as session:
        assert payments.claim_due(session, "slow", clock(), clock() + LEASE) is not None
        claimed = text("SELECT count(*) FROM payment_attempt WHERE queried_at = :now")
        assert session.scalar(claimed, {"now": clock()}) == 1
