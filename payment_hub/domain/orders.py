"""Payment orders: the status as a pure function of the facts, the flags, the types of events, and the view."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from payment_hub.domain.money import Money
from payment_hub.domain.obligations import Kind
from payment_hub.domain.wire import Shown


class OrderStatus(StrEnum):
    """What the facts about an order amount to."""

    OPEN = "OPEN"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    UNDERPAID = "UNDERPAID"
    PAID = "PAID"
    PARTLY_REFUNDED = "PARTLY_REFUNDED"
    REFUNDED = "REFUNDED"


class OrderFlag(StrEnum):
    """A remarkable fact about an order, beside its status."""

    OVERPAID = "OVERPAID"
    LATE = "LATE"
    CONFLICT = "CONFLICT"
    HELD = "HELD"
    DISPUTED = "DISPUTED"
    """A bank has charged money back."""


class EventType(StrEnum):
    """What can have happened to an order."""

    ISSUED = "payment_order.issued"
    PAID = "payment_order.paid"
    UNDERPAID = "payment_order.underpaid"
    OVERPAID = "payment_order.overpaid"
    HELD = "payment_order.held"
    CANCELLED = "payment_order.cancelled"
    EXPIRED = "payment_order.expired"
    REFUND_PROPOSED = "payment_order.refund_proposed"
    REFUND_APPROVED = "payment_order.refund_approved"
    REFUND_DECLINED = "payment_order.refund_declined"
    REFUND_SUCCEEDED = "payment_order.refund_succeeded"
    REFUND_FAILED = "payment_order.refund_failed"
    DISPUTED = "payment_order.disputed"
    """A bank has taken money back by itself."""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """The facts that decide a status. Amounts in whole minor units of the order's currency."""

    required: int
    received: int = 0
    refunded: int = 0
    expired: bool = False
    cancelled: bool = False


def status_of(facts: OrderFacts) -> OrderStatus:
    """The one status whose predicate holds. An order of zero is paid from the start."""
    net = facts.received - facts.refunded
    if facts.received >= facts.required and net >= facts.required:
        return OrderStatus.PAID
    if facts.received == 0:
        return _unpaid(facts)
    if facts.refunded == 0:
        return OrderStatus.UNDERPAID
    return OrderStatus.REFUNDED if net == 0 else OrderStatus.PARTLY_REFUNDED


def _unpaid(facts: OrderFacts) -> OrderStatus:
    if facts.cancelled:
        return OrderStatus.CANCELLED
    return OrderStatus.EXPIRED if facts.expired else OrderStatus.OPEN


def flags_of(
    *, net: int, required: int, late: bool, conflict: bool, held: bool, disputed: bool = False
) -> tuple[OrderFlag, ...]:
    """The order's flags, in a fixed order."""
    conditions = {
        OrderFlag.OVERPAID: net > required,
        OrderFlag.LATE: late,
        OrderFlag.CONFLICT: conflict,
        OrderFlag.HELD: held,
        OrderFlag.DISPUTED: disputed,
    }
    return tuple(flag for flag, holds in conditions.items() if holds)


def finished(status: OrderStatus, flags: tuple[OrderFlag, ...]) -> bool:
    """Whether nothing more is expected to happen to the order by itself."""
    return status not in (OrderStatus.OPEN, OrderStatus.UNDERPAID) and OrderFlag.HELD not in flags


@dataclass(frozen=True, slots=True)
class OrderedObligation:
    """The obligation that an order is for, in the version that the order was issued for."""

    reference: str
    version: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class OrderView:
    """A payment order. ``received`` counts all money that came, whatever became of it."""

    reference: Annotated[str, Shown(example="DV0M3A7K2P9XQ4TZ")]
    version: int
    agency: str
    obligation: OrderedObligation
    status: OrderStatus
    flags: tuple[OrderFlag, ...]
    finished: Annotated[bool, Shown(description="Nothing more is expected")]
    """A portal need not know every status."""
    required: Money
    received: Money
    refunded: Money
    refundable: Annotated[
        Money, Shown(description="Received, and neither refunded nor reserved for a refund")
    ]
    description: str
    issued_at: datetime
    expires_at: datetime
    cancelled_at: datetime | None
    cancel_reason: str | None
    expired_at: datetime | None
    checkout_url: Annotated[str, Shown(description="The citizen's page")]
    return_url: str | None
    receipt: Annotated[str | None, Shown(description="The receipt's printed number")]
    """Once the order is settled."""
