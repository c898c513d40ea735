"""The judge, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payment_hub.domain.banks.values import Answer, Confirmation, Outcome
from payment_hub.domain.judgement import (
    CREDIBLE_AHEAD,
    CREDIBLE_BEHIND,
    Judgement,
    answer_to,
    credible_moment,
    digest_of,
    judge,
)
from payment_hub.domain.ledger import Account
from payment_hub.domain.money import Money, dong
from payment_hub.domain.orders import EventType
from payment_hub.domain.settlement import (
    Context,
    Disposition,
    LatePolicy,
    OrderSnapshot,
    PreviousConfirmation,
    RecordedCollection,
    Verdict,
)

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
ORDER = OrderSnapshot(
    required=100,
    currency="VND",
    received=0,
    accepted=0,
    late=False,
    conflict=False,
    other_currency=False,
    expires_at=NOW + timedelta(hours=1),
    cancelled_at=None,
    late_policy=LatePolicy.ACCEPT,
    part_payments=False,
    still_owed=True,
    settled_here=False,
    settled_elsewhere=False,
    has_receipt=False,
)
SETTLED = replace(
    ORDER,
    received=100,
    accepted=100,
    still_owed=False,
    settled_here=True,
    has_receipt=True,
    posted={Account.AGENCY_PAYABLE: 100},
)


def said(amount: int | None = 100, **more: Any) -> Confirmation:
    """A bank's word."""
    words: dict[str, Any] = {
        "bank": "vietbank",
        "event_id": "e1",
        "reference": "DV",
        "outcome": Outcome.PAID,
        "amount": None if amount is None else dong(amount),
        "bank_transaction_id": "t1",
    }
    return Confirmation(**(words | more))


def judged(confirmation: Confirmation, order: OrderSnapshot | None = ORDER, **more: Any) -> Judgement:
    """What the judge finds."""
    return judge(confirmation, Context(order, **more), NOW)


@pytest.mark.parametrize(
    ("amount", "order", "verdict", "event", "receipt"),
    [
        (100, ORDER, Verdict.SETTLES, EventType.PAID, True),
        (101, ORDER, Verdict.OVERPAYS, EventType.PAID, True),
        (99, ORDER, Verdict.UNDERPAYS, EventType.UNDERPAID, False),
        (100, SETTLED, Verdict.PAID_TWICE, EventType.OVERPAID, False),
        (100, replace(ORDER, still_owed=False), Verdict.TOO_LATE, EventType.HELD, False),
        (50, replace(ORDER, still_owed=False), Verdict.TOO_LATE, EventType.HELD, False),
        (100, replace(ORDER, conflict=True), Verdict.UNDERPAYS, EventType.HELD, False),
        (
            100,
            replace(ORDER, still_owed=False, settled_elsewhere=True),
            Verdict.PAID_TWICE,
            EventType.HELD,
            False,
        ),
    ],
)
def test_money_means_what_it_comes_to_with_all_that_came_before(
    amount: int, order: OrderSnapshot, verdict: Verdict, event: EventType, receipt: bool
) -> None:
    found = judged(said(amount), order)
    assert (found.verdict, found.event, found.receipt) == (verdict, event, receipt)
    assert (found.disposition, found.collects, found.accepts) == (Disposition.APPLIED, True, True)


@pytest.mark.parametrize("policy", LatePolicy)
@pytest.mark.parametrize(
    "closed", [{"expires_at": NOW - timedelta(seconds=1)}, {"cancelled_at": NOW - timedelta(seconds=1)}]
)
def test_late_money_settles_only_where_the_agency_accepts_it(
    policy: LatePolicy, closed: dict[str, Any]
) -> None:
    found = judged(said(), replace(ORDER, late_policy=policy, **closed))
    assert found.late
    assert found.accepts is (policy is LatePolicy.ACCEPT)
    assert found.verdict is (Verdict.SETTLES if found.accepts else Verdict.TOO_LATE)
    assert found.after is not None
    assert found.after.held is not found.accepts


def test_money_at_the_last_moment_is_in_time() -> None:
    assert not judged(said(), replace(ORDER, expires_at=NOW)).late


def test_the_same_message_again_is_a_duplicate_with_its_first_verdict() -> None:
    found = judged(said(), SETTLED, heard=(PreviousConfirmation(digest_of(said()), Verdict.SETTLES),))
    assert (found.verdict, found.disposition) == (Verdict.DUPLICATE, Disposition.DUPLICATE)
    assert found.first_verdict is Verdict.SETTLES
    assert answer_to(found) is Answer.ALREADY_RECORDED


@pytest.mark.parametrize(
    "change",
    [
        {"amount": dong(99)},
        {"amount": Money(100, "USD")},
        {"outcome": Outcome.DECLINED},
        {"bank_transaction_id": "t2"},
        {"reference": "DV2"},
    ],
)
def test_the_same_event_with_other_content_is_a_conflict(change: dict[str, Any]) -> None:
    found = judged(
        replace(said(), **change), SETTLED, heard=(PreviousConfirmation(digest_of(said()), Verdict.SETTLES),)
    )
    assert (found.verdict, found.disposition) == (Verdict.CONTRADICTS, Disposition.CONFLICT)
    assert found.after is not None
    assert (found.after.received, found.after.conflict, found.after.held) == (100, True, True)
    assert not found.collects


