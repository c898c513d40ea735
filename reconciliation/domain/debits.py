"""Which debit of a bank's statement is which refund or chargeback: one to one, by the most exact thing that it names.

A debit names a refund by our reference, by the bank's own id of it, or by less: the collected money, or the order. By
less it may only mean a refund of just its amount that had been sent by then, and several equal ones are paired off by
count. ``store/paid_back.py`` does the same in SQL for all debits of a night; a property test compares the two.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Final


class Named(IntEnum):
    """What a debit names, the most exact first. It is never taken for less than it says."""

    REFUND = 1
    """Our reference of a refund."""
    BY_BANK = 2
    """The bank's own id of a refund, or what an officer gave as the evidence of a chargeback."""
    MONEY = 3
    """The transaction that was collected."""
    ORDER = 4


class Certainty(IntEnum):
    """Who is the first to be paired off with a debit that may mean several."""

    DONE = 0
    """A refund that is done, or a chargeback."""
    UNDER_WAY = 1
    FAILED = 2


@dataclass(frozen=True, slots=True)
class Gone:
    """A refund or a chargeback."""

    case_key: str
    order_id: int
    money: str
    """The bank's transaction that it is of."""
    amount: int
    currency: str
    sent_on: date
    """No debit before this day can be it, unless it names it; for a chargeback the first of all days."""
    certainty: Certainty | None
    """None: it was never sent, and no debit is it."""
    place: tuple[bool, int]
    """Chargebacks after refunds, each by its number: the order among equals."""
    reference: str | None = None
    by_bank: str | None = None

    def names(self) -> Mapping[Named, str]:
        """By what a debit can mean it. A bank that gives a refund the id of the payment has given it no name."""
        by_bank = self.by_bank if self.by_bank != self.money else None
        said = {
            Named.REFUND: self.reference,
            Named.BY_BANK: by_bank,
            Named.MONEY: self.money,
            Named.ORDER: "",
        }
        return {named: name for named, name in said.items() if name is not None}


@dataclass(frozen=True, slots=True)
class Debit:
    """One debit line."""

    day: date
    transaction: str
    reference: str
    occurrence: int
    amount: int
    currency: str
    refund_reference: str | None = None
    order_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Meant:
    """What a debit names: an order, and by which name."""

    order_id: int
    named: Named
    name: str


_EXACT: Final = (Named.REFUND, Named.BY_BANK)


def meaning(
    debit: Debit, gone: Collection[Gone], money: Mapping[str, int], orders: Mapping[str, int]
) -> Meant | None:
    """What the debit names; None: nothing that we know.

    ``money`` has the order of each transaction that the bank collected, ``orders`` that of each order reference.
    """
    said = {Named.REFUND: debit.refund_reference, Named.BY_BANK: debit.transaction}
    for named, name in said.items():
        found = [one.order_id for one in gone if name is not None and one.names().get(named) == name]
        if found:
            return Meant(min(found), named, name or "")
    if debit.transaction in money:
        return Meant(money[debit.transaction], Named.MONEY, debit.transaction)
    if debit.order_reference is not None and debit.order_reference in orders:
        return Meant(orders[debit.order_reference], Named.ORDER, "")
    return None


def pair_off(
    gone: Sequence[Gone], debits: Sequence[Debit], money: Mapping[str, int], orders: Mapping[str, int]
) -> Mapping[Debit, str]:
    """The case of each debit: that of the refund or chargeback that it is, or that it would be once too often; else
    the bank's transaction, which nothing explains."""
    meant = {debit: meaning(debit, gone, money, orders) for debit in debits}
    cases: dict[Debit, str] = {}
    for named in Named:
        said = [(debit, it) for debit, it in meant.items() if it is not None and it.named is named]
        for debit, it in sorted(said, key=lambda pair: _order(pair[0])):
            fit = [one for one in gone if _means(it, debit, one) and _same(debit, one)]
            free = [one for one in fit if one.case_key not in cases.values()]
            if free:
                cases[debit] = min(free, key=_first).case_key
    return cases | {debit: _left_over(debit, it, gone) for debit, it in meant.items() if debit not in cases}


def _left_over(debit: Debit, it: Meant | None, gone: Collection[Gone]) -> str:
    meant = [one for one in gone if it is not None and _means(it, debit, one)]
    if it is None or it.named not in _EXACT:
        meant = [one for one in meant if _same(debit, one)]
    return (
        min(meant, key=lambda one: (not _same(debit, one), *_first(one))).case_key
        if meant
        else debit.transaction
    )


def _means(it: Meant, debit: Debit, one: Gone) -> bool:
    return (
        one.certainty is not None
        and one.order_id == it.order_id
        and one.names().get(it.named) == it.name
        and (it.named in _EXACT or debit.day >= one.sent_on)
    )


def _same(debit: Debit, one: Gone) -> bool:
    return (debit.amount, debit.currency) == (one.amount, one.currency)


def _first(one: Gone) -> tuple[int, bool, int]:
    return (Certainty.FAILED if one.certainty is None else one.certainty, *one.place)


def _order(debit: Debit) -> tuple[date, str, str, int]:
    return debit.day, debit.transaction, debit.reference, debit.occurrence
