"""The judge: what one confirmation means for its order, decided from facts alone.

``judge`` is pure. It never raises for anything that a bank may say, because a verified fact is kept whatever we think
of it; the operation that carries its judgement out decides nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from payment_hub.domain.banks.values import Answer, Confirmation, Outcome
from payment_hub.domain.ledger import Allocation, Transfer, transfers
from payment_hub.domain.orders import EventType
from payment_hub.domain.settlement import (
    Context,
    Corroboration,
    Disposition,
    LatePolicy,
    OrderSnapshot,
    OrderTotals,
    RecordedCollection,
    Verdict,
    allocation,
    totals_after,
)

#: How far a bank's own moment of payment may lie behind or ahead of its arrival here and still decide lateness.
CREDIBLE_BEHIND: Final = timedelta(days=3)
CREDIBLE_AHEAD: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be recorded, all of it in one commit."""

    verdict: Verdict
    disposition: Disposition
    first_verdict: Verdict | None = None
    """For a repetition: what was found the first time."""
    collects: bool = False
    late: bool = False
    accepts: bool = False
    """Whether the money may settle the order."""
    collected_at: datetime | None = None
    after: OrderTotals | None = None
    transfers: tuple[Transfer, ...] = ()
    receipt: bool = False
    event: EventType | None = None


def judge(
    confirmation: Confirmation,
    standing: Context,
    received_at: datetime,
    corroboration: Corroboration = Corroboration.CONFIRMED,
) -> Judgement:
    """What ``confirmation``, arrived at ``received_at``, means. Pure; never raises."""
    digest = digest_of(confirmation)
    for heard in standing.heard:
        if heard.digest == digest:
            return Judgement(Verdict.DUPLICATE, Disposition.DUPLICATE, first_verdict=heard.verdict)
    if standing.heard:
        return _contradiction(standing.order)
    if corroboration is Corroboration.CONFLICT:
        # Two words about one payment, none of which has moved anything: the order is not held for them.
        return Judgement(Verdict.CONTRADICTS, Disposition.CONFLICT)
    if confirmation.outcome is not Outcome.PAID:
        return _no_money(confirmation, standing.order)
    if standing.booked is not None:
        return _recorded_before(confirmation, standing.booked, standing.order)
    if corroboration is Corroboration.NEEDS_INQUIRY:
        known = standing.order is not None
        return Judgement(Verdict.NEEDS_INQUIRY, Disposition.APPLIED if known else Disposition.ORPHAN)
    return _new_money(confirmation, standing.order, received_at)


def digest_of(confirmation: Confirmation) -> bytes:
    """16 bytes over what was said, apart from how and when it was sent."""
    amount = confirmation.amount
    said = (
        confirmation.outcome,
        None if amount is None else (amount.minor, amount.currency),
        confirmation.bank_transaction_id,
        confirmation.reference,
    )
    return hashlib.sha256(repr(said).encode("utf-8", "backslashreplace")).digest()[:16]


def answer_to(judgement: Judgement) -> Answer:
    """What the bank must be told. A repetition is answered as the first time, or as already recorded."""
    if judgement.disposition is Disposition.DUPLICATE and judgement.first_verdict in _RECORDED:
        return Answer.ALREADY_RECORDED
    verdict = judgement.first_verdict or judgement.verdict
    return _ANSWERS.get(verdict, Answer.RECORDED)


def credible_moment(paid_at: datetime | None, received_at: datetime) -> datetime:
    """The moment by which lateness is judged: the bank's if it is credible, else that of arrival."""
    if paid_at is None or not received_at - CREDIBLE_BEHIND <= paid_at <= received_at + CREDIBLE_AHEAD:
        return received_at
    return paid_at


_ANSWERS: Final = {Verdict.NO_SUCH_ORDER: Answer.NO_SUCH_ORDER, Verdict.UNDERPAYS: Answer.WRONG_AMOUNT}
_RECORDED: Final = (
    Verdict.SETTLES,
    Verdict.OVERPAYS,
    Verdict.PAID_TWICE,
    Verdict.TOO_LATE,
    Verdict.DUPLICATE,
)