def test_a_conflict_about_no_order_is_still_kept() -> None:
    found = judged(said(99), None, heard=(PreviousConfirmation(digest_of(said()), Verdict.NO_SUCH_ORDER),))
    assert (found.disposition, found.after) == (Disposition.CONFLICT, None)


def test_the_same_transaction_under_a_new_event_is_a_duplicate() -> None:
    found = judged(said(event_id="e2"), SETTLED, booked=RecordedCollection(100, "VND", for_this_order=True))
    assert (found.disposition, answer_to(found)) == (Disposition.DUPLICATE, Answer.ALREADY_RECORDED)


@pytest.mark.parametrize(
    "booked",
    [
        RecordedCollection(99, "VND", True),
        RecordedCollection(100, "USD", True),
        RecordedCollection(100, "VND", False),
    ],
    ids=str,
)
def test_a_transaction_that_was_booked_otherwise_is_a_conflict(booked: RecordedCollection) -> None:
    assert judged(said(event_id="e2"), SETTLED, booked=booked).disposition is Disposition.CONFLICT


@pytest.mark.parametrize(
    ("outcome", "verdict"), [(Outcome.DECLINED, Verdict.DECLINED), (Outcome.PENDING, Verdict.STILL_PENDING)]
)
def test_no_money_changes_nothing(outcome: Outcome, verdict: Verdict) -> None:
    found = judged(said(None, outcome=outcome))
    assert (found.verdict, found.after, found.collects) == (verdict, None, False)
    assert judged(said(None, outcome=outcome), None).verdict is Verdict.NO_SUCH_ORDER


@pytest.mark.parametrize(
    "change", [{"amount": None}, {"amount": dong(0)}, {"amount": dong(-1)}, {"bank_transaction_id": None}]
)
def test_paid_without_money_or_its_transaction_is_no_proof(change: dict[str, Any]) -> None:
    found = judged(replace(said(), **change))
    assert (found.disposition, found.collects) == (Disposition.CONFLICT, False)


def test_money_for_no_order_waits_in_suspense() -> None:
    found = judged(said(), None)
    assert (found.verdict, found.disposition, found.collects) == (
        Verdict.NO_SUCH_ORDER,
        Disposition.ORPHAN,
        True,
    )
    assert [(t.debit, t.credit, t.amount) for t in found.transfers] == [
        (Account.BANK_CLEARING, Account.SUSPENSE, 100)
    ]
    assert answer_to(found) is Answer.NO_SUCH_ORDER


def test_another_currency_is_never_converted() -> None:
    found = judged(replace(said(), amount=Money(100, "USD")))
    assert (found.verdict, found.event) == (Verdict.WRONG_CURRENCY, EventType.HELD)
    assert found.after is not None
    assert (found.after.received, found.after.held, found.after.settled) == (0, True, False)
    assert [t.credit for t in found.transfers] == [Account.SUSPENSE]


@pytest.mark.parametrize(
    ("verdict", "answer"),
    [
        (Verdict.SETTLES, Answer.RECORDED),
        (Verdict.PAID_TWICE, Answer.RECORDED),
        (Verdict.TOO_LATE, Answer.RECORDED),
        (Verdict.UNDERPAYS, Answer.WRONG_AMOUNT),
        (Verdict.NO_SUCH_ORDER, Answer.NO_SUCH_ORDER),
        (Verdict.DECLINED, Answer.RECORDED),
    ],
)
def test_a_bank_is_told_the_same_at_every_repetition(verdict: Verdict, answer: Answer) -> None:
    assert answer_to(Judgement(verdict, Disposition.APPLIED)) is answer
    again = answer_to(Judgement(Verdict.DUPLICATE, Disposition.DUPLICATE, first_verdict=verdict))
    assert again in {answer, Answer.ALREADY_RECORDED}


@pytest.mark.parametrize(
    ("distance", "believed"),
    [
        (-CREDIBLE_BEHIND, True),
        (-CREDIBLE_BEHIND - timedelta(seconds=1), False),
        (CREDIBLE_AHEAD, True),
        (CREDIBLE_AHEAD + timedelta(seconds=1), False),
        (timedelta(0), True),
    ],
)
def test_a_banks_moment_is_believed_within_limits(distance: timedelta, believed: bool) -> None:
    assert credible_moment(NOW + distance, NOW) == (NOW + distance if believed else NOW)


def test_without_a_banks_moment_the_arrival_counts() -> None:
    assert credible_moment(None, NOW) == NOW


def test_the_digest_is_over_what_was_said_and_not_over_how() -> None:
    assert digest_of(said()) == digest_of(replace(said(), event_id="e9", code="x", paid_at=NOW))
    assert digest_of(said()) != digest_of(said(99))
    assert len(digest_of(replace(said(), reference="\ud800"))) == 16
