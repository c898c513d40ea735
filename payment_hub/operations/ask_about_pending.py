"""Ask banks about attempts whose outcome they have not told."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from payment_hub.domain.bank_port import Outcome, PaymentQuery
from payment_hub.domain.errors import BankNotFound, BankUnavailable, Malformed
from payment_hub.domain.money import Money
from payment_hub.domain.payment_attempt import wait_before_asking
from payment_hub.domain.standing import Source
from payment_hub.hub import Hub
from payment_hub.operations.receive_confirmation import receive_confirmation
from payment_hub.store import attempts

log = logging.getLogger(__name__)

BATCH = 50
LEASE = timedelta(minutes=2)
ASKED_FOR = timedelta(days=7)
"""Instructions that nobody has followed for so long are given up."""


def ask_about_pending(hub: Hub) -> int:
    """How many attempts a bank was asked about. What it answers goes through the same door as a callback.

    The next question is due later and later; a bank that is silent or still waiting is asked again, never assumed.
    """
    now = hub.now()
    with hub.transaction() as session:
        due = attempts.claim_due(session, now, now + LEASE, BATCH)
    for attempt in due:
        _ask(hub, attempt)
    return len(due)


def _ask(hub: Hub, attempt: Row[Any]) -> None:
    query = PaymentQuery(
        order_reference=attempt.order_reference,
        attempt_reference=attempt.reference,
        amount=Money(attempt.amount, attempt.currency),
        started_at=attempt.started_at,
        asked_at=hub.now(),
        bank_reference=attempt.bank_reference,
    )
    try:
        confirmation = hub.adapter(attempt.bank).query_payment(query)
    except (BankUnavailable, BankNotFound, Malformed) as error:
        log.warning(
            "bank_silent", extra={"bank": attempt.bank, "reference": attempt.reference, "why": str(error)}
        )
    else:
        if confirmation.outcome is not Outcome.PENDING:
            receive_confirmation(
                hub, confirmation=confirmation, source=Source.QUERY, received_at=query.asked_at
            )
    _ask_later(hub, attempt)


def _ask_later(hub: Hub, attempt: Row[Any]) -> None:
    now = hub.now()
    old = attempt.started_at + ASKED_FOR <= now
    with hub.transaction() as session:
        attempts.ask_at(session, attempt.id, now + wait_before_asking(attempt.asked), give_up=old)
