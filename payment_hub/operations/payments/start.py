"""Start paying an order through a bank: choose it, store the intent, ask the bank, store its answer.

Read what a bank was asked of an attempt, to ask the same once more.

List the attempts at paying an order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.health import BankOperation, BankStates
from payment_hub.domain.banks.values import Instructions, PaymentQuery, PaymentRequest
from payment_hub.domain.errors import (
    BankNotOffered,
    BankUnavailable,
    CircuitOpen,
    Malformed,
    OrderClosed,
    PaymentUnderWay,
)
from payment_hub.domain.money import Money
from payment_hub.domain.payments import (
    ATTEMPT_LIFE,
    AttemptEvent,
    AttemptState,
    AttemptView,
    wait_before_query,
)
from payment_hub.domain.references import parse_reference
from payment_hub.domain.routing import choose_bank, explained
from payment_hub.domain.settlement import remaining, why_not_payable
from payment_hub.hub import Hub
from payment_hub.operations.banks import call_bank, read_bank_states
from payment_hub.operations.payments.query import query_order
from payment_hub.operations.routing import read_routing_facts
from payment_hub.store import orders, payments
from payment_hub.store.tables import PaymentAttempt

#: A process that dies while it asks the bank leaves its attempt SUBMITTING; after this somebody else asks.
FIRST_QUERY_AFTER = timedelta(seconds=30)

#: How long a bank is told that what completes a part-paid order after its deadline can be paid.
LATE_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the payer asks for."""

    reference: str
    bank: str | None
    payer_ip: str
    language: str
    return_url: str | None


def start_payment(
    hub: Hub,
    *,
    reference: str,
    payer_ip: str,
    language: str,
    bank: str | None = None,
    return_url: str | None = None,
) -> AttemptView:
    """The attempt with the payer's instructions; the same bank again gives the same instructions. A bank that did not
    answer is asked again about the same attempt, never about a second one. Without ``bank`` one is chosen.

    Raises MalformedReference, OrderNotFound, BankNotFound; OrderClosed; PaymentUnderWay while the outcome of another
    attempt is unknown; BankNotOffered for a bank that does not take this payment; BankUnavailable when this bank did
    not answer, and then the attempt is UNKNOWN.
    """
    asked = _Asked(parse_reference(reference), bank, payer_ip, language, return_url)
    if bank is not None:
        hub.adapter(bank)
    query_order(hub, reference=asked.reference, leaving_for=bank)
    attempt, request = _write_intent(hub, asked, read_bank_states(hub))
    if request is None:
        return attempt
    call = partial(hub.adapter(attempt.bank).open_payment, request)
    try:
        instructions = call_bank(
            hub, bank=attempt.bank, operation=BankOperation.OPEN, call=call, about=asked.reference
        )
    except (CircuitOpen, Malformed):
        # The request never left. What became of an earlier try is still unknown.
        if attempt.state == AttemptState.SUBMITTING:
            _write_answer(hub, attempt.reference, AttemptEvent.DECLINED, None)
        raise
    except BankUnavailable:
        _write_answer(hub, attempt.reference, AttemptEvent.NO_ANSWER, None)
        raise
    return _write_answer(hub, attempt.reference, AttemptEvent.INSTRUCTIONS_GIVEN, instructions)


def _write_intent(hub: Hub, asked: _Asked, states: BankStates) -> tuple[AttemptView, PaymentRequest | None]:
    """The attempt, and what to ask the bank; nothing to ask when it has given instructions already."""
    now = hub.now()
    with hub.transaction() as session:
        orders.lock(session, asked.reference)
        row = orders.find_row(session, asked.reference)
        closed = why_not_payable(row, now)
        if closed is not None:
            raise OrderClosed(closed)
        known = payments.attempts_of_order(session, row["order_id"])
        attempt, amount = payments.under_way(known), remaining(row)
        _refuse_unproven(hub, known)
        here = attempt if attempt is not None and attempt.bank in hub.adapters else None
        if here is not None and _still_good(here, asked.bank, amount):
            return _view(hub, session, here), None
        if attempt is not None and here is attempt and _may_be_asked_again(attempt, asked.bank, amount, now):
            attempt.state = AttemptState.UNKNOWN
            attempt.query_at = now + FIRST_QUERY_AFTER
            payments.mark_unknown(attempt, hub.expectation_of(attempt.bank), now)
        else:
            _give_up(hub, session, attempt)
            attempt = _new_attempt(hub, session, row, known, states, asked)
        session.flush()
        return _view(hub, session, attempt), _request(hub, row, attempt, amount, asked)


def _new_attempt(
    hub: Hub,
    session: Session,
    row: Mapping[str, Any],
    known: Sequence[PaymentAttempt],
    states: BankStates,
    asked: _Asked,
) -> PaymentAttempt:
    """An attempt at the bank that is chosen, and why it was. Raises BankNotOffered."""
    preference = payments.preference_of(session, row["agency_id"])
    facts = read_routing_facts(
        hub, order=row, tried=known, preference=preference, states=states, requested_bank=asked.bank
    )
    choice, now, amount = choose_bank(facts), hub.now(), remaining(row)
    if choice.bank is None:
        raise BankNotOffered(f"{asked.bank}: {explained(choice)}" if asked.bank else str(explained(choice)))
    attempt = PaymentAttempt(
        order_id=row["order_id"],
        number=len(known) + 1,
        reference=f"{row['reference']}-{len(known) + 1}",
        bank=choice.bank,
        state=ATTEMPT_LIFE.first,
        amount=amount.minor,
        currency=amount.currency,
        started_at=now,
        changed_at=now,
        query_at=now + FIRST_QUERY_AFTER,
    )
    session.add(attempt)
    session.flush()
    payments.record_choice(session, attempt, facts, choice, now)
    return attempt


