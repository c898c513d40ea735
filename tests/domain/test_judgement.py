"""What a confirmation means and what follows from it, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from payment_hub.domain.banks.values import Answer, Confirmation, Outcome
from payment_hub.domain.effects import Effects, effects_of_closing, effects_of_confirmation, effects_of_issue
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
from payment_hub.domain.obligations import Kind
from payment_hub.domain.orders import EventType, OrderedObligation, OrderFlag, OrderStatus, OrderView
from payment_hub.domain.payments import AttemptState, Awaiting
from payment_hub.domain.settlement import (
    AttemptSnapshot,
    ConfirmationContext,
    Corroboration,
    Disposition,
    LatePolicy,
    OrderRecord,
    OrderSnapshot,
    PreviousConfirmation,
    RecordedCollection,
    Source,
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
RECORD = OrderRecord(
    id=1,
    obligation_id=2,
    agency_id=3,
    portal_id=4,
    row_version=5,
    receipt_template="01BLP",
    receipt_series="AA26E",
    view=OrderView(
        reference="DV",
        version=1,
        agency="G22.99",
        obligation=OrderedObligation("QD-1", 1, Kind.TRAFFIC_FINE),
        status=OrderStatus.OPEN,
        flags=(),
        finished=False,
        required=dong(100),
        received=dong(0),
        refunded=dong(0),
        refundable=dong(0),
        description="Fine",
        issued_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        cancelled_at=None,
        cancel_reason=None,
        expired_at=None,
        checkout_url="https://hub.test/checkout/x",
        return_url=None,
        receipt=None,
    ),
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


def paid(amount: int | None = 100, **more: Any) -> Confirmation:
    """A bank's confirmation."""
    fields: dict[str, Any] = {
        "bank": "vietbank",
        "event_id": "e1",
        "reference": "DV",
        "outcome": Outcome.PAID,
        "amount": None if amount is None else dong(amount),
        "bank_transaction_id": "t1",
    }
    return Confirmation(**(fields | more))


def context_of(order: OrderSnapshot | None = ORDER, **more: Any) -> ConfirmationContext:
    """What is on record."""
    return ConfirmationContext(order, record=None if order is None else RECORD, **more)


def judged(confirmation: Confirmation, order: OrderSnapshot | None = ORDER, **more: Any) -> Judgement:
    """What the judge decides."""
    return judge(confirmation, context_of(order, **more), NOW)


def effects(
    confirmation: Confirmation,
    order: OrderSnapshot | None = ORDER,
    source: Source = Source.CALLBACK,
    **more: Any,
) -> Effects:
    """What follows from the judgement."""
    context = context_of(order, **more)
    return effects_of_confirmation(confirmation, judge(confirmation, context, NOW), context, source, NOW)


def booked(found: Effects) -> list[str]:
    """The postings, as an accountant writes them."""
    return [f"{transfer.debit} to {transfer.credit}: {transfer.amount}" for transfer in found.transfers]


OWED_BY_ANOTHER = replace(ORDER, still_owed=False, settled_elsewhere=True)
NO_LONGER_OWED = replace(ORDER, still_owed=False)
PARTS = replace(ORDER, part_payments=True, received=40, accepted=40, posted={Account.AGENCY_PAYABLE: 40})
IN_SUSPENSE = replace(ORDER, received=40, accepted=40, posted={Account.SUSPENSE: 40})
EXPIRED = replace(ORDER, expires_at=NOW - timedelta(seconds=1))
REFUNDED = replace(SETTLED, refunded=100, paid_back=100, paid_back_accepted=100, posted={})


class Case(NamedTuple):
    """An order, the amount that a bank confirms for it, and all that follows."""

    order: OrderSnapshot
    amount: int
    verdict: Verdict
    status: str
    postings: list[str]
    receipt: bool
    event: EventType


