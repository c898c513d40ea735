"""Payment orders: the status as a pure function of the facts, the flags, the types of events, and the view."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from payment_hub.domain.calendar import wire_moment
from payment_hub.domain.money import Money, dong, wire_money


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


NOTHING: Final = dong(0)


@dataclass(frozen=True, slots=True)
class OrderView:
    """A payment order as the portal sees it. ``received`` counts all money that came for it."""

    reference: str
    version: int
    agency: str
    obligation_reference: str
    obligation_version: int
    kind: str
    status: str
    flags: tuple[str, ...]
    finished: bool
    """Nothing more is expected; a portal need not know every status."""
    required: Money
    received: Money
    refunded: Money
    description: str
    issued_at: datetime
    expires_at: datetime
    cancelled_at: datetime | None
    cancel_reason: str | None
    expired_at: datetime | None
    checkout_url: str
    return_url: str | None
    receipt: str | None
    """The receipt's number as printed, once the order is settled."""
    held_refund: Money = NOTHING
    """Reserved for refunds that are proposed or pending."""

    @property
    def refundable(self) -> Money:
        """The amount for which a refund may still be proposed."""
        return self.received - self.refunded - self.held_refund

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire; also the ``data`` of events."""
        return {
            "reference": self.reference,
            "version": self.version,
            "agency": self.agency,
            "obligation": {
                "reference": self.obligation_reference,
                "version": self.obligation_version,
                "kind": self.kind,
            },
            "status": self.status,
            "flags": list(self.flags),
            "finished": self.finished,
            "required": wire_money(self.required),
            "received": wire_money(self.received),
            "refunded": wire_money(self.refunded),
            "refundable": wire_money(self.refundable),
            "description": self.description,
            "issued_at": wire_moment(self.issued_at),
            "expires_at": wire_moment(self.expires_at),
            "cancelled_at": wire_moment(self.cancelled_at),
            "cancel_reason": self.cancel_reason,
            "expired_at": wire_moment(self.expired_at),
            "checkout_url": self.checkout_url,
            "return_url": self.return_url,
            "receipt": self.receipt,
        }
