"""The rules of the night as a model in Python: what the SQL must find, said a second time for small books.

``classify`` and ``why_left_open`` name a case by ordered tests; ``pair_off`` finds the case of each debit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Final

from reconciliation.domain.debits import MatchLevel
from reconciliation.domain.discrepancies import DiscrepancyKind as Kind
from reconciliation.domain.runs import Side


@dataclass(frozen=True, slots=True)
class Case:
    """Both sides of one thing. Amounts are in minor units, summed over the items of their side."""

    hub_items: int = 0
    """At most one: a bank transaction is collected once, a refund is one, an order has one receipt."""
    hub_amount: int = 0
    hub_currency: str | None = None
    other_items: int = 0
    """Credits in the statement, debits for an outflow, or entries in the ledger."""
    other_amount: int = 0
    other_currency: str | None = None
    unexplained_debits: int = 0
    file_pending: bool = False
    """The hub's item is of a day for which the other side's file has not been accepted yet."""
    is_outflow: bool = False
    """The hub's item is a refund or a chargeback."""
    refund_failed: bool = False


def _other_only(case: Case) -> bool:
    return case.other_items > 0 and case.hub_items == 0


def _hub_only(case: Case) -> bool:
    return case.hub_items > 0 and case.other_items == 0 and not case.file_pending


def _several(case: Case) -> bool:
    return case.other_items > 1


def _currencies_differ(case: Case) -> bool:
    return case.hub_items > 0 and case.other_items > 0 and case.hub_currency != case.other_currency


def _amounts_differ(case: Case) -> bool:
    return case.hub_items > 0 and case.other_items > 0 and case.hub_amount != case.other_amount


def _differs(case: Case) -> bool:
    return _currencies_differ(case) or _amounts_differ(case)


TESTS: Final[Mapping[Side, Sequence[tuple[Kind, Callable[[Case], bool]]]]] = {
    Side.BANK: (
        (Kind.UNEXPLAINED_DEBIT, lambda case: case.unexplained_debits > 0),
        (
            Kind.FAILED_REFUND_DEBITED,
            lambda case: case.is_outflow and case.refund_failed and case.other_items > 0,
        ),
        (Kind.DUPLICATE_REFUND, lambda case: case.is_outflow and _several(case)),
        (Kind.REFUND_MISSING_AT_BANK, lambda case: case.is_outflow and _hub_only(case)),
        (Kind.REFUND_AMOUNT_MISMATCH, lambda case: case.is_outflow and _differs(case)),
        (Kind.DUPLICATE_AT_BANK, _several),
        (Kind.MISSING_IN_HUB, _other_only),
        (Kind.MISSING_AT_BANK, _hub_only),
        (Kind.CURRENCY_MISMATCH, _currencies_differ),
        (Kind.AMOUNT_MISMATCH, _amounts_differ),
    ),
    Side.AGENCY: (
        (Kind.DUPLICATE_AT_AGENCY, _several),
        (Kind.BOOKED_WITHOUT_RECEIPT, _other_only),
        (Kind.MISSING_AT_AGENCY, _hub_only),
        (Kind.AGENCY_CURRENCY_MISMATCH, _currencies_differ),
        (Kind.AGENCY_AMOUNT_MISMATCH, _amounts_differ),
    ),
}


def classify(side: Side, case: Case) -> Kind | None:
    """The kind of the first test that holds, or None: the books agree, or the case waits for a file."""
    return next((kind for kind, holds in TESTS[side] if holds(case)), None)


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """What the ledger keeps of one order, or of one bank transaction without an order, in one currency."""

    suspense: int = 0
    overpayment: int = 0
    collections: int = 0
    """How many bank transactions the money came in."""
    has_order: bool = True
    foreign_currency: bool = False
    """The money is not in the order's currency."""
    conflict: bool = False
    settled_here: bool = False
    settled_elsewhere: bool = False
    received: int = 0
    required: int = 0


def why_left_open(case: LeftOpen) -> Kind | None:
    """Why money is in suspense or overpaid: the first reason that holds, or None when nothing is left open."""
    anything = case.suspense > 0 or case.overpayment > 0
    again_here = case.settled_here and case.collections > 1 and case.overpayment > 0
    reasons = (
        (Kind.UNIDENTIFIED_PAYMENT, not case.has_order),
        (Kind.WRONG_CURRENCY, case.foreign_currency and anything),
        (Kind.CONFLICTING_CONFIRMATIONS, case.conflict),
        (Kind.PAID_TWICE, (case.settled_elsewhere and anything) or again_here),
        (Kind.OVERPAID, case.overpayment > 0),
        (Kind.UNDERPAID, case.suspense > 0 and case.received < case.required),
        (Kind.HELD, case.suspense > 0),
    )
    return next((kind for kind, holds in reasons if holds), None)


