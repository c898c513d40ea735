"""Ask a bank about one attempt. What it answers goes through the same door as a callback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Row

from payment_hub.domain.bank_health import BankOperation
from payment_hub.domain.bank_port import CanCancel, CanCapture, CanQuery
from payment_hub.domain.bank_values import Confirmation, Outcome, PaymentQuery
from payment_hub.domain.errors import (
    BankCannot,
    BankNotFound,
    BankResting,
    BankUnavailable,
    HubUnavailable,
    Malformed,
)
from payment_hub.domain.money import Money
from payment_hub.domain.payable import remaining, why_not_payable
from payment_hub.domain.payment_attempt import Told
from payment_hub.domain.standing import Source
from payment_hub.hub import Hub
from payment_hub.operations.ask_bank import ask_bank
from payment_hub.operations.receive_confirmation import receive_confirmation
from payment_hub.store import asking, attempts, orders

log: Final = logging.getLogger(__name__)

MOVING: Final = timedelta(seconds=60)
"""For so long nobody else takes or leaves held money after somebody began to, whatever became of it."""


def ask_about_attempt(hub: Hub, *, attempt: Row[Any], seconds: int | None = None) -> bool:
    """Ask, and record an outcome. Money that the bank holds for us is taken, or left when nothing is to be paid by it.

    ``attempt`` is a row claimed in ``store.asking``; the answer is waited for ``seconds``, or as the contract says. A
    bank that is silent, or still waits, changes nothing. False when it rests and was not asked. What breaks over one
    attempt is told in the log, and stops no question about another; HubUnavailable alone is raised.
    """
    about = {"bank": attempt.bank, "reference": attempt.reference}
    try:
        _ask(hub, attempt, seconds)
    except BankResting as error:
        # That a bank rests was said once, when its breaker opened.
        log.info("bank_silent", extra=about | {"why": str(error)})
        return False
    except BankCannot as error:
        # No news either: its protocol was so when it was enabled.
        log.log(
            logging.WARNING if attempt.told else logging.INFO,
            "bank_silent",
            extra=about | {"why": str(error)},
        )
    except (BankUnavailable, BankNotFound, Malformed) as error:
        log.warning("bank_silent", extra=about | {"why": str(error)})
    except HubUnavailable:
        raise
    except Exception:
        log.exception("asking_failed", extra=about)
    return True


def _ask(hub: Hub, attempt: Row[Any], seconds: int | None) -> None:
    query = PaymentQuery(
        order_reference=attempt.order_reference,
        attempt_reference=attempt.reference,
        amount=Money(attempt.amount, attempt.currency),
        started_at=attempt.started_at,
        asked_at=hub.now(),
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
        received_at=query.asked_at,
        contradicted=attempt.told == Told.PAID and _contradicts(hub, attempt, said),
    )


def _contradicts(hub: Hub, attempt: Row[Any], said: Confirmation) -> bool:
    """Whether one word of the bank stands against another: its callback has said PAID, and this says something else."""
    if said.outcome is Outcome.DECLINED or said.amount is None:
        return True
    with hub.transaction() as session:
        told = asking.unproven_amounts(session, attempt.order_id, attempt.id)
    return bool(told) and (said.amount.minor, said.amount.currency) not in told


def _asked(hub: Hub, attempt: Row[Any], query: PaymentQuery, seconds: int | None) -> Confirmation | None:
    """Its answer; None of a bank that cannot be asked and has told that it holds the money."""
    if attempt.told == Told.AUTHORISED and not isinstance(hub.adapter(attempt.bank), CanQuery):
        return None
    call = partial(hub.able(attempt.bank, CanQuery).query_payment, query)
    return _put(hub, attempt, call, seconds)


def _taken_or_left(
    hub: Hub, attempt: Row[Any], query: PaymentQuery, seconds: int | None
) -> Confirmation | None:
    """Take the money that the payer has authorised, if it may still settle the order; else let it go.

    None while somebody else does so, or while another payment of the order may have been made.
    """
    takes = _takes(hub, attempt, query)
    if takes is None:
        return None
    if takes:
        call = partial(hub.able(attempt.bank, CanCapture).capture_payment, query)
    else:
        call = partial(hub.able(attempt.bank, CanCancel).cancel_payment, query)
    return _put(hub, attempt, call, seconds)


def _takes(hub: Hub, attempt: Row[Any], query: PaymentQuery) -> bool | None:
    """Whether the money is to be taken or left, decided for one at a time and under the order's lock; None: neither."""
    now = hub.now()
    promised = hub.promise_of(attempt.bank).known_by(now, now, now)
    with hub.transaction() as session:
        orders.lock(session, query.order_reference)
        row = orders.find_row(session, query.order_reference)
        payable = why_not_payable(row, now) is None and query.amount <= remaining(row)
        others = [each for each in attempts.of_order(session, attempt.order_id) if each.id != attempt.id]
        # Of two that hold money the earlier one comes first; what else may have been paid must be known before.
        waits = attempts.undecided(
            [each for each in others if each.told != Told.AUTHORISED or each.id < attempt.id]
        )
        moves = waits is None or not payable
        longest = now + MOVING
        alone = asking.hold(session, attempt.id, now=now, longest=longest, moves=moves, promised=promised)
    return payable if alone and moves else None


def _put(hub: Hub, attempt: Row[Any], call: Callable[[], Confirmation], seconds: int | None) -> Confirmation:
    return ask_bank(
        hub,
        bank=attempt.bank,
        operation=BankOperation.QUERY,
        call=call,
        seconds=seconds,
        about=attempt.reference,
    )
