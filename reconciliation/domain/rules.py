"""The rules of the night: one table. Of the rules of a side, the first whose condition holds names the discrepancy.

A condition is SQL over one case, as ``store/sql/comparison.sql`` lays it out: everything that both books have of one
bank transaction, one refund, one obligation, or one order's money. Conditions on files are about all files of the day.
``docs/the-night.md`` shows this table, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciliation.domain.discrepancies import Decision
from reconciliation.domain.discrepancies import DiscrepancyKind as Kind
from reconciliation.domain.runs import Side
from reconciliation.domain.texts import EXPLANATIONS
from reconciliation.domain.texts.explanation import Explanation


@dataclass(frozen=True, slots=True)
class Rule:
    """When a discrepancy is of this kind, within how many days it is due, and what officers usually decide."""

    kind: Kind
    side: Side
    condition: str
    days: int
    decision: Decision
    """Offered to officers, never carried out by itself."""
    of_files: bool = False
    """It is about the files of the day and not about a case."""

    def explanation(self, language: str) -> Explanation:
        """What a person is shown, in ``vi`` or ``en``."""
        return EXPLANATIONS[language][self.kind]


_B, _A, _M = Side.BANK, Side.AGENCY, Side.MONEY
_D: Final = Decision

_HUB_ONLY: Final = "hub_items > 0 AND other_items = 0 AND NOT file_pending"
_OTHER_ONLY: Final = "other_items > 0 AND hub_items = 0"
_OTHER_CURRENCY: Final = "hub_items > 0 AND other_items > 0 AND hub_currency <> other_currency"
_OTHER_AMOUNT: Final = "hub_items > 0 AND other_items > 0 AND hub_amount <> other_amount"
_REFUND_DIFFERS: Final = (
    "is_outflow AND hub_items > 0 AND other_items > 0"
    " AND (hub_currency <> other_currency OR hub_amount <> other_amount)"
)
_PAID_TWICE: Final = (
    "settled_elsewhere AND (suspense > 0 OR overpayment > 0)"
    " OR settled_here AND collections > 1 AND overpayment > 0"
)
_REFUSED: Final = "accepted_files = 0 AND refused_files > 0"
_MISSING: Final = "accepted_files = 0 AND refused_files = 0"

RULES: Final = (
    # The hub against a bank's statements.
    Rule(Kind.UNEXPLAINED_DEBIT, _B, "unexplained_debits > 0", 2, _D.BANK_CORRECTS),
    Rule(
        Kind.FAILED_REFUND_DEBITED, _B, "refund_failed AND is_outflow AND other_items > 0", 1, _D.HUB_CORRECTS
    ),
    Rule(Kind.DUPLICATE_REFUND, _B, "is_outflow AND other_items > 1", 1, _D.BANK_CORRECTS),
    Rule(Kind.REFUND_MISSING_AT_BANK, _B, f"is_outflow AND {_HUB_ONLY}", 2, _D.BANK_CORRECTS),
    Rule(Kind.REFUND_AMOUNT_MISMATCH, _B, _REFUND_DIFFERS, 1, _D.BANK_CORRECTS),
    Rule(Kind.DUPLICATE_AT_BANK, _B, "other_items > 1", 2, _D.BANK_CORRECTS),
    Rule(Kind.MISSING_IN_HUB, _B, _OTHER_ONLY, 1, _D.HUB_CORRECTS),
    Rule(Kind.MISSING_AT_BANK, _B, _HUB_ONLY, 2, _D.BANK_CORRECTS),
    Rule(Kind.CURRENCY_MISMATCH, _B, _OTHER_CURRENCY, 1, _D.BANK_CORRECTS),
    Rule(Kind.AMOUNT_MISMATCH, _B, _OTHER_AMOUNT, 1, _D.BANK_CORRECTS),
    Rule(Kind.STATEMENT_REFUSED, _B, _REFUSED, 1, _D.BANK_CORRECTS, of_files=True),
    Rule(Kind.STATEMENT_MISSING, _B, _MISSING, 1, _D.BANK_CORRECTS, of_files=True),
    # The hub against an agency's ledgers.
    Rule(Kind.DUPLICATE_AT_AGENCY, _A, "other_items > 1", 2, _D.AGENCY_CORRECTS),
    Rule(Kind.BOOKED_WITHOUT_RECEIPT, _A, _OTHER_ONLY, 2, _D.AGENCY_CORRECTS),
    Rule(Kind.MISSING_AT_AGENCY, _A, _HUB_ONLY, 2, _D.AGENCY_CORRECTS),
    Rule(Kind.AGENCY_CURRENCY_MISMATCH, _A, _OTHER_CURRENCY, 2, _D.AGENCY_CORRECTS),
    Rule(Kind.AGENCY_AMOUNT_MISMATCH, _A, _OTHER_AMOUNT, 2, _D.AGENCY_CORRECTS),
    Rule(Kind.LEDGER_REFUSED, _A, _REFUSED, 1, _D.AGENCY_CORRECTS, of_files=True),
    Rule(Kind.LEDGER_MISSING, _A, _MISSING, 1, _D.AGENCY_CORRECTS, of_files=True),
    # Money in suspense or overpaid, in the hub's own ledger.
    Rule(Kind.UNIDENTIFIED_PAYMENT, _M, "order_id IS NULL", 3, _D.REFUND_PAYER),
    Rule(
        Kind.WRONG_CURRENCY, _M, "foreign_currency AND (suspense > 0 OR overpayment > 0)", 2, _D.REFUND_PAYER
    ),
    Rule(Kind.CONFLICTING_CONFIRMATIONS, _M, "conflict", 1, _D.BANK_CORRECTS),
    Rule(Kind.PAID_TWICE, _M, _PAID_TWICE, 3, _D.REFUND_PAYER),
    Rule(Kind.OVERPAID, _M, "overpayment > 0", 3, _D.REFUND_PAYER),
    Rule(Kind.UNDERPAID, _M, "suspense > 0 AND received < required", 3, _D.REFUND_PAYER),
    Rule(Kind.HELD, _M, "suspense > 0", 3, _D.REFUND_PAYER),
)

RULE_OF: Final[Mapping[Kind, Rule]] = {rule.kind: rule for rule in RULES}

#: Kinds that are about a file: such a case ends when a file is accepted.
FILE_KINDS: Final = tuple(rule.kind for rule in RULES if rule.of_files)


def rules_for_side(side: Side, *, of_files: bool = False) -> tuple[Rule, ...]:
    """The rules for the cases, or for the files, of one side, in their order."""
    return tuple(rule for rule in RULES if rule.side is side and rule.of_files == of_files)
