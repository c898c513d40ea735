"""Ask a bank about one attempt. What it answers goes through the same door as a callback.

Ask, before anything new is done with an order, about its attempts whose outcome nobody knows.

Ask banks about attempts whose outcome they have not told.
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
from payment_hub.operations.banks import call_bank, read_open_circuits
from payment_hub.operations.confirmations.record import receive_confirmation
from payment_hub.store import orders, payments
from payment_hub.store.payments import ClaimedAttempt

log: Final = logging.getLogger(__name__)

MOVING: Final = timedelta(seconds=60)
"""For so long nobody else takes or leaves held money after somebody began to, whatever became of it."""


def query_attempt(hub: Hub, *, attempt: ClaimedAttempt, seconds: int | None = None) -> bool:
    """Ask, and record an outcome. Money that the bank holds for us is taken, or left when nothing is to be paid by it.

    ``attempt`` is a row claimed in ``store.asking``; the answer is waited for ``seconds``, or as the contract says. A
    bank that is silent, or still waits, changes nothing. False when it rests and was not asked. What breaks over one
    attempt is told in the log, and stops no question about another; HubUnavailable alone is raised.
    """
    about = {"bank": attempt.bank, "reference": attempt.reference}
    try:
        _ask(hub, attempt, seconds)
    except CircuitOpen as error:
        # That a bank rests was said once, when its breaker opened.
        log.info("bank_unavailable", extra=about | {"why": str(error)})
        return False
    except BankCannot as error:
        # No news either: its protocol was so when it was enabled.
        log.log(
            logging.WARNING if attempt.awaiting else logging.INFO,
            "bank_unavailable",
            extra=about | {"why": str(error)},
        )
    except (BankUnavailable, BankNotFound, Malformed) as error:
        log.warning("bank_unavailable", extra=about | {"why": str(error)})
    except HubUnavailable:
        raise
    except Exception:
        log.exception("query_failed", extra=about)
    return True


def _ask(hub: Hub, attempt: ClaimedAttempt, seconds: int | None) -> None:
    query = PaymentQuery(
        order_reference=attempt.order_reference,
        attempt_reference=attempt.reference,
        amount=Money(attempt.amount, attempt.currency),
        started_at=attempt.started_at,
        queried_at=hub.now(),
        bank_reference=attempt.bank_reference,
        number=attempt.id,
    )
    said = _asked(hub, attempt, query, seconds)
    if said is None or (said.authorised and said.outcome is Outcome.PENDING):
        said = _taken_or_left(hub, attempt, query, seconds)
    if said is None or said.outcome is Outcome.PENDING:
        return
    receive_confirmation(
        hub,
        confirmation=said,
        source=Source.QUERY,
        received_at=query.queried_at,
        contradicted=attempt.awaiting == Awaiting.CONFIRMATION and _contradicts(hub, attempt, said),
    )


def _contradicts(hub: Hub, attempt: ClaimedAttempt, said: Confirmation) -> bool:
    """Whether one word of the bank stands against another: its callback has said PAID, and this says something else."""
    if said.outcome is Outcome.DECLINED or said.amount is None:
        return True
    with hub.transaction() as session:
        told = payments.awaited_amounts(session, attempt.order_id, attempt.id)
    return bool(told) and (said.amount.minor, said.amount.currency) not in told


def _asked(
    hub: Hub, attempt: ClaimedAttempt, query: PaymentQuery, seconds: int | None
) -> Confirmation | None:
    """Its answer; None of a bank that cannot be asked and has told that it holds the money."""
    if attempt.awaiting == Awaiting.CAPTURE and not isinstance(hub.adapter(attempt.bank), CanQuery):
        return None
    call = partial(hub.adapter_with(attempt.bank, CanQuery).query_payment, query)
    return _put(hub, attempt, call, seconds)


def _taken_or_left(
    hub: Hub, attempt: ClaimedAttempt, query: PaymentQuery, seconds: int | None
) -> Confirmation | None:
    """Take the money that the payer has authorised, if it may still settle the order; else let it go.

    None while somebody else does so, or while another payment of the order may have been made.
    """
    takes = _takes(hub, attempt, query)
    if takes is None:
        return None
    if takes:
        call = partial(hub.adapter_with(attempt.bank, CanCapture).capture_payment, query)
    else:
        call = partial(hub.adapter_with(attempt.bank, CanCancel).cancel_payment, query)
    return _put(hub, attempt, call, seconds)


def _takes(hub: Hub, attempt: ClaimedAttempt, query: PaymentQuery) -> bool | None:
    """Whether the money is to be taken or left, decided for one at a time and under the order's lock; None: neither."""
    now = hub.now()
    expected_by = hub.expectation_of(attempt.bank).expected_by(now, now, now)
    with hub.transaction() as session:
        orders.lock(session, query.order_reference)
        row = orders.find_row(session, query.order_reference)
        payable = why_not_payable(row, now) is None and query.amount <= remaining(row)
        others = [
            each for each in payments.attempts_of_order(session, attempt.order_id) if each.id != attempt.id
        ]
        # Of two that hold money the earlier one comes first; what else may have been paid must be known before.
        waits = payments.undecided(
            [each for each in others if each.awaiting != Awaiting.CAPTURE or each.id < attempt.id]
        )
        moves = waits is None or not payable
        longest = now + MOVING
        alone = payments.hold(
            session, attempt.id, now=now, longest=longest, moves=moves, expected_by=expected_by
        )
    return payable if alone and moves else None


