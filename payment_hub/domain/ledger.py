"""The ledger's accounts, and the postings that bring them to where the facts say they belong.

The trial balance, line by line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from payment_hub.domain.money import Money
from payment_hub.domain.wire import Shown


class Account(StrEnum):
    """What an amount can stand in."""

    BANK_CLEARING = "BANK_CLEARING"
    """Collected by a bank and not yet handed over."""
    AGENCY_PAYABLE = "AGENCY_PAYABLE"
    """Owed to the agency."""
    SUSPENSE = "SUSPENSE"
    """Here, but nobody has decided whose it is."""
    OVERPAYMENT = "OVERPAYMENT"
    """More than was owed: to be given back."""
    REFUND_CLEARING = "REFUND_CLEARING"
    FEE_EXPENSE = "FEE_EXPENSE"
    SETTLEMENT_CASH = "SETTLEMENT_CASH"


@dataclass(frozen=True, slots=True)
class Transfer:
    """``amount`` minor units from ``credit`` to ``debit``: a posting that balances by its form."""

    kind: str
    debit: Account
    credit: Account
    amount: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """Where the money received for one order belongs. Minor units of the order's currency."""

    payable: int = 0
    overpayment: int = 0
    suspense: int = 0

    def by_account(self) -> dict[Account, int]:
        """The same as a mapping."""
        return {
            Account.AGENCY_PAYABLE: self.payable,
            Account.OVERPAYMENT: self.overpayment,
            Account.SUSPENSE: self.suspense,
        }


def allocate(
    *, required: int, received: int, accepted: int, owed: bool, part_payments: bool, settled: bool = False
) -> Allocation:
    """Where the money belongs, from the facts alone, so that it cannot depend on the order in which they came.

    ``received`` is what is still here: what has been given back belongs nowhere any more. ``accepted`` is its part
    that may settle; ``owed`` says that this order may settle its obligation. What comes for one that may not, because
    another order has, waits in suspense like what had come before. Once an order has ``settled``, the agency is owed
    what is here up to what was required, whichever payment was given back: two payments less one are one payment.
    """
    if settled:
        return Allocation(payable=min(required, received), overpayment=max(received - required, 0))
    if owed and accepted >= required:
        return Allocation(payable=required, overpayment=received - required)
    if owed and part_payments:
        return Allocation(payable=accepted, suspense=received - accepted)
    return Allocation(suspense=received)


def transfers(
    posted: Mapping[Account, int],
    wanted: Allocation,
    collected: int,
    leaving: int = 0,
    to: Account = Account.REFUND_CLEARING,
) -> tuple[Transfer, ...]:
    """The postings that turn ``posted`` into ``wanted`` when ``collected`` has just come in from the bank, or when
    ``leaving`` goes out to the account ``to``.

    New money goes where more is wanted; what then still lacks is moved from where less is wanted.
    """
    change = {account: amount - posted.get(account, 0) for account, amount in wanted.by_account().items()}
    change[to] = leaving
    sources = {Account.BANK_CLEARING: collected}
    sources.update({account: -amount for account, amount in change.items() if amount < 0})
    found: list[Transfer] = []
    for target, wanting in change.items():
        lacking = wanting
        for source, left in sources.items():
            taken = min(lacking, left)
            if taken > 0:
                found.append(_transfer(source, target, taken))
                sources[source] -= taken
                lacking -= taken
    return tuple(found)


def _transfer(source: Account, target: Account, amount: int) -> Transfer:
    """A liability grows on its credit side; money that only changes its owner debits the old one."""
    return Transfer(kind=f"{source}>{target}", debit=source, credit=target, amount=amount)


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """What moved in one account on one business day."""

    day: date
    account: Account
    agency: str | None
    bank: str | None
    debit: Money
    credit: Money

    @property
    def balance(self) -> Annotated[Money, Shown(signed=True, description="debit less credit")]:
        """What the account has gained on its debit side."""
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every line that the caller may see."""

    items: Sequence[BalanceLine]
