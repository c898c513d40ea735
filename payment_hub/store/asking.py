"""The timers of attempts: whose bank is to be asked now, by whom alone, and when again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payment_hub.store.tables.attempts import TOLD

#: Somebody who asked so short a time ago has asked for everybody.
JUST_ASKED: Final = timedelta(seconds=2)

_COLUMNS: Final = """p.id, p.order_id, p.bank, p.reference, p.amount, p.currency, p.started_at, p.bank_reference,
    p.asked, p.state, p.told, p.unknown_at,
    (SELECT reference FROM payment_order o WHERE o.id = p.order_id) AS order_reference"""

_CLAIM_DUE: Final = f"""UPDATE payment_attempt p SET asked = p.asked + 1, ask_at = :leased_until, asked_at = :now
    FROM (
        SELECT id FROM payment_attempt WHERE ({{which}}) AND ask_at <= :now
        ORDER BY ask_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ) due
    WHERE p.id = due.id
    RETURNING {_COLUMNS}"""

#: One question for each partial index, so that each is answered in its order.
_DUE: Final = tuple(
    text(_CLAIM_DUE.format(which=which)) for which in ("state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')", TOLD)
)

_CLAIM_OF_ORDER: Final = text(
    f"""UPDATE payment_attempt p SET asked_at = :now
    FROM (
        SELECT id FROM payment_attempt
        WHERE order_id = (SELECT id FROM payment_order WHERE reference = :reference)
            AND (asked_at IS NULL OR asked_at <= :just_asked)
            AND (state = 'UNKNOWN' OR state = 'SUBMITTING' AND ask_at <= :now OR {TOLD}
                OR state = 'PENDING' AND bank <> :leaving_for)
        FOR UPDATE SKIP LOCKED
    ) due
    WHERE p.id = due.id
    RETURNING {_COLUMNS}"""
)

_ASK_AT: Final = text(
    f"""UPDATE payment_attempt SET ask_at = :moment,
        unknown_at = CASE WHEN state = 'SUBMITTING' THEN coalesce(unknown_at, :now) ELSE unknown_at END,
        promised_at = CASE WHEN state = 'SUBMITTING' THEN coalesce(promised_at, :promised) ELSE promised_at END,
        officer_since = coalesce(officer_since, CASE WHEN :overdue AND (state = 'UNKNOWN' OR told = 'PAID')
            THEN CAST(:now AS timestamptz) END),
        state = CASE
            WHEN state = 'SUBMITTING' THEN 'UNKNOWN'
            WHEN state = 'PENDING' AND told IS NULL AND :give_up THEN 'ABANDONED'
            ELSE state END
    WHERE id = :id AND (state IN ('SUBMITTING', 'PENDING', 'UNKNOWN') OR {TOLD})"""
)

_UNPROVEN: Final = text(
    """SELECT amount, currency FROM confirmation
    WHERE order_id = :order AND attempt_id = :attempt AND verdict = 'UNPROVEN' AND amount IS NOT NULL"""
)


def claim_due(session: Session, now: datetime, leased_until: datetime, limit: int) -> Sequence[Row[Any]]:
    """Attempts about which the bank is to be asked now; nobody else gets them before ``leased_until``."""
    asked = {"now": now, "leased_until": leased_until, "limit": limit}
    return [row for claim in _DUE for row in session.execute(claim, asked)]


def claim_of_order(
    session: Session, reference: str, now: datetime, leaving_for: str | None
) -> Sequence[Row[Any]]:
    """The attempts of one order that are asked about before anything else is done with it.

    Those of unknown outcome, and those whose instructions the payer leaves for the bank ``leaving_for``; none of which
    somebody has asked about just now. Their timers stay as they are.
    """
    asked = {"reference": reference, "now": now, "just_asked": now - JUST_ASKED, "leaving_for": leaving_for}
    return session.execute(_CLAIM_OF_ORDER, asked).all()


def ask_at(
    session: Session,
    attempt_id: int,
    moment: datetime,
    *,
    now: datetime,
    promised: datetime,
    overdue: bool,
    give_up: bool,
) -> None:
    """Set when the bank is to be asked next, if there is anything left to ask.

    An unanswered intent becomes UNKNOWN, with ``promised`` as the promise; ``overdue`` lays it before an officer. With
    ``give_up`` instructions that nobody followed are ABANDONED: the bank still tells, or its statement does, if money
    comes after all. What is UNKNOWN is never given up.
    """
    asked = {"id": attempt_id, "moment": moment, "now": now, "promised": promised}
    session.execute(_ASK_AT, asked | {"overdue": overdue, "give_up": give_up})


def unproven_amounts(session: Session, order_id: int, attempt_id: int) -> set[tuple[int, str]]:
    """What the bank's callbacks have said that was paid, while nothing proves it."""
    found = session.execute(_UNPROVEN, {"order": order_id, "attempt": attempt_id})
    return {(row.amount, row.currency) for row in found}
