"""Ask a bank about one attempt. What it answers goes through the same door as a callback."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any, Final

from sqlalchemy import Row

from payment_hub.domain.bank_health import BankOperation
from payment_hub.domain.bank_port import CanCancel, CanCapture, CanQuery
from payment_hub.domain.bank_values import Confirmation, Outcome, PaymentQuery
from payment_hub.domain.errors import BankCannot, BankNotFound, BankResting, BankUnavailable, Malformed
from payment_hub.domain.money import Money
from payment_hub.domain.payable import remaining, why_not_payable
from payment_hub.domain.payment_attempt import Told
from payment_hub.domain.standing import Source
from payment_hub.hub import Hub
from payment_hub.operations.ask_bank import ask_bank
from payment_hub.operations.receive_confirmation import receive_confirmation
from payment_hub.store import asking, orders

log: Final = logging.getLogger(__name__)


def ask_about_attempt(hub: Hub, *, attempt: Row[Any], seconds: int | None = None) -> None:
    """Ask, and record an outcome. Money that the bank holds for us is taken, or left when nothing is to be paid by it.

    ``attempt`` is a row claimed in ``store.asking``; the answer is waited for ``seconds``, or as the contract says. A
    bank that is silent, or still waits, changes nothing.
    """
    query = PaymentQuery(
        order_reference=attempt.order_reference,
        attempt_reference=attempt.reference,
        amount=Money(attempt.amount, attempt.currency),
        started_at=attempt.started_at,
        asked_at=hub.now(),
        bank_reference=attempt.bank_reference,
        number=attempt.id,
    )
    try:
        said = _asked(hub, attempt, query, seconds)
        if said.authorised and said.outcome is Outcome.PENDING:
            said = _taken_or_left(hub, attempt, query, seconds)
    except (BankUnavailable, BankNotFound, BankCannot, Malformed) as error:
        # That a bank rests was said once, when its breaker opened.
        level = logging.INFO if isinstance(error, BankResting) else logging.WARNING
        about = {"bank": attempt.bank, "reference": attempt.reference, "why": str(error)}
        log.log(level, "bank_silent", extra=about)
        return
    if said.outcome is Outcome.PENDING:
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


def _asked(hub: Hub, attempt: Row[Any], query: PaymentQuery, seconds: int | None) -> Confirmation:
    if attempt.told == Told.AUTHORISED and not isinstance(hub.adapter(attempt.bank), CanQuery):
        return _taken_or_left(hub, attempt, query, seconds)
    call = partial(hub.able(attempt.bank, CanQuery).query_payment, query)
    return ask_bank(hub, bank=attempt.bank, operation=BankOperation.QUERY, call=call, seconds=seconds)


def _taken_or_left(hub: Hub, attempt: Row[Any], query: PaymentQuery, seconds: int | None) -> Confirmation:
    """Take the money that the payer has authorised, if it may still settle the order; else let it go."""
    if _may_still_settle(hub, query):
        call = partial(hub.able(attempt.bank, CanCapture).capture_payment, query)
    else:
        call = partial(hub.able(attempt.bank, CanCancel).cancel_payment, query)
    return ask_bank(hub, bank=attempt.bank, operation=BankOperation.QUERY, call=call, seconds=seconds)


def _may_still_settle(hub: Hub, query: PaymentQuery) -> bool:
    with hub.transaction() as session:
        row = orders.find_row(session, query.order_reference)
    return why_not_payable(row, hub.now()) is None and query.amount <= remaining(row)
