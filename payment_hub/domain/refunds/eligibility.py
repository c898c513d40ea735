"""Which money can be refunded, by which route, and which refunds the hub proposes by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from payment_hub.domain.banks.port import BankAdapter, CanRefund
from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.errors import CollectionNotFound, RefundBlocked, RefundExceeds
from payment_hub.domain.ledger import Account
from payment_hub.domain.money import Money
from payment_hub.domain.refunds.lifecycle import RefundReason, Route, route_of
from payment_hub.domain.refunds.vouchers import VoucherFacts, VoucherPayment
from payment_hub.domain.settlement import LatePolicy, OrderRecord, OrderSnapshot, Verdict, paying_back


@dataclass(frozen=True, slots=True)
class Collected:
    """One bank transaction of an order, and the refunds and chargebacks of it. Amounts in the order's currency."""

    key: int
    bank: str
    bank_transaction_id: str
    amount: int
    accepted: bool
    late: bool
    collected_at: datetime
    day: date
    verdict: str | None
    gone: int
    """Refunded, on its way, proposed, or charged back."""
    charged_back: bool
    excess: int
    """What the bank charged back although it was refunded as well."""
    not_carried: bool
    """Its bank's limits, or the bank more than once, have refused a refund of it."""
    contradicted: bool
    """The bank contradicts the end of a refund of it."""
    seen: bool
    """It stands in a statement of its bank, with this amount."""
    live_reasons: frozenset[str]
    """The reasons of its refunds that have not ended."""
    hub_reasons: frozenset[str]
    """The reasons for which the hub has ever proposed a refund of it by itself."""
    payer: Mapping[str, Any] | None
    attempt_reference: str
    """The reference under which the bank has the payment."""
    started_at: datetime
    bank_reference: str | None

    @property
    def remaining(self) -> int:
        """What of it can still be refunded."""
        return self.amount - self.gone


@dataclass(frozen=True, slots=True)
class RefundRules:
    """An agency's rules of refunding."""

    limit: int | None
    """The most that an officer may refund of one order."""
    unseen: bool
    """Whether the hub's own proposals may be approved before a statement shows the money."""
    credited_after_days: int | None
    """Days after which collected money is taken to be with the agency; none: never."""


@dataclass(frozen=True, slots=True)
class RefundContext:
    """An order with its money, as a refund or a chargeback must see it."""

    record: OrderRecord
    order: OrderSnapshot
    collections: tuple[Collected, ...]
    """The latest first."""
    rules: RefundRules
    withdrawn: bool
    treasury: bool
    """Whether the agency has its money at the Treasury."""
    voucher: VoucherFacts

    def collection(self, collection_id: int) -> Collected:
        """The order's bank transaction with this key."""
        return next(collection for collection in self.collections if collection.key == collection_id)


@dataclass(frozen=True, slots=True)
class Excess:
    """What the hub proposes to refund of one bank transaction."""

    collected: Collected
    amount: int
    reason: RefundReason


#: Why money with this verdict is in excess.
_REASONS: Final = {
    Verdict.PAID_TWICE: RefundReason.PAID_TWICE,
    Verdict.OVERPAYS: RefundReason.OVERPAID,
    Verdict.TOO_LATE: RefundReason.PAID_LATE,
}
#: Verdicts of money that may be in excess, at once or later.
MAYBE_EXCESS: Final = (*_REASONS, Verdict.UNDERPAYS)


def collection_to_refund(
    collections: Sequence[Collected], amount: int, requested: tuple[str, str] | None, reason: RefundReason
) -> Collected:
    """The bank transaction to refund ``amount`` of: the ``requested`` one (bank and its identity), or the latest with
    enough remaining. A refund is of one transaction, because banks refund what they have collected.

    Raises CollectionNotFound; RefundExceeds; RefundBlocked while its bank disputes or contradicts it, or while a refund
    for the same reason is under way.
    """
    candidates = [
        collection
        for collection in collections
        if requested in (None, (collection.bank, collection.bank_transaction_id))
    ]
    if not candidates:
        raise CollectionNotFound("the order has no such money")
    enough = [collection for collection in candidates if collection.remaining >= amount]
    if not enough:
        most = max(collection.remaining for collection in candidates)
        raise RefundExceeds(f"at most {most} of one bank transaction")
    for collection in enough:
        if why_blocked(collection) is None and reason not in collection.live_reasons:
            return collection
    raise RefundBlocked(why_blocked(enough[0]) or f"a refund of this money for {reason} is under way")


