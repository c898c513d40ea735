"""The judge: what one confirmation means for its order, decided from facts alone.

``judge`` is pure and never raises for anything that a bank may state: a verified confirmation is recorded, whatever it
means.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from payment_hub.domain.banks.values import Answer, Confirmation, Outcome
from payment_hub.domain.money import Money
from payment_hub.domain.settlement import (
    ConfirmationContext,
    Corroboration,
    Disposition,
    LatePolicy,
    OrderSnapshot,
    OrderTotals,
    RecordedCollection,
    Verdict,
    totals_after,
)

#: How far a bank's own moment of payment may lie behind or ahead of its arrival here and still decide lateness.
CREDIBLE_BEHIND: Final = timedelta(days=3)
CREDIBLE_AHEAD: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class NewCollection:
    """Money that this confirmation proves for the first time."""

    amount: Money
    collected_at: datetime
    late: bool = False
    accepted: bool = False
    """Whether the money may settle the order."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a confirmation means; ``domain.effects`` derives what follows from it."""

    verdict: Verdict
    disposition: Disposition
    first_verdict: Verdict | None = None
    """For a repetition: the verdict of the first confirmation."""
    collection: NewCollection | None = None
    totals: OrderTotals | None = None
    """The order's totals, where the confirmation changes them."""

    @property
    def collects(self) -> bool:
        """Whether it brings money that was not recorded before."""
        return self.collection is not None


def judge(
    confirmation: Confirmation,
    context: ConfirmationContext,
    received_at: datetime,
    corroboration: Corroboration = Corroboration.CONFIRMED,
) -> Judgement:
    """What ``confirmation``, arrived at ``received_at``, means. Pure; never raises."""
    digest = digest_of(confirmation)
    for previous in context.previous:
        if previous.digest == digest:
            return Judgement(Verdict.DUPLICATE, Disposition.DUPLICATE, first_verdict=previous.verdict)
    if context.previous:
        return _contradiction(context.order)
    if corroboration is Corroboration.CONFLICT:
        # Two statements about one payment, and no money recorded by either: the order is not held for them.
        return Judgement(Verdict.CONTRADICTS, Disposition.CONFLICT)
    if confirmation.outcome is not Outcome.PAID:
        return _no_money(confirmation.outcome, context.order)
    if context.collection is not None:
        return _recorded_before(confirmation.amount, context.collection, context.order)
    if corroboration is Corroboration.NEEDS_INQUIRY:
        orphan = context.order is None
        return Judgement(Verdict.NEEDS_INQUIRY, Disposition.ORPHAN if orphan else Disposition.APPLIED)
    return _new_money(confirmation, context.order, received_at)


def digest_of(confirmation: Confirmation) -> bytes:
    """16 bytes over the statement itself, apart from how and when it was sent."""
    amount = confirmation.amount
    statement = (
        confirmation.outcome,
        None if amount is None else (amount.minor, amount.currency),
        confirmation.bank_transaction_id,
        confirmation.reference,
    )
    return hashlib.sha256(repr(statement).encode("utf-8", "backslashreplace")).digest()[:16]


def answer_to(judgement: Judgement) -> Answer:
    """The answer to the bank. A repetition is answered as the first time, or as already recorded."""
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


def _no_money(outcome: Outcome, order: OrderSnapshot | None) -> Judgement:
    if order is None:
        return Judgement(Verdict.NO_SUCH_ORDER, Disposition.ORPHAN)
    declined = outcome is Outcome.DECLINED
    return Judgement(Verdict.DECLINED if declined else Verdict.STILL_PENDING, Disposition.APPLIED)


def _recorded_before(
    amount: Money | None, recorded: RecordedCollection, order: OrderSnapshot | None
) -> Judgement:
    if recorded.for_this_order and amount == Money(recorded.amount, recorded.currency):
        return Judgement(Verdict.DUPLICATE, Disposition.DUPLICATE, first_verdict=Verdict.DUPLICATE)
    return _contradiction(order)


def _contradiction(order: OrderSnapshot | None) -> Judgement:
    """Neither of two values can be trusted: the first stays, the order is held, an officer decides."""
    totals = None if order is None else totals_after(order, conflict=True)
    return Judgement(Verdict.CONTRADICTS, Disposition.CONFLICT, totals=totals)


def _new_money(confirmation: Confirmation, order: OrderSnapshot | None, received_at: datetime) -> Judgement:
    amount = confirmation.amount
    if amount is None or amount.minor <= 0 or confirmation.bank_transaction_id is None:
        # "Paid" without an amount or without the bank's transaction is no proof of money.
        return Judgement(Verdict.CONTRADICTS, Disposition.CONFLICT)
    collected_at = credible_moment(confirmation.paid_at, received_at)
    collection = NewCollection(amount, collected_at)
    if order is None:
        return Judgement(Verdict.NO_SUCH_ORDER, Disposition.ORPHAN, collection=collection)
    if amount.currency != order.currency:
        # Money is never converted silently: it waits in suspense in its own currency.
        totals = totals_after(order, other_currency=True)
        return Judgement(Verdict.WRONG_CURRENCY, Disposition.APPLIED, collection=collection, totals=totals)
    late = collected_at > min(order.expires_at, order.cancelled_at or order.expires_at)
    accepted = not late or order.late_policy is LatePolicy.ACCEPT
    totals = totals_after(
        order,
        received=order.received + amount.minor,
        accepted=order.accepted + (amount.minor if accepted else 0),
        late=late,
    )
    return Judgement(
        _verdict(order, totals, late),
        Disposition.APPLIED,
        collection=replace(collection, late=late, accepted=accepted),
        totals=totals,
    )


def _verdict(order: OrderSnapshot, totals: OrderTotals, late: bool) -> Verdict:
    if order.settled_here or order.settled_elsewhere:
        return Verdict.PAID_TWICE
    if totals.settled:
        return Verdict.OVERPAYS if totals.received > order.required else Verdict.SETTLES
    if totals.held and (late or not order.still_owed):
        return Verdict.TOO_LATE
    return Verdict.UNDERPAYS
