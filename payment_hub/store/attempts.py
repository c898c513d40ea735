"""Questions about payment attempts, and the claims on those that a bank must be asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payment_hub.domain.money import Money
from payment_hub.domain.payment_attempt import UNDER_WAY
from payment_hub.domain.views import AttemptView
from payment_hub.store.tables import PaymentAttempt, PaymentOrder

_CLAIM_DUE: Final = text(
    """UPDATE payment_attempt p SET asked = p.asked + 1, ask_at = :leased_until
    FROM (
        SELECT id FROM payment_attempt
        WHERE state IN ('SUBMITTING', 'PENDING', 'UNKNOWN') AND ask_at <= :now
        ORDER BY ask_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ) due
    WHERE p.id = due.id
    RETURNING p.id, p.bank, p.reference, p.amount, p.currency, p.started_at, p.bank_reference, p.asked, p.state,
        (SELECT reference FROM payment_order o WHERE o.id = p.order_id) AS order_reference"""
)


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


def find(session: Session, reference: str) -> PaymentAttempt:
    """The attempt with this reference, which must exist."""
    return session.scalars(select(PaymentAttempt).where(PaymentAttempt.reference == reference)).one()


def claim_due(session: Session, now: datetime, leased_until: datetime, limit: int) -> Sequence[Row[Any]]:
    """Attempts about which the bank is to be asked now; nobody else gets them before ``leased_until``."""
    return session.execute(_CLAIM_DUE, {"now": now, "leased_until": leased_until, "limit": limit}).all()


def view(session: Session, attempt: PaymentAttempt) -> AttemptView:
    """The attempt as callers see it."""
    order_reference = session.scalars(
        select(PaymentOrder.reference).where(PaymentOrder.id == attempt.order_id)
    ).one()
    given = attempt.instructions or {}
    return AttemptView(
        reference=attempt.reference,
        order_reference=order_reference,
        bank=attempt.bank,
        state=attempt.state,
        amount=Money(attempt.amount, attempt.currency),
        qr_text=given.get("qr_text"),
        page_url=given.get("page_url"),
        account_number=given.get("account_number"),
        account_name=given.get("account_name"),
        account_bank=given.get("account_bank"),
        purpose=given.get("purpose"),
        started_at=attempt.started_at,
    )


def ask_at(session: Session, attempt_id: int, moment: datetime, *, give_up: bool) -> None:
    """Set when the bank is to be asked next, if there is anything left to ask.

    An unanswered intent becomes UNKNOWN. With ``give_up`` instructions that nobody followed are ABANDONED: the bank
    still tells, or its statement does, if money comes after all. What is UNKNOWN is never given up.
    """
    session.execute(
        text(
            """UPDATE payment_attempt SET ask_at = :moment, state = CASE
                WHEN state = 'SUBMITTING' THEN 'UNKNOWN'
                WHEN state = 'PENDING' AND :give_up THEN 'ABANDONED'
                ELSE state END
            WHERE id = :id AND state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')"""
        ),
        {"moment": moment, "id": attempt_id, "give_up": give_up},
    )
