"""Discrepancies: their kinds, their life between a run and the officers, and what officers may decide."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from payment_hub.domain.lifecycle import Lifecycle


class DiscrepancyKind(StrEnum):
    """What does not agree. ``rules.py`` says when, ``texts`` says it in words."""

    # The hub against a bank's statement.
    UNEXPLAINED_DEBIT = "UNEXPLAINED_DEBIT"
    FAILED_REFUND_DEBITED = "FAILED_REFUND_DEBITED"
    DUPLICATE_REFUND = "DUPLICATE_REFUND"
    REFUND_MISSING_AT_BANK = "REFUND_MISSING_AT_BANK"
    REFUND_AMOUNT_MISMATCH = "REFUND_AMOUNT_MISMATCH"
    MISSING_IN_HUB = "MISSING_IN_HUB"
    MISSING_AT_BANK = "MISSING_AT_BANK"
    DUPLICATE_AT_BANK = "DUPLICATE_AT_BANK"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    STATEMENT_REFUSED = "STATEMENT_REFUSED"
    STATEMENT_MISSING = "STATEMENT_MISSING"

    # The hub against an agency's ledger.
    BOOKED_WITHOUT_RECEIPT = "BOOKED_WITHOUT_RECEIPT"
    MISSING_AT_AGENCY = "MISSING_AT_AGENCY"
    DUPLICATE_AT_AGENCY = "DUPLICATE_AT_AGENCY"
    AGENCY_CURRENCY_MISMATCH = "AGENCY_CURRENCY_MISMATCH"
    AGENCY_AMOUNT_MISMATCH = "AGENCY_AMOUNT_MISMATCH"
    LEDGER_REFUSED = "LEDGER_REFUSED"
    LEDGER_MISSING = "LEDGER_MISSING"

    # Money in suspense or overpaid.
    UNIDENTIFIED_PAYMENT = "UNIDENTIFIED_PAYMENT"
    WRONG_CURRENCY = "WRONG_CURRENCY"
    CONFLICTING_CONFIRMATIONS = "CONFLICTING_CONFIRMATIONS"
    PAID_TWICE = "PAID_TWICE"
    OVERPAID = "OVERPAID"
    UNDERPAID = "UNDERPAID"
    HELD = "HELD"


class DiscrepancyState(StrEnum):
    """Where a discrepancy stands."""

    OPEN = "OPEN"
    PROPOSED = "PROPOSED"
    """An officer has proposed a resolution; another one must approve it."""
    RESOLVED = "RESOLVED"
    AUTO_RESOLVED = "AUTO_RESOLVED"
    """A later run found that the books agree, or that they now differ in another way."""


class DiscrepancyEvent(StrEnum):
    """What happens to a discrepancy."""

    DETECTED = "DETECTED"
    RESOLUTION_PROPOSED = "RESOLUTION_PROPOSED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    AUTO_RESOLVED = "AUTO_RESOLVED"


class Decision(StrEnum):
    """What officers may decide. It moves no money: the hub records who decided what, and why."""

    BANK_CORRECTS = "BANK_CORRECTS"
    AGENCY_CORRECTS = "AGENCY_CORRECTS"
    HUB_CORRECTS = "HUB_CORRECTS"
    REFUND_PAYER = "REFUND_PAYER"
    ACCEPT_AS_IT_IS = "ACCEPT_AS_IT_IS"


#: The states in which a discrepancy still needs work.
LIVE: Final = (DiscrepancyState.OPEN, DiscrepancyState.PROPOSED)

#: Every legal move of a discrepancy.
DISCREPANCY_LIFE: Final = Lifecycle(
    name="discrepancy",
    first=DiscrepancyState.OPEN,
    table={
        (DiscrepancyState.OPEN, DiscrepancyEvent.RESOLUTION_PROPOSED): DiscrepancyState.PROPOSED,
        (DiscrepancyState.PROPOSED, DiscrepancyEvent.APPROVED): DiscrepancyState.RESOLVED,
        (DiscrepancyState.PROPOSED, DiscrepancyEvent.DECLINED): DiscrepancyState.OPEN,
        (DiscrepancyState.OPEN, DiscrepancyEvent.AUTO_RESOLVED): DiscrepancyState.AUTO_RESOLVED,
        (DiscrepancyState.PROPOSED, DiscrepancyEvent.AUTO_RESOLVED): DiscrepancyState.AUTO_RESOLVED,
    },
)
