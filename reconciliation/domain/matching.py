"""Matching: what is wrong with one case, by ordered tests; the first that holds names it.

A case is everything that both books say about one thing: a bank's transaction, a refund, or an order that an agency
should have booked. ``store/conditions.py`` asks the same questions in SQL for a million cases at once; a property test
compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

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
    """Credits in the statement, debits where money goes back, or entries in the ledger."""
    other_amount: int = 0
    other_currency: str | None = None
    """The alphabetically first, when ``other_currencies`` is more than one."""
    other_currencies: int = 0
    charged_back: int = 0
    """Debits in the statement under the same transaction that no refund and no chargeback explains."""
    awaited: bool = False
    """The hub's item is of a day for which the other side's file has not been accepted yet. What went back may stand in
    the next day's file too."""
    goes_back: bool = False
    """The hub's item is a refund or a chargeback."""
    failed: bool = False
    """It is a refund that was proved to have failed."""


Test = tuple[Kind, Callable[[Case], bool]]


def _other_only(case: Case) -> bool:
    return case.other_items > 0 and case.hub_items == 0


def _hub_only(case: Case) -> bool:
    return case.hub_items > 0 and case.other_items == 0 and not case.awaited


def _several(case: Case) -> bool:
    return case.other_items > 1


def _currencies_differ(case: Case) -> bool:
    return case.hub_items > 0 and case.other_items > 0 and case.hub_currency != case.other_currency


def _amounts_differ(case: Case) -> bool:
    return case.hub_items > 0 and case.other_items > 0 and case.hub_amount != case.other_amount


def _failed(case: Case) -> bool:
    return case.goes_back and case.failed and case.other_items > 0


def _differs(case: Case) -> bool:
    return _currencies_differ(case) or _amounts_differ(case)


#: What is asked of each case, in this order.
TESTS: Final[Mapping[Side, Sequence[Test]]] = {
    Side.BANK: (
        (Kind.UNEXPLAINED_DEBIT, lambda case: case.charged_back > 0),
        (Kind.FAILED_REFUND_DEBITED, _failed),
        (Kind.DUPLICATE_REFUND, lambda case: case.goes_back and _several(case)),
        (Kind.REFUND_MISSING_AT_BANK, lambda case: case.goes_back and _hub_only(case)),
        (Kind.REFUND_AMOUNT_MISMATCH, lambda case: case.goes_back and _differs(case)),
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


def waits(side: Side, case: Case) -> bool:
    """Whether nothing is wrong only because the other side's file has not come yet."""
    return classify(side, case) is None and case.hub_items > case.other_items
