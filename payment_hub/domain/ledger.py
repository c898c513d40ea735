"""The ledger's accounts, and the transfers that bring an order's money to where the facts say it belongs."""

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
    """More than was owed: to be refunded."""
    REFUND_CLEARING = "REFUND_CLEARING"
    FEE_EXPENSE = "FEE_EXPENSE"
    SETTLEMENT_CASH = "SETTLEMENT_CASH"


@dataclass(frozen=True, slots=True)
class Transfer:
    """``amount`` minor units that debit one account and credit another: it balances by its form."""

    debit: Account
    credit: Account
    amount: int

    @property
    def kind(self) -> str:
        """The two accounts in one word; one source has at most one posting of each kind."""
        return f"{self.debit}>{self.credit}"


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

    ``received`` is the money still here, without what was refunded; ``accepted`` is its part that may settle the
    order; ``owed`` says that this order may settle its obligation. Money for an order that may not settle, because
    another order has, waits in suspense. Once an order has ``settled``, the agency is owed what is here up to what was
    required, whichever payment was refunded: two payments less one are one payment.
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
    target: Allocation,
    collected: int = 0,
    refunded: int = 0,
    to: Account = Account.REFUND_CLEARING,
) -> tuple[Transfer, ...]:
    """The transfers that turn the balances ``posted`` into ``target``, when ``collected`` comes in from the bank or
    ``refunded`` goes out to the account ``to``.

    New money goes to the accounts that need more; what they still lack comes from the accounts that hold too much.
    """
    needs = {account: amount - posted.get(account, 0) for account, amount in target.by_account().items()}
    needs[to] = refunded
    sources = {Account.BANK_CLEARING: collected}
    sources.update({account: -need for account, need in needs.items() if need < 0})
    result: list[Transfer] = []
    for account, lacking in needs.items():
        need = lacking
        for source, available in sources.items():
            amount = min(need, available)
            if amount > 0:
                # A liability grows on its credit side; money that changes its owner debits the account it leaves.
                result.append(Transfer(debit=source, credit=account, amount=amount))
                sources[source] -= amount
                need -= amount
    return tuple(result)


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """One line of the trial balance: what moved in one account on one business day."""

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
