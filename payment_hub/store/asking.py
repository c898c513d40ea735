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
    p.asked, p.state, p.told, p.unknown_at, p.ask_at,
    (SELECT reference FROM payment_order o WHERE o.id = p.order_id) AS order_reference"""

#: What is asked about: money that is told comes before all that waits for a payer. Each has its own partial index.
_ASKED_ABOUT: Final = (f"({TOLD})", "state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')")

#: From bank to bank by the index, so that it costs the same however many attempts wait.
_BANKS_DUE: Final = """WITH RECURSIVE named AS (
        (SELECT bank FROM payment_attempt WHERE {which} ORDER BY bank LIMIT 1)
        UNION ALL
        SELECT (SELECT bank FROM payment_attempt WHERE {which} AND bank > named.bank ORDER BY bank LIMIT 1)
        FROM named WHERE named.bank IS NOT NULL
    )
    SELECT bank, first.ask_at FROM named, LATERAL (
        SELECT ask_at FROM payment_attempt p WHERE {which} AND p.bank = named.bank ORDER BY ask_at LIMIT 1
    ) first WHERE first.ask_at <= :now"""

_CLAIM_DUE: Final = f"""UPDATE payment_attempt p SET ask_at = :leased_until, asked_at = :now
    FROM (
        SELECT id FROM payment_attempt WHERE bank = :bank AND {{which}} AND ask_at <= :now
        ORDER BY ask_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) due
    WHERE p.id = due.id
    RETURNING {_COLUMNS}"""

_DUE_BANKS: Final = tuple(text(_BANKS_DUE.format(which=which)) for which in _ASKED_ABOUT)
_DUE: Final = tuple(text(_CLAIM_DUE.format(which=which)) for which in _ASKED_ABOUT)

_CLAIM_OF_ORDER: Final = text(
    f"""UPDATE payment_attempt p SET asked_at = :now
    FROM (
        SELECT id FROM payment_attempt
        WHERE order_id = (SELECT id FROM payment_order WHERE reference = :reference)
            AND (asked_at IS NULL OR asked_at <= :just_asked OR asked_at > :now)
            AND (state = 'UNKNOWN' OR state = 'SUBMITTING' AND ask_at <= :now OR {TOLD}
                OR state = 'PENDING' AND bank <> :leaving_for)
        FOR UPDATE SKIP LOCKED
    ) due
    WHERE p.id = due.id
    RETURNING {_COLUMNS}"""
)

#: A moment that somebody has set since it was claimed stands: a callback wants that the bank is asked at once.
_ASK_AT: Final = text(
    f"""UPDATE payment_attempt SET asked = asked + CAST(:asked AS int),
        ask_at = CASE WHEN ask_at = :leased_until THEN CAST(:moment AS timestamptz) ELSE ask_at END,
        unknown_at = CASE WHEN state = 'SUBMITTING' THEN coalesce(unknown_at, :now) ELSE unknown_at END,
        promised_at = CASE WHEN state = 'SUBMITTING' THEN coalesce(promised_at, :promised) ELSE promised_at END,
        officer_since = coalesce(officer_since, CASE WHEN :overdue AND (state = 'UNKNOWN' OR {TOLD})
            THEN CAST(:now AS timestamptz) END),
        state = CASE
            WHEN state = 'SUBMITTING' THEN 'UNKNOWN'
            WHEN state = 'PENDING' AND told IS NULL AND :give_up THEN 'ABANDONED'
            ELSE state END
    WHERE id = :id AND (state IN ('SUBMITTING', 'PENDING', 'UNKNOWN') OR {TOLD})"""
)

_HOLD: Final = text(
    """UPDATE payment_attempt SET told = 'AUTHORISED',
        moving_until = coalesce(CAST(:until AS timestamptz), moving_until),
        unknown_at = CASE WHEN unknown_at IS NOT NULL AND known_at IS NULL THEN unknown_at ELSE :now END,
        promised_at = CASE WHEN unknown_at IS NOT NULL AND known_at IS NULL THEN promised_at ELSE :promised END,
        known_at = NULL
    WHERE id = :id AND state NOT IN ('SUCCEEDED', 'FAILED') AND told IS DISTINCT FROM 'PAID'
        AND (moving_until IS NULL OR moving_until <= :now OR moving_until > :longest)
    RETURNING id"""
)

_UNPROVEN: Final = text(
    """SELECT amount, currency FROM confirmation
    WHERE order_id = :order AND attempt_id = :attempt AND verdict = 'UNPROVEN' AND amount IS NOT NULL"""
)


def banks_due(session: Session, now: datetime) -> list[str]:
    """The banks that are to be asked about something now, enabled or not; who has waited longest comes first."""
    found: dict[str, datetime] = {}
    for question in _DUE_BANKS:
        for bank, ask_at in session.execute(question, {"now": now}):
            found[bank] = min(ask_at, found.get(bank, ask_at))
    return sorted(found, key=lambda bank: (found[bank], bank))


def claim_due(session: Session, bank: str, now: datetime, leased_until: datetime) -> Row[Any] | None:
    """The attempt about which the bank is to be asked first, if any; nobody else gets it before ``leased_until``."""
    asked = {"bank": bank, "now": now, "leased_until": leased_until}
    for claim in _DUE:
        found = session.execute(claim, asked).one_or_none()
        if found is not None:
            return found
    return None


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
    claimed: Row[Any],
    moment: datetime,
    *,
    asked: bool,
    now: datetime,
    promised: datetime,
    overdue: bool,
    give_up: bool,
) -> None:
    """Set when the bank is to be asked next about what was ``claimed``, if there is anything left to ask.

    ``asked`` counts the question. An unanswered intent becomes UNKNOWN, with ``promised`` as the promise; ``overdue``
    lays it before an officer. With ``give_up`` instructions that nobody followed are ABANDONED: the bank still tells,
    or its statement does, if money comes after all. What is UNKNOWN is never given up.
    """
    values = {"id": claimed.id, "leased_until": claimed.ask_at, "moment": moment, "asked": asked, "now": now}
    session.execute(_ASK_AT, values | {"promised": promised, "overdue": overdue, "give_up": give_up})


def hold(
    session: Session, attempt_id: int, *, now: datetime, longest: datetime, moves: bool, promised: datetime
) -> bool:
    """Keep that the bank holds money for this attempt, before anything is sent: a crash or a silence leaves something
    to ask about. Whether nobody else takes or leaves it now; who ``moves`` it keeps all others off until ``longest``.
    """
    asked = {"id": attempt_id, "now": now, "longest": longest, "promised": promised}
    asked["until"] = longest if moves else None
    return session.execute(_HOLD, asked).scalar_one_or_none() is not None


def unproven_amounts(session: Session, order_id: int, attempt_id: int) -> set[tuple[int, str]]:
    """What the bank's callbacks have said that was paid, while nothing proves it."""
    found = session.execute(_UNPROVEN, {"order": order_id, "attempt": attempt_id})
    return {(row.amount, row.currency) for row in found}
