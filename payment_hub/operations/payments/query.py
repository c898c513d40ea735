"""Querying banks: about one attempt, about an order's attempts before anything new is done, and by the schedule.

A bank's answer is recorded in the same way as its callback.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from payment_hub.domain.banks.health import BankOperation
from payment_hub.domain.banks.port import CanCancel, CanCapture, CanQuery
from payment_hub.domain.banks.values import Confirmation, Outcome, PaymentQuery
from payment_hub.domain.errors import (
    BankCannot,
    BankNotFound,
    BankUnavailable,
    CircuitOpen,
    HubUnavailable,
    Malformed,
)
from payment_hub.domain.money import Money
from payment_hub.domain.payments import AttemptState, Awaiting, escalates_at, wait_before_query
from payment_hub.domain.settlement import Source, remaining, why_not_payable
from payment_hub.hub import Hub
from payment_hub.operations.banks import call_bank, open_until
from payment_hub.operations.confirmations import receive_confirmation
from payment_hub.store import orders, payments
from payment_hub.store.payments import ClaimedAttempt

log: Final = logging.getLogger(__name__)

MOVING: Final = timedelta(seconds=60)
"""The lease of the process that captures or cancels held money."""


def query_attempt(hub: Hub, *, attempt: ClaimedAttempt, seconds: int | None = None) -> bool:
    """Query the bank and record an outcome. Held money is captured, or cancelled when the order cannot take it.

    The time limit is ``seconds``, or the contract's. No answer, or PENDING, changes nothing. False when the circuit is
    open and the bank was not queried. An error about one attempt is logged and stops no query about another; only
    HubUnavailable is raised.
    """
    fields = {"bank": attempt.bank, "reference": attempt.reference}
    try:
        _query(hub, attempt, seconds)
    except CircuitOpen as error:
        # The opening of the circuit was logged once, so this is no warning.
        log.info("bank_unavailable", extra=fields | {"why": str(error)})
        return False
    except BankCannot as error:
        # No news either: the bank's protocol cannot be queried.
        log.log(
            logging.WARNING if attempt.awaiting else logging.INFO,
            "bank_unavailable",
            extra=fields | {"why": str(error)},
        )
    except (BankUnavailable, BankNotFound, Malformed) as error:
        log.warning("bank_unavailable", extra=fields | {"why": str(error)})
    except HubUnavailable:
        raise
    except Exception:
        log.exception("query_failed", extra=fields)
    return True


def _query(hub: Hub, attempt: ClaimedAttempt, seconds: int | None) -> None:
    query = PaymentQuery(
        order_reference=attempt.order_reference,
        attempt_reference=attempt.reference,
        amount=Money(attempt.amount, attempt.currency),
        started_at=attempt.started_at,
        queried_at=hub.now(),
        bank_reference=attempt.bank_reference,
        number=attempt.id,
    )
    confirmation = _answer(hub, attempt, query, seconds)
    if confirmation is None or (confirmation.authorised and confirmation.outcome is Outcome.PENDING):
        confirmation = _capture_or_cancel(hub, attempt, query, seconds)
    if confirmation is None or confirmation.outcome is Outcome.PENDING:
        return
    receive_confirmation(
        hub,
        confirmation=confirmation,
        source=Source.QUERY,
        received_at=query.queried_at,
        contradicted=attempt.awaiting == Awaiting.CONFIRMATION and _contradicts(hub, attempt, confirmation),
    )


def _contradicts(hub: Hub, attempt: ClaimedAttempt, confirmation: Confirmation) -> bool:
    """Whether the answer contradicts the bank's callback, which has reported PAID."""
    if confirmation.outcome is Outcome.DECLINED or confirmation.amount is None:
        return True
    with hub.transaction() as session:
        awaited = payments.awaited_amounts(session, attempt.order_id, attempt.id)
    return bool(awaited) and (confirmation.amount.minor, confirmation.amount.currency) not in awaited


def _answer(
    hub: Hub, attempt: ClaimedAttempt, query: PaymentQuery, seconds: int | None
) -> Confirmation | None:
    """The bank's answer; None from a bank that cannot be queried and holds the money."""
    if attempt.awaiting == Awaiting.CAPTURE and not isinstance(hub.adapter(attempt.bank), CanQuery):
        return None
    call = partial(hub.adapter_with(attempt.bank, CanQuery).query_payment, query)
    return _call(hub, attempt, call, seconds)


def _capture_or_cancel(
    hub: Hub, attempt: ClaimedAttempt, query: PaymentQuery, seconds: int | None
) -> Confirmation | None:
    """Capture the money that the payer has authorised, if the order can still take it; else cancel the payment.

    None while another process does so, or while another payment of the order may have been made.
    """
    captures = _may_capture(hub, attempt, query)
    if captures is None:
        return None
    if captures:
        call = partial(hub.adapter_with(attempt.bank, CanCapture).capture_payment, query)
    else:
        call = partial(hub.adapter_with(attempt.bank, CanCancel).cancel_payment, query)
    return _call(hub, attempt, call, seconds)


