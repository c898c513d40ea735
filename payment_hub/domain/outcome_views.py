"""What officers and operators are shown of outcomes that nobody knows, of the banks' health and of their keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from payment_hub.domain.bank_health import BankOperation, Health
from payment_hub.domain.money import Money
from payment_hub.domain.views import wire_moment, wire_money

#: Seconds up to which the times between unknown and known are counted: a citizen at a counter, a page, a day, a week.
WITHIN: Final = (5, 30, 120, 300, 900, 3600, 86_400, 604_800)


@dataclass(frozen=True, slots=True)
class UnknownView:
    """One attempt whose outcome is unknown, or is told and not proven."""

    reference: str
    order_reference: str
    agency: str
    bank: str
    state: str
    told: str | None
    """``PAID`` when the bank says so and nothing proves it; ``AUTHORISED`` while it holds the money for us."""
    amount: Money
    asked: int
    unknown_at: datetime
    known_by: datetime | None
    officer_since: datetime | None
    """Since when it is an officer's to see to."""

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "reference": self.reference,
            "order": self.order_reference,
            "agency": self.agency,
            "bank": self.bank,
            "state": self.state,
            "told": self.told,
            "amount": wire_money(self.amount),
            "asked": self.asked,
            "unknown_at": wire_moment(self.unknown_at),
            "known_by": wire_moment(self.known_by),
            "officer_since": wire_moment(self.officer_since),
        }


@dataclass(frozen=True, slots=True)
class OutcomeFigures:
    """How long one bank left us without an outcome, and whether we kept what we promised then."""

    bank: str
    open: int = 0
    overdue: int = 0
    """Of these, those that lie before an officer."""
    oldest_at: datetime | None = None
    waits: tuple[int, ...] = ()
    """Seconds from unknown to known, of each that became known in the last day."""
    kept: int = 0
    """Of these, those that were known when we had promised."""

    @property
    def within(self) -> list[tuple[int, int]]:
        """How many became known within so many seconds."""
        return [(limit, sum(wait <= limit for wait in self.waits)) for limit in WITHIN]


@dataclass(frozen=True, slots=True)
class HealthView:
    """One breaker, as operators see it."""

    bank: str
    operation: BankOperation
    health: Health
    away_until: datetime | None


@dataclass(frozen=True, slots=True)
class KeyUse:
    """When a bank last signed with which of its keys."""

    bank: str
    current_at: datetime | None
    """None when it is in none of the latest messages."""
    previous_at: datetime | None
    """The key before must not be taken away while this is lately."""
