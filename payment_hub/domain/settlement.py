"""An order's money: the facts that a decision needs, what they add up to, and whether the order can be paid now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from payment_hub.domain.banks.values import Due
from payment_hub.domain.ledger import Account, Allocation, Transfer, allocate, transfers
from payment_hub.domain.money import Money
from payment_hub.domain.orders import OrderStatus, OrderView
from payment_hub.domain.payments import AttemptState


class LatePolicy(StrEnum):
    """What an agency does with money that arrives after the order's deadline."""

    ACCEPT = "ACCEPT"
    """It settles the order, marked late, as long as the same obligation is still owed."""
    REFUND = "REFUND"
    """It waits in suspense to be refunded."""
    SUSPENSE = "SUSPENSE"
    """It waits in suspense for an officer's decision."""


class Source(StrEnum):
    """Where a confirmation came from."""

    CALLBACK = "CALLBACK"
    QUERY = "QUERY"
    STATEMENT = "STATEMENT"


class Corroboration(StrEnum):
    """Whether a bank's message is enough by itself to record money."""

    CONFIRMED = "CONFIRMED"
    NEEDS_INQUIRY = "NEEDS_INQUIRY"
    """The contract with the bank requires a second proof of this amount: the answer to a query, or the statement."""
    CONFLICT = "CONFLICT"
    """The bank has stated something else about the same payment, so neither statement counts."""


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
    """The bank says that it was paid, and the contract with it requires a second proof."""


class Disposition(StrEnum):
    """What became of the message that carried it."""

    APPLIED = "APPLIED"
    DUPLICATE = "DUPLICATE"
    CONFLICT = "CONFLICT"
    ORPHAN = "ORPHAN"


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """The facts about an order's money when a decision is made. Amounts in minor units of its currency."""

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
    held_refund: int = 0
    """Reserved for refunds that are proposed or on their way."""
    paid_back: int = 0
    """What has left the order's accounts again: refunds on their way and done, and chargebacks."""
    paid_back_accepted: int = 0
    """The part of it that came from money which may settle."""
    disputed: bool = False

    @property
    def refundable(self) -> int:
        """What may still be proposed as a refund."""
        return self.received - self.refunded - self.held_refund


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """Which order it is, the row version of its obligation, and how callers see it before the decision."""

    id: int
    obligation_id: int
    agency_id: int
    portal_id: int
    row_version: int
    receipt_template: str
    receipt_series: str
    view: OrderView


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
class AttemptSnapshot:
    """The payment attempt that a confirmation is about."""

    id: int
    state: AttemptState


@dataclass(frozen=True, slots=True)
class ConfirmationContext:
    """Everything on record when a confirmation is judged. ``order`` and ``record`` are of the same order."""

    order: OrderSnapshot | None = None
    previous: tuple[PreviousConfirmation, ...] = ()
    collection: RecordedCollection | None = None
    attempt: AttemptSnapshot | None = None
    record: OrderRecord | None = None
    callback_id: int | None = None


@dataclass(frozen=True, slots=True)
class OrderTotals:
    """The facts about an order's money after a decision."""

    received: int
    accepted: int
    refunded: int
    held_refund: int
    paid_back: int
    paid_back_accepted: int
    late: bool
    conflict: bool
    other_currency: bool
    disputed: bool
    held: bool
    settled: bool
    """The accepted money covers what is required, and nothing forbids that it settles."""


def totals_after(
    order: OrderSnapshot,
    *,
    received: int | None = None,
    accepted: int | None = None,
    late: bool = False,
    conflict: bool = False,
    other_currency: bool = False,
) -> OrderTotals:
    """The order's totals with what has just been learnt; what is not named stays as it is."""
    received = order.received if received is None else received
    accepted = order.accepted if accepted is None else accepted
    conflict, other_currency = order.conflict or conflict, order.other_currency or other_currency
    may_settle = owed(order, conflict) and received > order.paid_back
    settled = order.settled_here or (may_settle and accepted - order.paid_back_accepted >= order.required)
    # The status counts only completed refunds: while one is on its way, an unsettled order must not look paid.
    net = received - order.refunded
    unsettled_money = net > 0 and not settled and (not order.still_owed or net >= order.required)
    return OrderTotals(
        received=received,
        accepted=accepted,
        refunded=order.refunded,
        held_refund=order.held_refund,
        paid_back=order.paid_back,
        paid_back_accepted=order.paid_back_accepted,
        late=order.late or late,
        conflict=conflict,
        other_currency=other_currency,
        disputed=order.disputed,
        held=conflict or other_currency or unsettled_money,
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
    """The order after ``amount`` has left its accounts; a negative amount has come back. ``accepted`` says whether the
    money may settle the order."""
    return replace(
        order,
        paid_back=order.paid_back + amount,
        paid_back_accepted=order.paid_back_accepted + (amount if accepted else 0),
    )


def paying_back(order: OrderSnapshot, amount: int, *, accepted: bool, to: Account) -> tuple[Transfer, ...]:
    """The transfers by which ``amount`` leaves the order's accounts: first the excess, then what is owed."""
    remaining_order = without(order, amount, accepted=accepted)
    target = allocation(remaining_order, totals_after(remaining_order))
    return transfers(order.posted, target, refunded=amount, to=to)


def reallocating(order: OrderSnapshot) -> tuple[Transfer, ...]:
    """The transfers that bring the money in the order's accounts to where it belongs."""
    return transfers(order.posted, allocation(order, totals_after(order)))


def why_not_payable(order: Mapping[str, Any], now: datetime) -> str | None:
    """Why the order, as the store reads one, cannot be paid at ``now``; None while it can."""
    if order["status"] not in (OrderStatus.OPEN, OrderStatus.UNDERPAID) or order["held"]:
        return f"the order is {order['status']}" + (", held for review" if order["held"] else "")
    if order.get("held_refund", 0):
        return "a refund of it is under way"
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
    order: Mapping[str, Any],
    now: datetime,
    *,
    requested: Money | None,
    undecided: bool,
    abandoned: bool,
) -> Due:
    """The answer to a bank that inquires about the order, as the store reads one, before it takes ``requested``.

    An inquiry changes nothing, and a bank that was answered PAYABLE may pay without an attempt. ``undecided``: the
    money may have come already by another attempt. ``abandoned``: the payer has chosen another bank since. In both
    cases PAYABLE could lead to a second payment.
    """
    if order["status"] == OrderStatus.PAID:
        return Due.PAID
    amended = order["obligation_version"] != order["obligation_now"] or order["withdrawn"]
    if amended or undecided or abandoned or why_not_payable(order, now) is not None:
        return Due.CLOSED
    if requested is not None and requested != remaining(order):
        return Due.AMOUNT_DIFFERS
    return Due.PAYABLE