#: Read each line as: an order in this state, so much paid; then this verdict, status, postings, receipt and event.
CASES = {
    "exact": Case(
        ORDER, 100, Verdict.SETTLES, "PAID", ["BANK_CLEARING to AGENCY_PAYABLE: 100"], True, EventType.PAID
    ),
    "too much": Case(
        ORDER,
        130,
        Verdict.OVERPAYS,
        "PAID",
        ["BANK_CLEARING to AGENCY_PAYABLE: 100", "BANK_CLEARING to OVERPAYMENT: 30"],
        True,
        EventType.PAID,
    ),
    "too little": Case(
        ORDER,
        99,
        Verdict.UNDERPAYS,
        "UNDERPAID",
        ["BANK_CLEARING to SUSPENSE: 99"],
        False,
        EventType.UNDERPAID,
    ),
    "the rest after suspense": Case(
        IN_SUSPENSE,
        60,
        Verdict.SETTLES,
        "PAID",
        ["BANK_CLEARING to AGENCY_PAYABLE: 60", "SUSPENSE to AGENCY_PAYABLE: 40"],
        True,
        EventType.PAID,
    ),
    "a part where parts are allowed": Case(
        PARTS,
        10,
        Verdict.UNDERPAYS,
        "UNDERPAID",
        ["BANK_CLEARING to AGENCY_PAYABLE: 10"],
        False,
        EventType.UNDERPAID,
    ),
    "twice": Case(
        SETTLED,
        100,
        Verdict.PAID_TWICE,
        "PAID",
        ["BANK_CLEARING to OVERPAYMENT: 100"],
        False,
        EventType.OVERPAID,
    ),
    "again after a refund": Case(
        REFUNDED,
        100,
        Verdict.PAID_TWICE,
        "PAID",
        ["BANK_CLEARING to AGENCY_PAYABLE: 100"],
        False,
        EventType.PAID,
    ),
    "settled by another order": Case(
        OWED_BY_ANOTHER,
        100,
        Verdict.PAID_TWICE,
        "PAID",
        ["BANK_CLEARING to SUSPENSE: 100"],
        False,
        EventType.HELD,
    ),
    "not owed any more": Case(
        NO_LONGER_OWED,
        100,
        Verdict.TOO_LATE,
        "PAID",
        ["BANK_CLEARING to SUSPENSE: 100"],
        False,
        EventType.HELD,
    ),
    "a part, not owed any more": Case(
        NO_LONGER_OWED,
        50,
        Verdict.TOO_LATE,
        "UNDERPAID",
        ["BANK_CLEARING to SUSPENSE: 50"],
        False,
        EventType.HELD,
    ),
    "while banks contradict each other": Case(
        replace(ORDER, conflict=True),
        100,
        Verdict.UNDERPAYS,
        "PAID",
        ["BANK_CLEARING to SUSPENSE: 100"],
        False,
        EventType.HELD,
    ),
    "late, accepted": Case(
        EXPIRED, 100, Verdict.SETTLES, "PAID", ["BANK_CLEARING to AGENCY_PAYABLE: 100"], True, EventType.PAID
    ),
    "late, to be refunded": Case(
        replace(EXPIRED, late_policy=LatePolicy.REFUND),
        100,
        Verdict.TOO_LATE,
        "PAID",
        ["BANK_CLEARING to SUSPENSE: 100"],
        False,
        EventType.HELD,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_money_means_what_it_comes_to_with_all_that_came_before(case: Case) -> None:
    judgement, found = judged(paid(case.amount), case.order), effects(paid(case.amount), case.order)
    assert (judgement.verdict, judgement.disposition) == (case.verdict, Disposition.APPLIED)
    assert judgement.collection is not None
    assert judgement.collection.accepted is (case.order.late_policy is not LatePolicy.REFUND)
    assert booked(found) == case.postings
    assert found.receipt == (("01BLP", "AA26E", 2026, dong(100)) if case.receipt else None)
    assert found.events.types == (case.event,)
    assert found.events.order is not None
    assert (found.events.order["status"], found.events.order["version"]) == (case.status, 2)
    assert found.events.order["received"] == {
        "amount": str(case.order.received + case.amount),
        "currency": "VND",
    }
    assert ("HELD" in found.events.order["flags"]) is (case.event is EventType.HELD)


@pytest.mark.parametrize("policy", LatePolicy)
@pytest.mark.parametrize(
    "closed", [{"expires_at": NOW - timedelta(seconds=1)}, {"cancelled_at": NOW - timedelta(seconds=1)}]
)
def test_late_money_settles_only_where_the_agency_accepts_it(
    policy: LatePolicy, closed: dict[str, Any]
) -> None:
    found = judged(paid(), replace(ORDER, late_policy=policy, **closed))
    accepted = policy is LatePolicy.ACCEPT
    assert found.collection is not None
    assert (found.collection.late, found.collection.accepted) == (True, accepted)
    assert found.verdict is (Verdict.SETTLES if accepted else Verdict.TOO_LATE)
    assert found.totals is not None
    assert (found.totals.late, found.totals.held) == (True, not accepted)


ATTEMPT = AttemptSnapshot(9, AttemptState.PENDING)


@pytest.mark.parametrize(
    ("state", "outcome", "after", "contradicted"),
    [
        (AttemptState.PENDING, Outcome.PAID, AttemptState.SUCCEEDED, False),
        (AttemptState.UNKNOWN, Outcome.DECLINED, AttemptState.FAILED, False),
        (AttemptState.FAILED, Outcome.PAID, AttemptState.SUCCEEDED, True),
        (AttemptState.SUCCEEDED, Outcome.DECLINED, AttemptState.SUCCEEDED, True),
    ],
)
def test_an_applied_outcome_moves_its_attempt(
    state: AttemptState, outcome: Outcome, after: AttemptState, contradicted: bool
) -> None:
    found = effects(paid(outcome=outcome), attempt=AttemptSnapshot(9, state))
    assert found.attempt == (9, after, contradicted)
    assert found.change_order


def test_only_an_applied_outcome_moves_its_attempt() -> None:
    before = (PreviousConfirmation(digest_of(paid(99)), Verdict.UNDERPAYS),)
    assert effects(paid(), attempt=ATTEMPT, previous=before).attempt is None
    assert effects(paid(outcome=Outcome.PENDING), attempt=ATTEMPT).attempt is None
    assert effects(paid()).attempt is None


def test_a_message_that_is_no_outcome_says_what_the_bank_must_be_queried_for() -> None:
    context = context_of(attempt=ATTEMPT)
    unproven = judge(paid(), context, NOW, Corroboration.NEEDS_INQUIRY)
    found = effects_of_confirmation(paid(), unproven, context, Source.CALLBACK, NOW)
    assert (unproven.verdict, found.awaiting) == (Verdict.NEEDS_INQUIRY, Awaiting.CONFIRMATION)
    assert (found.attempt, found.transfers, found.change_order) == (None, (), False)
    authorised = paid(outcome=Outcome.PENDING, authorised=True)
    assert effects(authorised).awaiting is Awaiting.CAPTURE
    assert effects(authorised, source=Source.QUERY).awaiting is None
    assert effects(paid(outcome=Outcome.PENDING)).awaiting is None


def test_closing_an_order_ends_the_offer_and_shows_why() -> None:
    cancelled = replace(RECORD.view, cancelled_at=NOW, cancel_reason="wrong person", flags=(OrderFlag.HELD,))
    events = effects_of_closing(cancelled, EventType.CANCELLED).events
    assert (events.types, events.version) == ((EventType.CANCELLED,), 2)
    assert events.order is not None
    shown = {name: events.order[name] for name in ("status", "version", "finished", "flags", "cancel_reason")}
    assert shown == {
        "status": "CANCELLED",
        "version": 2,
        "finished": False,
        "flags": ["HELD"],
        "cancel_reason": "wrong person",
    }
    expired = effects_of_closing(replace(RECORD.view, expired_at=NOW), EventType.EXPIRED).events
    assert expired.order is not None
    assert (expired.order["status"], expired.order["finished"]) == ("EXPIRED", True)


@pytest.mark.parametrize(("required", "receipts", "events"), [(100, 0, 1), (0, 1, 2)])
def test_an_order_of_zero_is_paid_when_it_is_issued(required: int, receipts: int, events: int) -> None:
    view = replace(RECORD.view, required=dong(required), version=events)
    found = effects_of_issue(replace(RECORD, view=view), NOW)
    assert (found.receipt is not None, found.events.version) == (bool(receipts), events)
    assert found.events.types == (EventType.ISSUED, EventType.PAID)[:events]


def test_money_at_the_last_moment_is_in_time() -> None:
    found = judged(paid(), replace(ORDER, expires_at=NOW))
    assert found.collection is not None
    assert not found.collection.late


def test_the_same_message_again_is_a_duplicate_with_its_first_verdict() -> None:
    found = judged(paid(), SETTLED, previous=(PreviousConfirmation(digest_of(paid()), Verdict.SETTLES),))
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
        replace(paid(), **change),
        SETTLED,
        previous=(PreviousConfirmation(digest_of(paid()), Verdict.SETTLES),),
    )
    assert (found.verdict, found.disposition) == (Verdict.CONTRADICTS, Disposition.CONFLICT)
    assert found.totals is not None
    assert (found.totals.received, found.totals.conflict, found.totals.held) == (100, True, True)
    assert not found.collects
    following = effects(
        replace(paid(), **change),
        SETTLED,
        previous=(PreviousConfirmation(digest_of(paid()), Verdict.SETTLES),),
    )
    assert (following.events.types, following.receipt, following.transfers) == ((EventType.HELD,), None, ())


def test_a_conflict_about_no_order_is_still_kept() -> None:
    found = judged(paid(99), None, previous=(PreviousConfirmation(digest_of(paid()), Verdict.NO_SUCH_ORDER),))
    assert (found.disposition, found.totals) == (Disposition.CONFLICT, None)


def test_the_same_transaction_under_a_new_event_is_a_duplicate() -> None:
    found = judged(
        paid(event_id="e2"), SETTLED, collection=RecordedCollection(100, "VND", for_this_order=True)
    )
    assert (found.disposition, answer_to(found)) == (Disposition.DUPLICATE, Answer.ALREADY_RECORDED)


@pytest.mark.parametrize(
    "collection",
    [
        RecordedCollection(99, "VND", True),
        RecordedCollection(100, "USD", True),
        RecordedCollection(100, "VND", False),
    ],
    ids=str,
)
def test_a_transaction_that_was_booked_otherwise_is_a_conflict(collection: RecordedCollection) -> None:
    assert judged(paid(event_id="e2"), SETTLED, collection=collection).disposition is Disposition.CONFLICT


@pytest.mark.parametrize(
    ("outcome", "verdict"), [(Outcome.DECLINED, Verdict.DECLINED), (Outcome.PENDING, Verdict.STILL_PENDING)]
)
def test_no_money_changes_nothing(outcome: Outcome, verdict: Verdict) -> None:
    found = judged(paid(None, outcome=outcome))
    assert (found.verdict, found.totals, found.collects) == (verdict, None, False)
    assert judged(paid(None, outcome=outcome), None).verdict is Verdict.NO_SUCH_ORDER


@pytest.mark.parametrize(
    "change", [{"amount": None}, {"amount": dong(0)}, {"amount": dong(-1)}, {"bank_transaction_id": None}]
)
def test_paid_without_money_or_its_transaction_is_no_proof(change: dict[str, Any]) -> None:
    found = judged(replace(paid(), **change))
    assert (found.disposition, found.collects) == (Disposition.CONFLICT, False)


def test_money_for_no_order_waits_in_suspense() -> None:
    found = judged(paid(), None)
    assert (found.verdict, found.disposition, found.collects) == (
        Verdict.NO_SUCH_ORDER,
        Disposition.ORPHAN,
        True,
    )
    following = effects(paid(), None)
    assert booked(following) == ["BANK_CLEARING to SUSPENSE: 100"]
    assert (following.events.types, following.receipt, following.change_order) == ((), None, False)
    assert answer_to(found) is Answer.NO_SUCH_ORDER


def test_another_currency_is_never_converted() -> None:
    found = judged(replace(paid(), amount=Money(100, "USD")))
    following = effects(replace(paid(), amount=Money(100, "USD")))
    assert (found.verdict, following.events.types) == (Verdict.WRONG_CURRENCY, (EventType.HELD,))
    assert found.totals is not None
    assert (found.totals.received, found.totals.held, found.totals.settled) == (0, True, False)
    assert booked(following) == ["BANK_CLEARING to SUSPENSE: 100"]
    assert following.receipt is None


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
    assert digest_of(paid()) == digest_of(replace(paid(), event_id="e9", code="x", paid_at=NOW))
    assert digest_of(paid()) != digest_of(paid(99))
    assert len(digest_of(replace(paid(), reference="\ud800"))) == 16
