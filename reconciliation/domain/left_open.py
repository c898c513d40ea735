"""Money left open: why the hub's own ledger keeps something in suspense or as overpaid, by ordered tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from reconciliation.domain.discrepancies import DiscrepancyKind as Kind


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """What the ledger keeps of one order, or of one bank transaction without an order, in one currency."""

    suspense: int = 0
    overpayment: int = 0
    collections: int = 0
    """How many bank transactions the money came in."""
    has_order: bool = True
    foreign_money: bool = False
    """The money is not in the order's currency."""
    conflict: bool = False
    """A bank has said two different things of the same payment."""
    settled_here: bool = False
    settled_elsewhere: bool = False
    received: int = 0
    required: int = 0


#: What is asked of each case, in this order.
TESTS: Final[Sequence[tuple[Kind, Callable[[LeftOpen], bool]]]] = (
    (Kind.UNIDENTIFIED_PAYMENT, lambda case: not case.has_order),
    (Kind.WRONG_CURRENCY, lambda case: case.foreign_money and _anything(case)),
    (Kind.CONFLICTING_CONFIRMATIONS, lambda case: case.conflict),
    (
        Kind.PAID_TWICE,
        lambda case: (
            (case.settled_elsewhere and _anything(case))
            or (case.settled_here and case.collections > 1 and case.overpayment > 0)
        ),
    ),
    (Kind.OVERPAID, lambda case: case.overpayment > 0),
    (Kind.UNDERPAID, lambda case: case.suspense > 0 and case.received < case.required),
    (Kind.HELD, lambda case: case.suspense > 0),
)


def why_left_open(case: LeftOpen) -> Kind | None:
    """The kind of the first test that holds, or None when nothing is left open."""
    return next((kind for kind, holds in TESTS if holds(case)), None)


def _anything(case: LeftOpen) -> bool:
    return case.suspense > 0 or case.overpayment > 0
