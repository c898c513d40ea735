"""Which money can go back, and what the hub proposes to give back by itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from payment_hub.domain.banks.port import BankAdapter, CanRefund
from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.errors import CollectionNotFound, RefundBlocked, RefundExceeds
from payment_hub.domain.ledger import Account
from payment_hub.domain.refunds.lifecycle import RefundReason, Route, route_of
from payment_hub.domain.settlement import LatePolicy, OrderSnapshot, Verdict, leaving


@dataclass(frozen=True, slots=True)
class Collected:
    """One bank transaction of an order, and what has become of its money. Amounts in the order's currency."""

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
    """Given back, on its way back, proposed, or taken back by the bank."""
    charged_back: bool
    """The bank has taken money of it back by itself."""
    excess: int
    """What the bank took back beyond what was left, because it was given back as well."""
    not_carried: bool
    """Its bank's limits, or the bank more than once, have refused to give of it back."""
    contradicted: bool
    """The bank has told of a refund of it against the refund's end."""
    seen: bool
    """It stands in a statement of its bank, with this amount."""
    live_reasons: frozenset[str]
    """Why money of it is being given back at present."""
    hub_reasons: frozenset[str]
    """Why the hub has ever proposed to give it back by itself."""
    payer: Mapping[str, Any] | None
    attempt_reference: str
    """What the bank knows the payment by."""
    started_at: datetime
    bank_reference: str | None

    @property
    def left(self) -> int:
        """What of it can still be given back."""
        return self.amount - self.gone


@dataclass(frozen=True, slots=True)
class Excess:
    """What the hub proposes to give back of one bank transaction."""

    collected: Collected
    amount: int
    reason: RefundReason


#: Why money that the judge gave this verdict is too much.
_REASONS: Final = {
    Verdict.PAID_TWICE: RefundReason.PAID_TWICE,
    Verdict.OVERPAYS: RefundReason.OVERPAID,
    Verdict.TOO_LATE: RefundReason.PAID_LATE,
}


def money_to_return(
    money: Sequence[Collected], amount: int, wanted: tuple[str, str] | None, reason: RefundReason
) -> Collected:
    """The bank transaction of which ``amount`` goes back: the one that is ``wanted`` (bank and its identity), or the
    latest with enough left. A refund is of one transaction, because banks give back what they have collected.

    Raises CollectionNotFound; RefundExceeds; RefundBlocked while its bank disputes or contradicts it, or while it goes
    back already for the same reason.
    """
    of = [one for one in money if wanted in (None, (one.bank, one.bank_transaction_id))]
    if not of:
        raise CollectionNotFound("the order has no such money")
    enough = [one for one in of if one.left >= amount]
    if not enough:
        raise RefundExceeds(f"at most {max(one.left for one in of)} of one bank transaction")
    free = [one for one in enough if why_blocked(one) is None and reason not in one.live_reasons]
    if not free:
        raise RefundBlocked(why_blocked(enough[0]) or f"a refund of this money for {reason} is under way")
    return free[0]


def why_blocked(money: Collected) -> str | None:
    """Why nothing of this money may be given back now."""
    if money.excess:
        return f"the bank has taken back {money.excess} that was given back as well: it was paid twice"
    if money.charged_back:
        return "the bank has taken money of this payment back by itself"
    if money.contradicted:
        return (
            "the bank contradicts itself about an earlier refund of this payment: prove the refund's end, or where it "
            "failed and the money went all the same, record it as taken back by the bank"
        )
    return None


def is_credited(money: Collected, days: int | None, today: date) -> bool:
    """Whether the money is taken to be with the agency or its Treasury: by the agency's rule, in days after the
    collection. None: never."""
    return days is not None and money.day + timedelta(days=days) <= today


def limits_of(adapter: object) -> Limits | None:
    """Within which limits a bank gives money back by its protocol; None when it does not, or is not enabled here."""
    return (
        adapter.profile.limits
        if isinstance(adapter, CanRefund) and isinstance(adapter, BankAdapter)
        else None
    )


def method_of(
    order: OrderSnapshot,
    money: Collected,
    amount: int,
    *,
    credited: bool,
    treasury: bool,
    limits: Limits | None,
) -> Route:
    """By which way ``amount`` goes back.

    Raises RefundExceeds for an amount of which the agency has had a part only: each part has its own way.
    """
    moved = leaving(order, amount, accepted=money.accepted, to=Account.REFUND_CLEARING)
    owed = sum(one.amount for one in moved if (one.debit, one.credit) == _FROM_PAYABLE)
    if credited and 0 < owed < amount:
        raise RefundExceeds(
            f"the agency has had {owed} of it: first give back {amount - owed}, then the rest"
        )
    return route_of(
        credited=credited,
        owed_to_agency=owed > 0,
        treasury=treasury,
        limits=None if money.not_carried else limits,
        amount=amount,
        paid=money.amount,
    )


_FROM_PAYABLE: Final = (Account.AGENCY_PAYABLE, Account.REFUND_CLEARING)


def excess(
    order: OrderSnapshot, money: Sequence[Collected], proposed: int, *, withdrawn: bool
) -> tuple[Excess, ...]:
    """What to propose by itself, the latest money first: it is the later payment that was one too many.

    ``money`` is the latest first, ``proposed`` what is proposed of the order already and has not left its accounts.
    Nothing while a contradiction stands: neither of two values can be trusted. For each transaction and reason the hub
    proposes once: what officers declined is not proposed again.
    """
    if order.conflict:
        return ()
    left = too_much(order, withdrawn=withdrawn) - proposed
    found = []
    for one in money:
        reason = _reason(one)
        amount = min(left, one.left)
        if reason is None or amount <= 0 or why_blocked(one) or reason in one.live_reasons | one.hub_reasons:
            continue
        found.append(Excess(one, amount, reason))
        left -= amount
    return tuple(found)


def _reason(one: Collected) -> RefundReason | None:
    if one.verdict == Verdict.UNDERPAYS:
        # Too little by itself, and for nothing now: it came late, or another order has settled what was owed.
        return RefundReason.PAID_TWICE if one.accepted else RefundReason.PAID_LATE
    return _REASONS.get(Verdict(one.verdict)) if one.verdict else None


def too_much(order: OrderSnapshot, *, withdrawn: bool) -> int:
    """What stands in the order's accounts and can be for nothing."""
    suspense = order.posted.get(Account.SUSPENSE, 0)
    unwanted = suspense if order.settled_elsewhere or withdrawn else _refused_late(order, suspense)
    return order.posted.get(Account.OVERPAYMENT, 0) + unwanted


def _refused_late(order: OrderSnapshot, suspense: int) -> int:
    """What came late to an agency that gives late money back."""
    if order.late_policy is not LatePolicy.REFUND:
        return 0
    paid_back = order.paid_back - order.paid_back_accepted
    return min(suspense, order.received - order.accepted - paid_back)