class Certainty(IntEnum):
    """Which outflow is the first to be paired off with a debit that may be several."""

    DONE = 0
    """A refund that is done, or a chargeback."""
    UNRESOLVED = 1
    FAILED = 2


@dataclass(frozen=True, slots=True)
class Outflow:
    """A refund or a chargeback."""

    case_key: str
    order_id: int
    transaction: str
    """The bank's transaction of the money."""
    amount: int
    currency: str
    sent_on: date
    """No debit before this day can be it, unless it names it; for a chargeback the first of all days."""
    certainty: Certainty | None
    """None: it was never sent, and no debit is it."""
    place: tuple[bool, int]
    """Chargebacks after refunds, each by its number: the order among equals."""
    reference: str | None = None
    bank_refund_id: str | None = None

    def names(self) -> Mapping[MatchLevel, str]:
        """By what a debit can name it. A bank that gives a refund the id of the payment has given it no id."""
        names = {
            MatchLevel.REFUND_REFERENCE: self.reference,
            MatchLevel.BANK_REFUND_ID: self.bank_refund_id
            if self.bank_refund_id != self.transaction
            else None,
            MatchLevel.TRANSACTION: self.transaction,
            MatchLevel.ORDER_REFERENCE: "",
        }
        return {level: name for level, name in names.items() if name is not None}


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
class Target:
    """What a debit names: an order, and by which name."""

    order_id: int
    level: MatchLevel
    name: str


_EXACT: Final = (MatchLevel.REFUND_REFERENCE, MatchLevel.BANK_REFUND_ID)


def target_of(
    debit: Debit, outflows: Collection[Outflow], transactions: Mapping[str, int], orders: Mapping[str, int]
) -> Target | None:
    """What the debit names; None: nothing of ours.

    ``transactions`` has the order of each transaction that the bank collected, ``orders`` that of each reference.
    """
    exact = {
        MatchLevel.REFUND_REFERENCE: debit.refund_reference,
        MatchLevel.BANK_REFUND_ID: debit.transaction,
    }
    for level, name in exact.items():
        named = [outflow.order_id for outflow in outflows if name and outflow.names().get(level) == name]
        if named:
            return Target(min(named), level, name or "")
    if debit.transaction in transactions:
        return Target(transactions[debit.transaction], MatchLevel.TRANSACTION, debit.transaction)
    if debit.order_reference is not None and debit.order_reference in orders:
        return Target(orders[debit.order_reference], MatchLevel.ORDER_REFERENCE, "")
    return None


def pair_off(
    outflows: Sequence[Outflow],
    debits: Sequence[Debit],
    transactions: Mapping[str, int],
    orders: Mapping[str, int],
) -> Mapping[Debit, str]:
    """The case of each debit: that of the refund or chargeback that it is, or that it would be once too often; else
    the bank's transaction, which nothing explains."""
    targets = {debit: target_of(debit, outflows, transactions, orders) for debit in debits}
    cases: dict[Debit, str] = {}
    for level in MatchLevel:
        of_level = [(debit, target) for debit, target in targets.items() if target and target.level is level]
        for debit, target in sorted(of_level, key=lambda pair: _order(pair[0])):
            free = [
                outflow
                for outflow in outflows
                if _may_be(target, debit, outflow)
                and _same_amount(debit, outflow)
                and outflow.case_key not in cases.values()
            ]
            if free:
                cases[debit] = min(free, key=_first).case_key
    return cases | {
        debit: _nearest(debit, target, outflows) for debit, target in targets.items() if debit not in cases
    }


def _nearest(debit: Debit, target: Target | None, outflows: Collection[Outflow]) -> str:
    possible = [outflow for outflow in outflows if target is not None and _may_be(target, debit, outflow)]
    if target is None or target.level not in _EXACT:
        possible = [outflow for outflow in possible if _same_amount(debit, outflow)]
    if not possible:
        return debit.transaction
    return min(possible, key=lambda outflow: (not _same_amount(debit, outflow), *_first(outflow))).case_key


def _may_be(target: Target, debit: Debit, outflow: Outflow) -> bool:
    return (
        outflow.certainty is not None
        and outflow.order_id == target.order_id
        and outflow.names().get(target.level) == target.name
        and (target.level in _EXACT or debit.day >= outflow.sent_on)
    )


def _same_amount(debit: Debit, outflow: Outflow) -> bool:
    return (debit.amount, debit.currency) == (outflow.amount, outflow.currency)


def _first(outflow: Outflow) -> tuple[int, bool, int]:
    return (Certainty.FAILED if outflow.certainty is None else outflow.certainty, *outflow.place)


def _order(debit: Debit) -> tuple[date, str, str, int]:
    return debit.day, debit.transaction, debit.reference, debit.occurrence