def _no_money(confirmation: Confirmation, order: OrderSnapshot | None) -> Judgement:
    if order is None:
        return Judgement(Verdict.NO_SUCH_ORDER, Disposition.ORPHAN)
    declined = confirmation.outcome is Outcome.DECLINED
    return Judgement(Verdict.DECLINED if declined else Verdict.STILL_PENDING, Disposition.APPLIED)


def _recorded_before(
    confirmation: Confirmation, booked: RecordedCollection, order: OrderSnapshot | None
) -> Judgement:
    amount = confirmation.amount
    same = amount is not None and (amount.minor, amount.currency) == (booked.amount, booked.currency)
    if same and booked.for_this_order:
        return Judgement(Verdict.DUPLICATE, Disposition.DUPLICATE, first_verdict=Verdict.DUPLICATE)
    return _contradiction(order)


def _contradiction(order: OrderSnapshot | None) -> Judgement:
    """Neither of two values can be trusted: the first stays, the order is held, a person decides."""
    if order is None:
        return Judgement(Verdict.CONTRADICTS, Disposition.CONFLICT)
    after = totals_after(order, conflict=True)
    return Judgement(Verdict.CONTRADICTS, Disposition.CONFLICT, after=after, event=EventType.HELD)


def _new_money(confirmation: Confirmation, order: OrderSnapshot | None, received_at: datetime) -> Judgement:
    amount = confirmation.amount
    if amount is None or amount.minor <= 0 or confirmation.bank_transaction_id is None:
        # "Paid" without an amount or without the bank's transaction is no proof of money.
        return Judgement(Verdict.CONTRADICTS, Disposition.CONFLICT)
    moment = credible_moment(confirmation.paid_at, received_at)
    if order is None:
        into_suspense = transfers({}, _all_suspense(amount.minor), amount.minor)
        return Judgement(
            Verdict.NO_SUCH_ORDER,
            Disposition.ORPHAN,
            collects=True,
            collected_at=moment,
            transfers=into_suspense,
        )
    if amount.currency != order.currency:
        return _foreign(order, amount.minor, moment)
    return _payment(order, amount.minor, moment)


def _foreign(order: OrderSnapshot, minor: int, moment: datetime) -> Judgement:
    """Never convert silently: it waits in suspense in its own currency."""
    return Judgement(
        Verdict.WRONG_CURRENCY,
        Disposition.APPLIED,
        collects=True,
        collected_at=moment,
        after=totals_after(order, other_currency=True),
        transfers=transfers({}, _all_suspense(minor), minor),
        event=EventType.HELD,
    )


def _payment(order: OrderSnapshot, minor: int, moment: datetime) -> Judgement:
    late = moment > min(order.expires_at, order.cancelled_at or order.expires_at)
    accepts = not late or order.late_policy is LatePolicy.ACCEPT
    accepted = order.accepted + (minor if accepts else 0)
    after = totals_after(order, received=order.received + minor, accepted=accepted, late=late)
    return Judgement(
        _verdict(order, after, late),
        Disposition.APPLIED,
        collects=True,
        late=late,
        accepts=accepts,
        collected_at=moment,
        after=after,
        transfers=transfers(order.posted, allocation(order, after), minor),
        receipt=after.settled and not order.has_receipt,
        event=_event(order, after),
    )


def _all_suspense(minor: int) -> Allocation:
    return Allocation(suspense=minor)


def _verdict(order: OrderSnapshot, after: OrderTotals, late: bool) -> Verdict:
    if order.settled_here or order.settled_elsewhere:
        return Verdict.PAID_TWICE
    if after.settled:
        return Verdict.OVERPAYS if after.received > order.required else Verdict.SETTLES
    if after.held and (late or not order.still_owed):
        return Verdict.TOO_LATE
    return Verdict.UNDERPAYS


def _event(order: OrderSnapshot, after: OrderTotals) -> EventType:
    if order.settled_here and after.received - order.paid_back > order.required:
        return EventType.OVERPAID
    if after.settled:
        return EventType.PAID
    return EventType.HELD if after.held else EventType.UNDERPAID
