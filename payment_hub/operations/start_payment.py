"""Start paying an order through a bank: store the intent, ask the bank, store its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from payment_hub.domain.agency import LatePolicy
from payment_hub.domain.bank_port import Instructions, PaymentRequest
from payment_hub.domain.errors import BankUnavailable, Malformed, OrderClosed, PaymentUnderWay
from payment_hub.domain.money import Money
from payment_hub.domain.payment_attempt import ATTEMPT_LIFE, AttemptEvent, AttemptState
from payment_hub.domain.payment_order import OrderStatus
from payment_hub.domain.references import parse_reference
from payment_hub.domain.views import AttemptView
from payment_hub.hub import Hub
from payment_hub.store import attempts, orders
from payment_hub.store.tables import PaymentAttempt

#: A process that dies while it asks the bank leaves its attempt SUBMITTING; after this somebody else asks.
FIRST_QUESTION = timedelta(seconds=30)


def start_payment(
    hub: Hub, *, reference: str, bank: str, payer_ip: str, language: str, return_url: str | None = None
) -> AttemptView:
    """The attempt with the payer's instructions; the same bank again gives the same instructions. A bank that did not
    answer is asked again about the same attempt, never about a second one.

    Raises MalformedReference, OrderNotFound, BankNotFound; OrderClosed; PaymentUnderWay while the outcome of another
    attempt is unknown; BankUnavailable when this bank did not answer, and then the attempt is UNKNOWN.
    """
    adapter = hub.adapter(bank)
    plain = parse_reference(reference)
    attempt, request = _write_intent(hub, plain, bank, payer_ip, language, return_url)
    if request is None:
        return attempt
    try:
        instructions = adapter.open_payment(request)
    except BankUnavailable:
        _write_answer(hub, attempt.reference, AttemptEvent.NO_ANSWER, None)
        raise
    except Malformed:
        # The request never left: the bank's own limits forbid it. What became of an earlier try is still unknown.
        if attempt.state == AttemptState.SUBMITTING:
            _write_answer(hub, attempt.reference, AttemptEvent.DECLINED, None)
        raise
    return _write_answer(hub, attempt.reference, AttemptEvent.INSTRUCTIONS_GIVEN, instructions)


def _write_intent(
    hub: Hub, reference: str, bank: str, payer_ip: str, language: str, return_url: str | None
) -> tuple[AttemptView, PaymentRequest | None]:
    """The attempt, and what to ask the bank; nothing to ask when it has given instructions already."""
    now = hub.now()
    with hub.transaction() as session:
        orders.lock(session, reference)
        row = orders.find_row(session, reference)
        _refuse_closed(row, now)
        known = attempts.of_order(session, row["order_id"])
        amount = Money(row["required"] - row["received"] + row["refunded"], row["currency"])
        attempt = attempts.under_way(known)
        if attempt is not None and _still_good(attempt, bank, amount):
            return attempts.view(session, attempt), None
        if attempt is not None and _may_be_asked_again(attempt, bank, amount, now):
            attempt.state = AttemptState.UNKNOWN
            attempt.ask_at = now + FIRST_QUESTION
        else:
            _give_up(session, attempt, now)
            attempt = _new_attempt(row, len(known) + 1, bank, amount, now)
            session.add(attempt)
        session.flush()
        request = PaymentRequest(
            order_reference=reference,
            attempt_reference=attempt.reference,
            amount=amount,
            description=f"Thanh toan {reference}",
            payer_ip=payer_ip,
            language=language,
            started_at=attempt.started_at,
            expires_at=row["expires_at"],
            return_url=return_url or hub.checkout_url(reference),
        )
        return attempts.view(session, attempt), request


def _new_attempt(
    row: Mapping[str, Any], number: int, bank: str, amount: Money, now: datetime
) -> PaymentAttempt:
    return PaymentAttempt(
        order_id=row["order_id"],
        number=number,
        reference=f"{row['reference']}-{number}",
        bank=bank,
        state=ATTEMPT_LIFE.first,
        amount=amount.minor,
        currency=amount.currency,
        started_at=now,
        changed_at=now,
        ask_at=now + FIRST_QUESTION,
    )


def _refuse_closed(row: Mapping[str, Any], now: datetime) -> None:
    if row["status"] not in (OrderStatus.OPEN, OrderStatus.UNDERPAID) or row["held"]:
        raise OrderClosed(f"the order is {row['status']}" + (", held for review" if row["held"] else ""))
    if row["settled_by"] not in (None, row["order_id"]):
        raise OrderClosed("another order has settled the obligation")
    # Part of the money is here and the agency accepts the rest late: refusing it would help nobody.
    completes = row["status"] == OrderStatus.UNDERPAID and row["late_policy"] == LatePolicy.ACCEPT
    if row["expires_at"] <= now and not completes:
        raise OrderClosed("the deadline has passed")


def _still_good(current: PaymentAttempt, bank: str, amount: Money) -> bool:
    pending = current.state == AttemptState.PENDING and current.instructions is not None
    return pending and current.bank == bank and current.amount == amount.minor


def _may_be_asked_again(current: PaymentAttempt, bank: str, amount: Money, now: datetime) -> bool:
    """Whether the bank may be given the same attempt once more: by the port's contract that is the same payment.

    So a payer whose instructions were lost, with a process or on the way, gets them without a second payment.
    """
    lost = current.state == AttemptState.SUBMITTING and current.started_at + FIRST_QUESTION <= now
    unanswered = lost or current.state == AttemptState.UNKNOWN
    return unanswered and current.bank == bank and current.amount == amount.minor


def _give_up(session: Session, current: PaymentAttempt | None, now: datetime) -> None:
    """The payer goes on to another bank. Not while nobody knows what the first one did: so one pays twice."""
    if current is None:
        return
    if current.state != AttemptState.PENDING:
        raise PaymentUnderWay(
            f"attempt {current.reference} is {current.state}; asked again at {current.ask_at:%FT%TZ}"
        )
    current.state = ATTEMPT_LIFE.after(AttemptState(current.state), AttemptEvent.GIVEN_UP)
    current.changed_at = now
    session.flush()


def _write_answer(
    hub: Hub, attempt_reference: str, event: AttemptEvent, instructions: Instructions | None
) -> AttemptView:
    """Store what came back. A callback may have been faster: then its outcome stands."""
    with hub.transaction() as session:
        orders.lock(session, parse_reference(attempt_reference.partition("-")[0]))
        attempt = attempts.find(session, attempt_reference)
        state = AttemptState(attempt.state)
        if ATTEMPT_LIFE.allows(state, event):
            attempt.state = ATTEMPT_LIFE.after(state, event)
            attempt.changed_at = hub.now()
        if instructions is not None:
            attempt.instructions = asdict(instructions)
            attempt.bank_reference = instructions.bank_reference
        session.flush()
        return attempts.view(session, attempt)
