"""Ask banks about attempts whose outcome they have not told."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row

from payment_hub.domain.payment_attempt import AttemptState, Told, wait_before_asking
from payment_hub.domain.promise import officer_from
from payment_hub.hub import Hub
from payment_hub.operations.ask_about_attempt import ask_about_attempt
from payment_hub.store import asking

log: Final = logging.getLogger(__name__)

BATCH = 50
LEASE = timedelta(minutes=2)
ASKED_FOR = timedelta(days=7)
"""Instructions that nobody has followed for so long are given up."""


def ask_about_pending(hub: Hub) -> int:
    """How many attempts a bank was asked about.

    The next question is due later and later; a bank that is silent or still waiting is asked again, never assumed. What
    is unknown for too long is laid before an officer, and the questions go on.
    """
    now = hub.now()
    with hub.transaction() as session:
        due = asking.claim_due(session, now, now + LEASE, BATCH)
    for attempt in due:
        ask_about_attempt(hub, attempt=attempt)
        _ask_later(hub, attempt)
    return len(due)


def _ask_later(hub: Hub, attempt: Row[Any]) -> None:
    now = hub.now()
    next_at = now + wait_before_asking(attempt.asked)
    unknown = attempt.state == AttemptState.UNKNOWN or attempt.told == Told.PAID
    overdue = unknown and officer_from(attempt.unknown_at or attempt.started_at) <= now
    if overdue:
        log.error("outcome_overdue", extra={"bank": attempt.bank, "reference": attempt.reference})
    with hub.transaction() as session:
        asking.ask_at(
            session,
            attempt.id,
            next_at,
            now=now,
            promised=hub.promise_of(attempt.bank).known_by(now, next_at, now),
            overdue=overdue,
            give_up=attempt.started_at + ASKED_FOR <= now,
        )
