"""Starting a payment: record the intent, call the bank, record its answer. And reading attempts."""

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

#: A process that dies during the call leaves its attempt SUBMITTING; after this time another one queries the bank.
FIRST_QUERY_AFTER = timedelta(seconds=30)

#: The time until the bank's deadline, where the rest of a part-paid order is paid after the order's own deadline.
LATE_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _PayerRequest:
    """The payer's request."""

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
    answer gets the same attempt again, never a second one. Without ``bank`` one is chosen.

    Raises MalformedReference, OrderNotFound, BankNotFound; OrderClosed; PaymentUnderWay while the outcome of another
    attempt is unknown; BankNotOffered for a bank that does not take this payment; BankUnavailable when this bank did
    not answer: then the attempt is UNKNOWN.
    """
    payer = _PayerRequest(parse_reference(reference), bank, payer_ip, language, return_url)
    if bank is not None:
        hub.adapter(bank)
    query_order(hub, reference=payer.reference, leaving_for=bank)
    attempt, request = _write_intent(hub, payer, read_bank_states(hub))
    if request is None:
        return attempt
    call = partial(hub.adapter(attempt.bank).open_payment, request)
    try:
        instructions = call_bank(
            hub, bank=attempt.bank, operation=BankOperation.OPEN, call=call, about=payer.reference
        )
    except (CircuitOpen, Malformed):
        # The request was not sent. The outcome of an earlier one is still unknown.
        if attempt.state == AttemptState.SUBMITTING:
            _record_answer(hub, attempt.reference, AttemptEvent.DECLINED, None)
        raise
    except BankUnavailable:
        _record_answer(hub, attempt.reference, AttemptEvent.NO_ANSWER, None)
        raise
    return _record_answer(hub, attempt.reference, AttemptEvent.INSTRUCTIONS_GIVEN, instructions)


def _write_intent(
    hub: Hub, payer: _PayerRequest, states: BankStates
) -> tuple[AttemptView, PaymentRequest | None]:
    """The attempt, and the request to the bank; None when the bank has given instructions already."""
    now = hub.now()
    with hub.transaction() as session:
        orders.lock(session, payer.reference)
        row = orders.find_row(session, payer.reference)
        closed = why_not_payable(row, now)
        if closed is not None:
            raise OrderClosed(closed)
        attempts = payments.attempts_of_order(session, row["order_id"])
        attempt, amount = payments.under_way(attempts), remaining(row)
        _refuse_while_awaiting(hub, attempts)
        enabled = attempt is not None and attempt.bank in hub.adapters
        if attempt is not None and enabled and _is_still_valid(attempt, payer.bank, amount):
            return _view(hub, session, attempt), None
        if attempt is not None and enabled and _may_be_resent(attempt, payer.bank, amount, now):
            if attempt.state == AttemptState.SUBMITTING:
                attempt.state = ATTEMPT_LIFE.after(AttemptState.SUBMITTING, AttemptEvent.NO_ANSWER)
            attempt.query_at = now + FIRST_QUERY_AFTER
            payments.mark_unknown(attempt, hub.expectation_of(attempt.bank), now)
        else:
            _give_up(hub, session, attempt)
            attempt = _new_attempt(hub, session, row, attempts, states, payer)
        session.flush()
        return _view(hub, session, attempt), _request(hub, row, attempt, amount, payer)


def _new_attempt(
    hub: Hub,
    session: Session,
    row: Mapping[str, Any],
    attempts: Sequence[PaymentAttempt],
    states: BankStates,
    payer: _PayerRequest,
) -> PaymentAttempt:
    """A new attempt at the chosen bank; the choice is recorded. Raises BankNotOffered."""
    preference = payments.preference_of(session, row["agency_id"])
    facts = read_routing_facts(
        hub, order=row, attempts=attempts, preference=preference, states=states, requested_bank=payer.bank
    )
    choice, now, amount = choose_bank(facts), hub.now(), remaining(row)
    if choice.bank is None:
        raise BankNotOffered(f"{payer.bank}: {explained(choice)}" if payer.bank else str(explained(choice)))
    attempt = PaymentAttempt(
        order_id=row["order_id"],
        number=len(attempts) + 1,
        reference=f"{row['reference']}-{len(attempts) + 1}",
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
    hub: Hub, row: Mapping[str, Any], attempt: PaymentAttempt, amount: Money, payer: _PayerRequest
) -> PaymentRequest:
    return PaymentRequest(
        order_reference=payer.reference,
        attempt_reference=attempt.reference,
        amount=amount,
        description=f"Thanh toan {payer.reference}",
        payer_ip=payer.payer_ip,
        language=payer.language,
        started_at=attempt.started_at,
        expires_at=_deadline(row["expires_at"], attempt.started_at),
        return_url=payer.return_url or hub.checkout_url(payer.reference),
        number=attempt.id,
    )


def _deadline(expires_at: datetime, started_at: datetime) -> datetime:
    """The order's own, or, where the rest of its money may come late, one that is still ahead."""
    return expires_at if expires_at > started_at else started_at + LATE_LIFE


def _is_still_valid(current: PaymentAttempt, bank: str | None, amount: Money) -> bool:
    pending = current.state == AttemptState.PENDING and current.instructions is not None
    return pending and bank in (None, current.bank) and current.amount == amount.minor


def _may_be_resent(current: PaymentAttempt, bank: str | None, amount: Money, now: datetime) -> bool:
    """Whether the bank may get the same attempt once more: by the port's contract that is the same payment.

    A payer whose instructions were lost gets them so without a second payment.
    """
    lost = current.state == AttemptState.SUBMITTING and current.started_at + FIRST_QUERY_AFTER <= now
    unanswered = lost or current.state == AttemptState.UNKNOWN
    return unanswered and bank in (None, current.bank) and current.amount == amount.minor


def _refuse_while_awaiting(hub: Hub, attempts: Sequence[PaymentAttempt]) -> None:
    """Raise PaymentUnderWay while money that a bank has reported awaits its confirmation or capture."""
    awaiting = next((attempt for attempt in attempts if payments.is_awaiting(attempt)), None)
    if awaiting is not None:
        raise PaymentUnderWay(_expectation(hub, awaiting))


def _give_up(hub: Hub, session: Session, current: PaymentAttempt | None) -> None:
    """Give up the present attempt for another bank. Raises PaymentUnderWay while its outcome is unknown."""
    if current is None:
        return
    if current.state != AttemptState.PENDING:
        raise PaymentUnderWay(_expectation(hub, current))
    current.state = ATTEMPT_LIFE.after(AttemptState(current.state), AttemptEvent.GIVEN_UP)
    current.changed_at = hub.now()
    session.flush()


def _expectation(hub: Hub, attempt: PaymentAttempt) -> str:
    by = payments.expected_by(attempt, hub.expectation_of(attempt.bank), hub.now())
    return f"the outcome of attempt {attempt.reference} is not known; it is expected by {by:%FT%TZ}"


def _record_answer(
    hub: Hub, attempt_reference: str, event: AttemptEvent, instructions: Instructions | None
) -> AttemptView:
    """Record the bank's answer. A callback may have been faster: then its outcome stays."""
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
    """The request that opened an attempt (the same again is the same payment), and the query about it."""
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