def _put(
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


#: Somebody waits for the answer to something else: a bank that takes longer is asked by the clock.
SECONDS: Final = 3

#: The payer goes to no other bank, but has come back, or is said to be under way: what is pending is asked about too.
NOWHERE: Final = ""


def query_order(hub: Hub, *, reference: str, leaving_for: str | None = None) -> int:
    """How many attempts a bank was asked about, each once and not for long. Never inside a transaction.

    With ``leaving_for`` the payer goes to that bank, and the one whose instructions are left is asked too. The clock's
    own questions are not put off.
    """
    with hub.transaction() as session:
        claimed = payments.claim_of_order(session, reference, hub.now(), leaving_for)
    for attempt in claimed:
        query_attempt(hub, attempt=attempt, seconds=SECONDS)
    return len(claimed)


AT_MOST: Final = timedelta(seconds=20)
"""Who asks for so long lets the clock's other tasks come in; what is still due the next one asks."""
LEASE: Final = timedelta(minutes=2)
"""Longer than a question and what follows it take at a usual bank; one with more patience has a longer one."""
LOOKED_AGAIN: Final = timedelta(minutes=5)
"""A downtime may be withdrawn: nobody relies on its end for longer than this."""
ASKED_FOR: Final = timedelta(days=7)
"""Instructions that nobody has followed for so long are given up."""


def query_pending(hub: Hub) -> int:
    """How many attempts were seen to: their banks were asked, or rest.

    One of each bank in turn, so that a slow bank, or one with many payments, costs the others no more than one answer.
    The next question is due later and later; a bank that is silent or still waiting is asked again, never assumed. What
    is unknown for too long is laid before an officer, and the questions go on.
    """
    began, seen = hub.now(), 0
    with hub.transaction() as session:
        waiting = deque(payments.banks_due(session, began))
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
        attempt = payments.claim_due(session, bank, now, now + max(LEASE, patience))
    if attempt is None:
        return False
    _ask_later(hub, attempt, counts=query_attempt(hub, attempt=attempt))
    return True


def _ask_later(hub: Hub, attempt: ClaimedAttempt, *, counts: bool) -> None:
    now = hub.now()
    next_at = now + wait_before_query(attempt.queries + counts)
    if not counts:
        next_at = max(next_at, _back_at(hub, attempt.bank, now))
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
            give_up=attempt.started_at + ASKED_FOR <= now,
        )


def _back_at(hub: Hub, bank: str, now: datetime) -> datetime:
    return min(read_open_circuits(hub, bank=bank, operation=BankOperation.QUERY) or now, now + LOOKED_AGAIN)