def _may_capture(hub: Hub, attempt: ClaimedAttempt, query: PaymentQuery) -> bool | None:
    """Whether to capture or to cancel, decided for one attempt at a time under the order's lock; None for neither."""
    now = hub.now()
    expected_by = hub.expectation_of(attempt.bank).expected_by(now, now, now)
    with hub.transaction() as session:
        orders.lock(session, query.order_reference)
        row = orders.find_row(session, query.order_reference)
        payable = why_not_payable(row, now) is None and query.amount <= remaining(row)
        # Of two attempts with held money the earlier one comes first; any other must be decided before.
        earlier = payments.undecided(
            [
                other
                for other in payments.attempts_of_order(session, attempt.order_id)
                if other.id != attempt.id and (other.awaiting != Awaiting.CAPTURE or other.id < attempt.id)
            ]
        )
        moves = earlier is None or not payable
        longest = now + MOVING
        alone = payments.hold(
            session, attempt.id, now=now, longest=longest, moves=moves, expected_by=expected_by
        )
    return payable if alone and moves else None


def _call(
    hub: Hub, attempt: ClaimedAttempt, call: Callable[[], Confirmation], seconds: int | None
) -> Confirmation:
    return call_bank(
        hub,
        bank=attempt.bank,
        operation=BankOperation.QUERY,
        call=call,
        seconds=seconds,
        about=attempt.reference,
    )


#: The time limit while a caller waits for something else: a slower bank is queried by the schedule.
SECONDS: Final = 3

#: No bank's name: pending attempts are queried too, although the payer leaves for no other bank.
NOWHERE: Final = ""


def query_order(hub: Hub, *, reference: str, leaving_for: str | None = None) -> int:
    """Query the order's attempts of unknown outcome, each once with a short time limit; how many. Never inside a
    transaction.

    With ``leaving_for``, the bank that the payer chose instead, the attempt that the payer leaves is queried too. The
    scheduled queries are not put off.
    """
    with hub.transaction() as session:
        claimed = payments.claim_of_order(session, reference, hub.now(), leaving_for)
    for attempt in claimed:
        query_attempt(hub, attempt=attempt, seconds=SECONDS)
    return len(claimed)


AT_MOST: Final = timedelta(seconds=20)
"""After so long the task ends, so that other tasks get their turn; the next one continues."""
LEASE: Final = timedelta(minutes=2)
"""Longer than a query and its record take at a usual bank; a bank with a longer time limit has a longer lease."""
RECHECK_AFTER: Final = timedelta(minutes=5)
"""A downtime may be cancelled: a query waits no longer than this for its end."""
GIVE_UP_AFTER: Final = timedelta(days=7)
"""Instructions that no payer has followed for so long are given up."""


def query_pending(hub: Hub) -> int:
    """Query the banks about the attempts that are due; how many attempts were processed.

    One attempt of each bank in turn, so that a slow bank, or one with many payments, costs the others no more than one
    call. The next query of an attempt is due later and later; without an outcome it is repeated, never assumed. An
    outcome that is unknown for too long is escalated to officers, and the queries go on.
    """
    began, processed = hub.now(), 0
    with hub.transaction() as session:
        waiting = deque(payments.banks_due(session, began))
    while waiting and timedelta(0) <= hub.now() - began < AT_MOST:
        bank = waiting.popleft()
        if _query_next(hub, bank):
            waiting.append(bank)
            processed += 1
    return processed


def _query_next(hub: Hub, bank: str) -> bool:
    """Query the bank about its next attempt; False without one. Each is claimed alone, so that no lease runs idle."""
    now = hub.now()
    time_limit = timedelta(seconds=8 * (hub.terms_of(bank).seconds(BankOperation.QUERY) or 0))
    with hub.transaction() as session:
        attempt = payments.claim_due(session, bank, now, now + max(LEASE, time_limit))
    if attempt is None:
        return False
    _schedule_next(hub, attempt, counts=query_attempt(hub, attempt=attempt))
    return True


def _schedule_next(hub: Hub, attempt: ClaimedAttempt, *, counts: bool) -> None:
    now = hub.now()
    next_at = now + wait_before_query(attempt.queries + counts)
    if not counts:
        next_at = max(next_at, _bank_back_at(hub, attempt.bank, now))
    unknown = attempt.state == AttemptState.UNKNOWN or attempt.awaiting is not None
    overdue = unknown and escalates_at(attempt.unknown_at or attempt.started_at) <= now
    if overdue:
        log.error("outcome_overdue", extra={"bank": attempt.bank, "reference": attempt.reference})
    with hub.transaction() as session:
        payments.schedule_query(
            session,
            attempt,
            next_at,
            counts=counts,
            now=now,
            expected_by=hub.expectation_of(attempt.bank).expected_by(now, next_at, now),
            overdue=overdue,
            give_up=attempt.started_at + GIVE_UP_AFTER <= now,
        )


def _bank_back_at(hub: Hub, bank: str, now: datetime) -> datetime:
    return min(open_until(hub, bank=bank, operation=BankOperation.QUERY) or now, now + RECHECK_AFTER)
