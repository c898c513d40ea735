"""Effects of refunds and chargebacks on their order: its sums, the postings, and what the portal learns."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from payment_hub.domain.effects import Effects, publish, receipt_request
from payment_hub.domain.errors import RefundExceeds
from payment_hub.domain.ledger import Account, Transfer
from payment_hub.domain.orders import EventType
from payment_hub.domain.refunds.lifecycle import SUMS, RefundEvent, Route, paid_from
from payment_hub.domain.refunds.views import RefundChange
from payment_hub.domain.settlement import (
    OrderRecord,
    OrderSnapshot,
    paying_back,
    reallocating,
    totals_after,
    without,
)


def effects_of_refund(
    event: RefundEvent,
    record: OrderRecord,
    order: OrderSnapshot,
    *,
    amount: int,
    accepted: bool,
    route: Route,
    refund: RefundChange,
    at: datetime,
) -> Effects | None:
    """What follows for the order when ``event`` happens to a refund of ``amount``; None when nothing does.

    ``accepted``: the refunded money may settle the order. For FAILED, ``order`` is the order after the postings of the
    approval were reversed. Raises RefundExceeds when the order's accounts do not hold the amount.
    """
    change = SUMS.get(event)
    if change is None:
        return None
    after = replace(
        without(order, change.paid_back * amount, accepted=accepted),
        refunded=order.refunded + change.refunded * amount,
        held_refund=order.held_refund + change.held * amount,
    )
    clearing = Account.REFUND_CLEARING
    postings: tuple[Transfer, ...] = ()
    if event is RefundEvent.APPROVED:
        postings = _whole(paying_back(order, amount, accepted=accepted, to=clearing), amount, clearing)
    elif event is RefundEvent.RETURNED:
        postings = (Transfer(debit=clearing, credit=paid_from(route), amount=amount),)
    elif event is RefundEvent.FAILED:
        postings = reallocating(after)
    return _effects(record, after, postings, change.event, at, refund)


def effects_of_chargeback(
    record: OrderRecord, order: OrderSnapshot, *, amount: int, accepted: bool, at: datetime
) -> Effects:
    """What follows when a bank takes ``amount`` back by itself.

    Raises RefundExceeds when the order's accounts do not hold it.
    """
    clearing = Account.BANK_CLEARING
    after = replace(
        without(order, amount, accepted=accepted), refunded=order.refunded + amount, disputed=True
    )
    postings = _whole(paying_back(order, amount, accepted=accepted, to=clearing), amount, clearing)
    return _effects(record, after, postings, EventType.DISPUTED, at)


def _effects(
    record: OrderRecord,
    order: OrderSnapshot,
    postings: tuple[Transfer, ...],
    event: EventType,
    at: datetime,
    refund: RefundChange | None = None,
) -> Effects:
    totals = totals_after(order)
    # Money that came back may complete a payment: then the order is paid now, and the portal gets that event too.
    completes = totals.settled and not order.has_receipt
    types = (event, EventType.PAID) if completes else (event,)
    return Effects(
        totals=totals,
        transfers=postings,
        receipt=receipt_request(record, at) if completes else None,
        events=publish(record.view, totals, *types, refund=refund),
    )


def _whole(postings: tuple[Transfer, ...], amount: int, to: Account) -> tuple[Transfer, ...]:
    available = sum(transfer.amount for transfer in postings if transfer.credit is to)
    if available != amount:
        raise RefundExceeds(f"the order's accounts hold {available}")
    return postings
