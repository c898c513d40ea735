"""A payment order's status: a pure function of its facts, never something that anybody sets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    """What is remarkable about an order, apart from its status."""

    OVERPAID = "OVERPAID"
    LATE = "LATE"
    CONFLICT = "CONFLICT"
    HELD = "HELD"
    DISPUTED = "DISPUTED"
    """A bank has taken money of it back."""


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
    held_true = {
        OrderFlag.OVERPAID: net > required,
        OrderFlag.LATE: late,
        OrderFlag.CONFLICT: conflict,
        OrderFlag.HELD: held,
        OrderFlag.DISPUTED: disputed,
    }
    return tuple(flag for flag, holds in held_true.items() if holds)


def finished(status: OrderStatus, flags: tuple[OrderFlag, ...]) -> bool:
    """Whether nothing more is expected to happen to the order by itself."""
    return status not in (OrderStatus.OPEN, OrderStatus.UNDERPAID) and OrderFlag.HELD not in flags
