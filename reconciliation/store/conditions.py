"""The tests of ``domain/matching.py`` and ``domain/left_open.py`` in SQL. Their order is taken from there.

Each condition is the twin of the function that stands beside the same kind there; a property test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from reconciliation.domain.discrepancies import DiscrepancyKind as Kind
from reconciliation.domain.left_open import TESTS as MONEY_TESTS
from reconciliation.domain.matching import TESTS
from reconciliation.domain.runs import Side

_OTHER_ONLY: Final = "other_items > 0 AND hub_items = 0"
_HUB_ONLY: Final = "hub_items > 0 AND other_items = 0 AND NOT awaited"
_SEVERAL: Final = "other_items > 1"
_BOTH: Final = "hub_items > 0 AND other_items > 0"
_CURRENCIES_DIFFER: Final = f"{_BOTH} AND hub_currency <> other_currency"
_AMOUNTS_DIFFER: Final = f"{_BOTH} AND hub_amount <> other_amount"

CONDITIONS: Final[Mapping[Kind, str]] = {
    Kind.UNEXPLAINED_DEBIT: "charged_back > 0",
    Kind.FAILED_REFUND_DEBITED: "goes_back AND failed AND other_items > 0",
    Kind.DUPLICATE_REFUND: f"goes_back AND {_SEVERAL}",
    Kind.REFUND_MISSING_AT_BANK: f"goes_back AND {_HUB_ONLY}",
    Kind.REFUND_AMOUNT_MISMATCH: f"goes_back AND ({_CURRENCIES_DIFFER} OR {_AMOUNTS_DIFFER})",
    Kind.DUPLICATE_AT_BANK: _SEVERAL,
    Kind.MISSING_IN_HUB: _OTHER_ONLY,
    Kind.MISSING_AT_BANK: _HUB_ONLY,
    Kind.CURRENCY_MISMATCH: _CURRENCIES_DIFFER,
    Kind.AMOUNT_MISMATCH: _AMOUNTS_DIFFER,
    Kind.DUPLICATE_AT_AGENCY: _SEVERAL,
    Kind.BOOKED_WITHOUT_RECEIPT: _OTHER_ONLY,
    Kind.MISSING_AT_AGENCY: _HUB_ONLY,
    Kind.AGENCY_CURRENCY_MISMATCH: _CURRENCIES_DIFFER,
    Kind.AGENCY_AMOUNT_MISMATCH: _AMOUNTS_DIFFER,
    Kind.UNIDENTIFIED_PAYMENT: "order_id IS NULL",
    Kind.WRONG_CURRENCY: "foreign_money AND (suspense > 0 OR overpayment > 0)",
    Kind.CONFLICTING_CONFIRMATIONS: "conflict",
    Kind.PAID_TWICE: "(settled_elsewhere AND (suspense > 0 OR overpayment > 0))"
    " OR (settled_here AND collections > 1 AND overpayment > 0)",
    Kind.OVERPAID: "overpayment > 0",
    Kind.UNDERPAID: "suspense > 0 AND received < required",
    Kind.HELD: "suspense > 0",
}


def kind_of(side: Side) -> str:
    """The SQL expression that names what is wrong with a case, or is NULL."""
    asked: Iterable[Kind] = (kind for kind, _ in (MONEY_TESTS if side is Side.MONEY else TESTS[side]))
    tests = "\n".join(f"        WHEN {CONDITIONS[kind]} THEN '{kind}'" for kind in asked)
    return f"CASE\n{tests} END"