def _request(
    hub: Hub, row: Mapping[str, Any], attempt: PaymentAttempt, amount: Money, asked: _Asked
) -> PaymentRequest:
    return PaymentRequest(
        order_reference=asked.reference,
        attempt_reference=attempt.reference,
        amount=amount,
        description=f"Thanh toan {asked.reference}",
        payer_ip=asked.payer_ip,
        language=asked.language,
        started_at=attempt.started_at,
        expires_at=_deadline(row["expires_at"], attempt.started_at),
        return_url=asked.return_url or hub.checkout_url(asked.reference),
        number=attempt.id,
    )


def _deadline(expires_at: datetime, started_at: datetime) -> datetime:
    """The order's own, or, where the rest of its money may come late, one that is still ahead."""
    return expires_at if expires_at > started_at else started_at + LATE_LIFE


def _still_good(current: PaymentAttempt, bank: str | None, amount: Money) -> bool:
    pending = current.state == AttemptState.PENDING and current.instructions is not None
    return pending and bank in (None, current.bank) and current.amount == amount.minor


def _may_be_asked_again(current: PaymentAttempt, bank: str | None, amount: Money, now: datetime) -> bool:
    """Whether the bank may be given the same attempt once more: by the port's contract that is the same payment.

    So a payer whose instructions were lost, with a process or on the way, gets them without a second payment.
    """
    lost = current.state == AttemptState.SUBMITTING and current.started_at + FIRST_QUERY_AFTER <= now
    unanswered = lost or current.state == AttemptState.UNKNOWN
    return unanswered and bank in (None, current.bank) and current.amount == amount.minor


def _refuse_unproven(hub: Hub, known: Sequence[PaymentAttempt]) -> None:
    """A bank has told that it was paid, and the proof is on its way: nothing is started, at no bank."""
    told = next((attempt for attempt in known if payments.is_awaiting(attempt)), None)
    if told is not None:
        raise PaymentUnderWay(_known_by(hub, told))


def _give_up(hub: Hub, session: Session, current: PaymentAttempt | None) -> None:
    """The payer goes on to another bank. Not while nobody knows what the first one did: so one pays twice."""
    if current is None:
        return
    if current.state != AttemptState.PENDING:
        raise PaymentUnderWay(_known_by(hub, current))
    current.state = ATTEMPT_LIFE.after(AttemptState(current.state), AttemptEvent.GIVEN_UP)
    current.changed_at = hub.now()
    session.flush()


def _known_by(hub: Hub, attempt: PaymentAttempt) -> str:
    by = payments.expected_by(attempt, hub.expectation_of(attempt.bank), hub.now())
    return f"the outcome of attempt {attempt.reference} is not known; it will be by {by:%FT%TZ}"


def _write_answer(
    hub: Hub, attempt_reference: str, event: AttemptEvent, instructions: Instructions | None
) -> AttemptView:
    """Store what came back. A callback may have been faster: then its outcome stands."""
    now = hub.now()
    with hub.transaction() as session:
        orders.lock(session, parse_reference(attempt_reference.partition("-")[0]))
        attempt = payments.find_attempt(session, attempt_reference)
        state = AttemptState(attempt.state)
        if ATTEMPT_LIFE.allows(state, event):
            attempt.state = ATTEMPT_LIFE.after(state, event)
            attempt.changed_at = now
            if state is AttemptState.UNKNOWN:
                attempt.resolved_at = now
        if attempt.state == AttemptState.UNKNOWN:
            payments.mark_unknown(attempt, hub.expectation_of(attempt.bank), now)
            attempt.query_at = now + wait_before_query(0)
        if instructions is not None:
            if attempt.state != AttemptState.FAILED:
                attempt.instructions = asdict(instructions)
            attempt.bank_reference = instructions.bank_reference
        session.flush()
        return _view(hub, session, attempt)


def _view(hub: Hub, session: Session, attempt: PaymentAttempt) -> AttemptView:
    return payments.attempt_view(session, attempt, hub.expectation_of(attempt.bank), hub.now())


def read_attempt_requests(
    hub: Hub, *, attempt: AttemptView, payer_ip: str, language: str
) -> tuple[PaymentRequest, PaymentQuery]:
    """The opening (by the port's contract the same again is the same payment), and the question about it."""
    with hub.transaction() as session:
        row = payments.find_attempt(session, attempt.reference)
        expires_at = orders.find_row(session, attempt.order_reference)["expires_at"]
        number, bank_reference = row.id, row.bank_reference
    query = PaymentQuery(
        order_reference=attempt.order_reference,
        attempt_reference=attempt.reference,
        amount=attempt.amount,
        started_at=attempt.started_at,
        queried_at=hub.now(),
        bank_reference=bank_reference,
        number=number,
    )
    request = PaymentRequest(
        order_reference=attempt.order_reference,
        attempt_reference=attempt.reference,
        amount=attempt.amount,
        description=f"Thanh toan {attempt.order_reference}",
        payer_ip=payer_ip,
        language=language,
        started_at=attempt.started_at,
        expires_at=expires_at,
        return_url=hub.checkout_url(attempt.order_reference),
        number=number,
    )
    return request, query


def list_attempts(hub: Hub, *, caller: Caller, reference: str) -> list[AttemptView]:
    """All attempts, the latest first. Raises MalformedReference, OrderNotFound."""
    with hub.transaction() as session:
        row = orders.find_row(session, parse_reference(reference), caller)
        return [
            payments.attempt_view(session, attempt, hub.expectation_of(attempt.bank), hub.now())
            for attempt in payments.attempts_of_order(session, row["order_id"])
        ]