def why_blocked(money: Collected) -> str | None:
    """Why nothing of this money may be refunded now."""
    if money.excess:
        return f"the bank has taken back {money.excess} that was refunded as well: it was paid twice"
    if money.charged_back:
        return "the bank has taken money of this payment back by itself"
    if money.contradicted:
        return (
            "the bank contradicts itself about an earlier refund of this payment: prove the refund's end, or where it "
            "failed and the money went all the same, record it as taken back by the bank"
        )
    return None


def voucher_payment(money: Collected, currency: str) -> VoucherPayment:
    """The bank transaction as the paper of a refund shows it."""
    return VoucherPayment(
        bank=money.bank,
        bank_transaction_id=money.bank_transaction_id,
        amount=Money(money.amount, currency),
        collected_on=money.day,
    )


def is_credited(money: Collected, days: int | None, today: date) -> bool:
    """Whether the money is taken to be with the agency or its Treasury: by the agency's rule, in days after the
    collection. None: never."""
    return days is not None and money.day + timedelta(days=days) <= today


def limits_of(adapter: object) -> Limits | None:
    """The refund limits of a bank's protocol; None when it has no refunds, or is not enabled here."""
    return (
        adapter.profile.limits
        if isinstance(adapter, CanRefund) and isinstance(adapter, BankAdapter)
        else None
    )


def route_for(
    context: RefundContext, money: Collected, amount: int, limits: Limits | None, today: date
) -> Route:
    """The route by which ``amount`` would be refunded ``today``.

    Raises RefundExceeds for an amount of which the agency has received a part only: each part has its own route.
    """
    credited = is_credited(money, context.rules.credited_after_days, today)
    leaving = paying_back(context.order, amount, accepted=money.accepted, to=Account.REFUND_CLEARING)
    owed = sum(
        transfer.amount
        for transfer in leaving
        if (transfer.debit, transfer.credit) == (Account.AGENCY_PAYABLE, Account.REFUND_CLEARING)
    )
    if credited and 0 < owed < amount:
        raise RefundExceeds(
            f"the agency has received {owed} of it: first refund {amount - owed}, then the rest"
        )
    return route_of(
        credited=credited,
        owed_to_agency=owed > 0,
        treasury=context.treasury,
        limits=None if money.not_carried else limits,
        amount=amount,
        paid=money.amount,
    )


def excess_to_refund(context: RefundContext, proposed: int) -> tuple[Excess, ...]:
    """What the hub proposes by itself, the latest money first: the later payment was one too many.

    ``proposed`` is what is proposed of the order already and has not left its accounts. Nothing is proposed while a
    contradiction stands: neither of two values can be trusted. For each transaction and reason the hub proposes once:
    a refund that officers declined is not proposed again.
    """
    if context.order.conflict:
        return ()
    remaining = excess_of(context.order, withdrawn=context.withdrawn) - proposed
    result = []
    for collection in context.collections:
        reason = _reason(collection)
        amount = min(remaining, collection.remaining)
        if reason is None or amount <= 0 or why_blocked(collection):
            continue
        if reason in collection.live_reasons | collection.hub_reasons:
            continue
        result.append(Excess(collection, amount, reason))
        remaining -= amount
    return tuple(result)


def _reason(money: Collected) -> RefundReason | None:
    if money.verdict == Verdict.UNDERPAYS:
        # Too little by itself, and for nothing now: it came late, or another order has settled the obligation.
        return RefundReason.PAID_TWICE if money.accepted else RefundReason.PAID_LATE
    return _REASONS.get(Verdict(money.verdict)) if money.verdict else None


def excess_of(order: OrderSnapshot, *, withdrawn: bool) -> int:
    """What stands in the order's accounts and pays for nothing."""
    suspense = order.posted.get(Account.SUSPENSE, 0)
    overpayment = order.posted.get(Account.OVERPAYMENT, 0)
    if order.settled_elsewhere or withdrawn:
        return overpayment + suspense
    if order.late_policy is not LatePolicy.REFUND:
        return overpayment
    # Late money waits in suspense, and this agency refunds it.
    late = order.received - order.accepted - (order.paid_back - order.paid_back_accepted)
    return overpayment + min(suspense, late)
