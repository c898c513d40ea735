"""Ask banks about attempts whose outcome they have not told."""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row

from payment_hub.domain.bank_health import BankOperation
from payment_hub.domain.payment_attempt import AttemptState, wait_before_asking
from payment_hub.domain.promise import officer_from
from payment_hub.hub import Hub
from payment_hub.operations.ask_about_attempt import ask_about_attempt
from payment_hub.operations.read_rest import read_rest
from payment_hub.store import asking

log: Final = logging.getLogger(__name__)

AT_MOST: Final = timedelta(seconds=20)
"""Who asks for so long lets the clock's other tasks come in; what is still due the next one asks."""
LEASE: Final = timedelta(minutes=2)
"""Longer than a question and what follows it take at a usual bank; one with more patience has a longer one."""
LOOKED_AGAIN: Final = timedelta(minutes=5)
"""A downtime may be withdrawn: nobody relies on its end for longer than this."""
ASKED_FOR: Final = timedelta(days=7)
"""Instructions that nobody has followed for so long are given up."""


def ask_about_pending(hub: Hub) -> int:
    """How many attempts were seen to: their banks were asked, or rest.

    One of each bank in turn, so that a slow bank, or one with many payments, costs the others no more than one answer.
    The next question is due later and later; a bank that is silent or still waiting is asked again, never assumed. What
    is unknown for too long is laid before an officer, and the questions go on.
    """
    began, seen = hub.now(), 0
    with hub.transaction() as session:
        waiting = deque(asking.banks_due(session, began))
    while waiting and timedelta(0) <= hub.now() - began < AT_MOST:
        bank = waiting.popleft()
        if _ask_next(hub, bank):
            waiting.append(bank)
            seen += 1
    return seen


def _ask_next(hub: Hub, bank: str) -> bool:
    """Whether there was something to ask the bank about. Claimed one by one: no lease runs while others are asked."""
    now = hub.now()
    patience = timedelta(seconds=8 * (hub.terms_of(bank).seconds(BankOperation.QUERY) or 0))
    with hub.transaction() as session:
        attempt = asking.claim_due(session, bank, now, now + max(LEASE, patience))
    if attempt is None:
        return False
    _ask_later(hub, attempt, asked=ask_about_attempt(hub, attempt=attempt))
    return True


def _ask_later(hub: Hub, attempt: Row[Any], *, asked: bool) -> None:
    now = hub.now()
    next_at = now + wait_before_asking(attempt.asked + asked)
    if not asked:
        next_at = max(next_at, _back_at(hub, attempt.bank, now))
    unknown = attempt.state == AttemptState.UNKNOWN or attempt.told is not None
    overdue = unknown and officer_from(attempt.unknown_at or attempt.started_at) <= now
    if overdue:
        log.error("outcome_overdue", extra={"bank": attempt.bank, "reference": attempt.reference})
    with hub.transaction() as session:
        asking.ask_at(
            session,
            attempt,
            next_at,
            asked=asked,
            now=now,
            promised=hub.promise_of(attempt.bank).known_by(now, next_at, now),
            overdue=overdue,
            give_up=attempt.started_at + ASKED_FOR <= now,
        )


def _back_at(hub: Hub, bank: str, now: datetime) -> datetime:
    return min(read_rest(hub, bank=bank, operation=BankOperation.QUERY) or now, now + LOOKED_AGAIN)
