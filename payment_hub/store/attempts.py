"""Questions about payment attempts, and what is shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from payment_hub.domain.attempt_views import AttemptView
from payment_hub.domain.bank_choice import Choice, Rule
from payment_hub.domain.choice_facts import Facts
from payment_hub.domain.money import Money
from payment_hub.domain.payment_attempt import UNDER_WAY, AttemptState, Told
from payment_hub.domain.promise import Promise
from payment_hub.store.tables import Agency, BankChoice, PaymentAttempt, PaymentOrder


def of_order(session: Session, order_id: int) -> Sequence[PaymentAttempt]:
    """All attempts of an order, the latest first."""
    asked = (
        select(PaymentAttempt)
        .where(PaymentAttempt.order_id == order_id)
        .order_by(PaymentAttempt.number.desc())
    )
    return session.scalars(asked).all()


def under_way(attempts: Sequence[PaymentAttempt]) -> PaymentAttempt | None:
    """The one attempt of an order whose outcome is still to come; the database allows no second."""
    return next((attempt for attempt in attempts if attempt.state in UNDER_WAY), None)


def undecided(attempts: Sequence[PaymentAttempt]) -> PaymentAttempt | None:
    """The attempt because of which no other may start: of unknown outcome, or of money told and not ours yet."""
    return next((attempt for attempt in attempts if unproven(attempt)), None) or next(
        (attempt for attempt in attempts if attempt.state in (AttemptState.SUBMITTING, AttemptState.UNKNOWN)),
        None,
    )


def unproven(attempt: PaymentAttempt) -> bool:
    """Whether the bank tells of money that is not ours yet: held, or paid where our contract wants a second word."""
    if attempt.told == Told.AUTHORISED:
        return attempt.state not in (AttemptState.SUCCEEDED, AttemptState.FAILED)
    return attempt.told == Told.PAID and attempt.state != AttemptState.SUCCEEDED


def find(session: Session, reference: str) -> PaymentAttempt:
    """The attempt with this reference, which must exist."""
    return session.scalars(select(PaymentAttempt).where(PaymentAttempt.reference == reference)).one()


def view(session: Session, attempt: PaymentAttempt, promise: Promise, now: datetime) -> AttemptView:
    """The attempt as callers see it; ``promise`` is what may be promised of its bank."""
    order_reference = session.scalars(
        select(PaymentOrder.reference).where(PaymentOrder.id == attempt.order_id)
    ).one()
    given = attempt.instructions or {}
    return AttemptView(
        reference=attempt.reference,
        order_reference=order_reference,
        bank=attempt.bank,
        state=AttemptState.UNKNOWN if unproven(attempt) else attempt.state,
        amount=Money(attempt.amount, attempt.currency),
        qr_text=given.get("qr_text"),
        page_url=given.get("page_url"),
        account_number=given.get("account_number"),
        account_name=given.get("account_name"),
        account_bank=given.get("account_bank"),
        purpose=given.get("purpose"),
        started_at=attempt.started_at,
        app_link=given.get("app_link"),
        bill_code=given.get("bill_code"),
        known_by=known_by(attempt, promise, now),
    )


def known_by(attempt: PaymentAttempt, promise: Promise, now: datetime) -> datetime | None:
    """When the outcome will be known, as we promise; None when it is known, or waits for the payer."""
    silent = attempt.state in (AttemptState.SUBMITTING, AttemptState.UNKNOWN)
    if not silent and not unproven(attempt):
        return None
    return promise.known_by(attempt.unknown_at or attempt.started_at, attempt.ask_at, now)


def become_unknown(attempt: PaymentAttempt, promise: Promise, now: datetime) -> None:
    """From now on nobody knows the outcome; when it will be known is promised once, and kept to be measured."""
    if attempt.unknown_at is None:
        attempt.unknown_at = now
        attempt.promised_at = promise.known_by(now, attempt.ask_at, now)


def preference_of(session: Session, agency_id: int) -> tuple[str, ...]:
    """The banks that an agency would rather be paid through, the most wanted first."""
    found = session.scalar(select(Agency.bank_preference).where(Agency.id == agency_id))
    return tuple(found or ())


def remember_choice(
    session: Session, attempt: PaymentAttempt, facts: Facts, choice: Choice, now: datetime
) -> None:
    """Keep why the attempt goes through its bank."""
    session.add(
        BankChoice(
            order_id=attempt.order_id,
            attempt_id=attempt.id,
            bank=attempt.bank,
            rule=choice.rule,
            offered=choice.offered,
            facts=facts.as_json(),
            chosen_at=now,
        )
    )


def choices_of(session: Session, order_id: int) -> list[tuple[str, Choice]]:
    """The references of an order's attempts, each with what was chosen for it then, oldest first."""
    asked = (
        select(PaymentAttempt.reference, BankChoice.bank, BankChoice.rule, BankChoice.offered)
        .join(BankChoice, BankChoice.attempt_id == PaymentAttempt.id)
        .where(PaymentAttempt.order_id == order_id)
        .order_by(PaymentAttempt.number)
    )
    return [(row.reference, Choice(row.bank, Rule(row.rule), row.offered)) for row in session.execute(asked)]
