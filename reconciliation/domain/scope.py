"""Scopes: whose books one run compares with the hub's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from payment_hub.domain.errors import Malformed


class Side(StrEnum):
    """Whose books stand opposite the hub's."""

    BANK = "bank"
    """The statement of one bank."""
    AGENCY = "agency"
    """The ledger of one agency."""
    MONEY = "money"
    """The hub's own ledger: money that is here and that nobody has yet a use for."""


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """One pair of books: ``bank:vnpay``, ``agency:G22``, or ``money:left-open``."""

    side: Side
    code: str

    @classmethod
    def parse(cls, text: str) -> Scope:
        """Read the written form. Raises Malformed."""
        side, colon, code = text.partition(":")
        if not colon or not code or side not in set(Side) or (side == Side.MONEY and text != str(MONEY)):
            raise Malformed(f"{text[:40]!a} is not bank:<code>, agency:<code> or {MONEY}")
        return cls(Side(side), code)

    def __str__(self) -> str:
        return f"{self.side}:{self.code}"


#: Money in suspense, overpaid or held, for all agencies and banks together.
MONEY = Scope(Side.MONEY, "left-open")


def bank_scope(bank: str) -> Scope:
    """The hub against one bank."""
    return Scope(Side.BANK, bank)


def agency_scope(code: str) -> Scope:
    """The hub against one agency."""
    return Scope(Side.AGENCY, code)
