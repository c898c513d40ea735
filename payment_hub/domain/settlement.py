"""Agencies: what each may decide about money that comes late.

The facts that the judge may know, and the words for what it finds.

What an order's facts amount to, and where its money belongs: asked when money comes and when it goes.

Whether an order can be paid now: asked before a payment is started, and before money that a bank holds is taken.

What a bank that asks before it takes money must be told: may this order be paid now, and how much is lacking.

An inquiry changes nothing. A bank that was told PAYABLE may pay without an attempt: a collection needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from payment_hub.domain.banks.values import Due
from payment_hub.domain.ledger import Account, Allocation, Transfer, allocate, transfers
from payment_hub.domain.money import Money
from payment_hub.domain.orders import OrderStatus


class LatePolicy(StrEnum):
    """What an agency does with money that arrives after the order's deadline."""

    ACCEPT = "ACCEPT"
    """It settles the order, marked late, as long as the same obligation is still owed."""
    REFUND = "REFUND"
    """It waits in suspense to be given back."""
    SUSPENSE = "SUSPENSE"
    """It waits in suspense for an officer's decision."""


class Source(StrEnum):
    """By which way a confirmation came."""

    CALLBACK = "CALLBACK"
    QUERY = "QUERY"
    STATEMENT = "STATEMENT"


class Corroboration(StrEnum):
    """How far the word of a bank is believed by itself."""

    CONFIRMED = "CONFIRMED"
    NEEDS_INQUIRY = "NEEDS_INQUIRY"
    """Our contract wants to hear of money twice: by its callback, and in its answer or its statement."""
    CONFLICT = "CONFLICT"
    """The bank has said something else of the same payment, and neither is believed."""


class Verdict(StrEnum):
    """What a confirmation means for its order."""

    SETTLES = "SETTLES"
    OVERPAYS = "OVERPAYS"
    UNDERPAYS = "UNDERPAYS"
    PAID_TWICE = "PAID_TWICE"
    TOO_LATE = "TOO_LATE"
    """It may not settle: the order was closed and the agency's policy, or a change since, forbids it."""
    NO_SUCH_ORDER = "NO_SUCH_ORDER"
    WRONG_CURRENCY = "WRONG_CURRENCY"
    CONTRADICTS = "CONTRADICTS"
    DECLINED = "DECLINED"
    STILL_PENDING = "STILL_PENDING"
    DUPLICATE = "DUPLICATE"
    NEEDS_INQUIRY = "NEEDS_INQUIRY"
    """The bank says that it was paid, and our contract with it wants to hear that twice."""


class Disposition(StrEnum):
    """What became of the message that carried it."""

    APPLIED = "APPLIED"
    DUPLICATE = "DUPLICATE"
    CONFLICT = "CONFLICT"
    ORPHAN = "ORPHAN"


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """All that the judge may know of the order. Amounts in minor units of its currency."""

    required: int
    currency: str
    received: int
    accepted: int
    late: bool
    conflict: bool
    other_currency: bool
    expires_at: datetime
    cancelled_at: datetime | None
    late_policy: LatePolicy
    part_payments: bool
    still_owed: bool
    """The obligation stands, in the version that the order was issued for, and no order has settled it."""
    settled_here: bool
    settled_elsewhere: bool
    has_receipt: bool
    posted: Mapping[Account, int] = field(default_factory=dict)
    refunded: int = 0
    paid_back: int = 0
    """What has left the order's accounts again: refunds on their way and done, and what a bank took back."""
    paid_back_accepted: int = 0
    """The part of it that came from money which may settle."""


@dataclass(frozen=True, slots=True)
class PreviousConfirmation:
    """An earlier confirmation with the same event id."""

    digest: bytes
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class RecordedCollection:
    """The money of the same bank transaction, when it was recorded before."""

    amount: int
    currency: str
    for_this_order: bool


@dataclass(frozen=True, slots=True)
class Context:
    """What was known when the confirmation came."""

    order: OrderSnapshot | None = None
    heard: tuple[PreviousConfirmation, ...] = ()
    booked: RecordedCollection | None = None


@dataclass(frozen=True, slots=True)
class OrderTotals:
    """The order's facts with the confirmation added."""

    received: int
    accepted: int
    late: bool
    conflict: bool
    other_currency: bool
    held: bool
    settled: bool
    """The money accepted covers what is required, and nothing forbids that it settles."""


