"""The trial balance, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from payment_hub.domain.money import Money
from payment_hub.domain.views import wire_money


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """What moved in one account on one business day."""

    day: date
    account: str
    agency: str | None
    bank: str | None
    debit: Money
    credit: Money

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire; the balance is debit less credit."""
        return {
            "day": self.day.isoformat(),
            "account": self.account,
            "agency": self.agency,
            "bank": self.bank,
            "debit": wire_money(self.debit),
            "credit": wire_money(self.credit),
            "balance": wire_money(self.debit - self.credit),
        }