def totals_after(
    order: OrderSnapshot,
    *,
    received: int | None = None,
    accepted: int | None = None,
    late: bool = False,
    conflict: bool = False,
    other_currency: bool = False,
) -> OrderTotals:
    """The order's facts with what has just been learnt; what is not named stays as it is."""
    received = order.received if received is None else received
    accepted = order.accepted if accepted is None else accepted
    conflict, other_currency = order.conflict or conflict, order.other_currency or other_currency
    may_settle = owed(order, conflict) and received > order.paid_back
    settled = order.settled_here or (may_settle and accepted - order.paid_back_accepted >= order.required)
    # By what its status goes: a refund that is only on its way must not let an order look paid that is not settled.
    kept = received - order.refunded
    may_not = kept > 0 and not settled and (not order.still_owed or kept >= order.required)
    return OrderTotals(
        received=received,
        accepted=accepted,
        late=order.late or late,
        conflict=conflict,
        other_currency=other_currency,
        held=conflict or other_currency or may_not,
        settled=settled,
    )


def owed(order: OrderSnapshot, conflict: bool) -> bool:
    """Whether money for this order may settle its obligation."""
    return order.settled_here or (order.still_owed and not conflict)


def allocation(order: OrderSnapshot, after: OrderTotals) -> Allocation:
    """Where the money that is still here belongs."""
    return allocate(
        required=order.required,
        received=after.received - order.paid_back,
        accepted=after.accepted - order.paid_back_accepted,
        owed=owed(order, after.conflict),
        part_payments=order.part_payments,
        settled=order.settled_here,
    )


def without(order: OrderSnapshot, amount: int, *, accepted: bool) -> OrderSnapshot:
    """The order when ``amount`` of it has been given back; a negative one has come back. ``accepted`` says whether it
    came from money that may settle."""
    return replace(
        order,
        paid_back=order.paid_back + amount,
        paid_back_accepted=order.paid_back_accepted + (amount if accepted else 0),
    )


def leaving(order: OrderSnapshot, amount: int, *, accepted: bool, to: Account) -> tuple[Transfer, ...]:
    """The postings by which ``amount`` leaves the order's accounts: first what is too much, then what is owed."""
    left = without(order, amount, accepted=accepted)
    return transfers(order.posted, allocation(left, totals_after(left)), 0, amount, to)


def settling_in(order: OrderSnapshot) -> tuple[Transfer, ...]:
    """The postings that bring what stands in the order's accounts to where it belongs."""
    return transfers(order.posted, allocation(order, totals_after(order)), 0)


def why_not_payable(order: Mapping[str, Any], now: datetime) -> str | None:
    """Why the order, as the store reads one, cannot be paid at ``now``; None while it can."""
    if order["status"] not in (OrderStatus.OPEN, OrderStatus.UNDERPAID) or order["held"]:
        return f"the order is {order['status']}" + (", held for review" if order["held"] else "")
    if order.get("held_refund", 0):
        return "money of it is being given back"
    if order["settled_by"] not in (None, order["order_id"]):
        return "another order has settled the obligation"
    if order["expires_at"] <= now and not may_complete_late(order):
        return "the deadline has passed"
    return None


def may_complete_late(order: Mapping[str, Any]) -> bool:
    """Part of the money is here and the agency accepts the rest late: refusing it would help nobody."""
    return bool(order["status"] == OrderStatus.UNDERPAID and order["late_policy"] == LatePolicy.ACCEPT)


def remaining(order: Mapping[str, Any]) -> Money:
    """What is still to be paid."""
    return Money(order["required"] - order["received"] + order["refunded"], order["currency"])


def due_of(
    order: Mapping[str, Any], now: datetime, *, asked: Money | None, undecided: bool, left: bool
) -> Due:
    """What the bank must be told of the order, as the store reads one, when it believes that ``asked`` is due.

    ``undecided``: the money may have come already, by another attempt than the one that is asked about. ``left``: the
    payer has gone on to another bank, and this one asks about the attempt that he left. In both cases PAYABLE could be
    a second payment.
    """
    if order["status"] == OrderStatus.PAID:
        return Due.PAID
    amended = order["obligation_version"] != order["obligation_now"] or order["withdrawn"]
    if amended or undecided or left or why_not_payable(order, now) is not None:
        return Due.CLOSED
    if asked is not None and asked != remaining(order):
        return Due.AMOUNT_DIFFERS
    return Due.PAYABLE
