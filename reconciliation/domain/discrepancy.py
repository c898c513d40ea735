"""Discrepancies: their kinds, their life between the night and the officers, and what officers may decide."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from payment_hub.domain.lifecycle import Lifecycle


class DiscrepancyKind(StrEnum):
    """What is wrong. ``sentences.py`` says it in words."""

    # The hub against a bank's statement.
    CHARGED_BACK = "CHARGED_BACK"
    REFUNDED_THOUGH_FAILED = "REFUNDED_THOUGH_FAILED"
    REFUNDED_TWICE = "REFUNDED_TWICE"
    REFUND_MISSING_AT_BANK = "REFUND_MISSING_AT_BANK"
    REFUND_AMOUNT_DIFFERS = "REFUND_AMOUNT_DIFFERS"
    UNKNOWN_TO_HUB = "UNKNOWN_TO_HUB"
    MISSING_AT_BANK = "MISSING_AT_BANK"
    DUPLICATE_AT_BANK = "DUPLICATE_AT_BANK"
    CURRENCIES_DIFFER = "CURRENCIES_DIFFER"
    AMOUNTS_DIFFER = "AMOUNTS_DIFFER"
    STATEMENT_REFUSED = "STATEMENT_REFUSED"
    STATEMENT_MISSING = "STATEMENT_MISSING"

    # The hub against an agency's ledger.
    BOOKED_WITHOUT_RECEIPT = "BOOKED_WITHOUT_RECEIPT"
    MISSING_AT_AGENCY = "MISSING_AT_AGENCY"
    DUPLICATE_AT_AGENCY = "DUPLICATE_AT_AGENCY"
    AGENCY_CURRENCY_DIFFERS = "AGENCY_CURRENCY_DIFFERS"
    AGENCY_AMOUNT_DIFFERS = "AGENCY_AMOUNT_DIFFERS"
    LEDGER_REFUSED = "LEDGER_REFUSED"
    LEDGER_MISSING = "LEDGER_MISSING"

    # Money that is here and that nobody has a use for yet.
    NO_SUCH_ORDER = "NO_SUCH_ORDER"
    WRONG_CURRENCY = "WRONG_CURRENCY"
    CONTRADICTED = "CONTRADICTED"
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
    HEALED = "HEALED"
    """A later run found that the books agree, or that they now differ in another way."""


class DiscrepancyEvent(StrEnum):
    """What happens to a discrepancy."""

    FOUND = "FOUND"
    RESOLUTION_PROPOSED = "RESOLUTION_PROPOSED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    HEALED = "HEALED"


class Decision(StrEnum):
    """What officers may decide. The money moves elsewhere, by its own facts; here stands who decided it and why."""

    BANK_CORRECTS = "BANK_CORRECTS"
    AGENCY_CORRECTS = "AGENCY_CORRECTS"
    HUB_CORRECTS = "HUB_CORRECTS"
    REFUND_PAYER = "REFUND_PAYER"
    ACCEPT_AS_IT_IS = "ACCEPT_AS_IT_IS"


#: What officers most often decide about a kind: offered to them, never done by itself.
USUAL_DECISIONS: Final[Mapping[DiscrepancyKind, Decision]] = {
    DiscrepancyKind.REFUNDED_THOUGH_FAILED: Decision.HUB_CORRECTS,
    DiscrepancyKind.UNKNOWN_TO_HUB: Decision.HUB_CORRECTS,
    DiscrepancyKind.BOOKED_WITHOUT_RECEIPT: Decision.AGENCY_CORRECTS,
    DiscrepancyKind.MISSING_AT_AGENCY: Decision.AGENCY_CORRECTS,
    DiscrepancyKind.DUPLICATE_AT_AGENCY: Decision.AGENCY_CORRECTS,
    DiscrepancyKind.AGENCY_CURRENCY_DIFFERS: Decision.AGENCY_CORRECTS,
    DiscrepancyKind.AGENCY_AMOUNT_DIFFERS: Decision.AGENCY_CORRECTS,
    DiscrepancyKind.LEDGER_REFUSED: Decision.AGENCY_CORRECTS,
    DiscrepancyKind.LEDGER_MISSING: Decision.AGENCY_CORRECTS,
    DiscrepancyKind.NO_SUCH_ORDER: Decision.REFUND_PAYER,
    DiscrepancyKind.WRONG_CURRENCY: Decision.REFUND_PAYER,
    DiscrepancyKind.PAID_TWICE: Decision.REFUND_PAYER,
    DiscrepancyKind.OVERPAID: Decision.REFUND_PAYER,
    DiscrepancyKind.UNDERPAID: Decision.REFUND_PAYER,
    DiscrepancyKind.HELD: Decision.REFUND_PAYER,
}

#: The states in which a discrepancy still asks for somebody's work.
LIVE: Final = (DiscrepancyState.OPEN, DiscrepancyState.PROPOSED)

#: Every legal move of a discrepancy.
DISCREPANCY_LIFE: Final = Lifecycle(
    name="discrepancy",
    first=DiscrepancyState.OPEN,
    table={
        (DiscrepancyState.OPEN, DiscrepancyEvent.RESOLUTION_PROPOSED): DiscrepancyState.PROPOSED,
        (DiscrepancyState.PROPOSED, DiscrepancyEvent.APPROVED): DiscrepancyState.RESOLVED,
        (DiscrepancyState.PROPOSED, DiscrepancyEvent.DECLINED): DiscrepancyState.OPEN,
        (DiscrepancyState.OPEN, DiscrepancyEvent.HEALED): DiscrepancyState.HEALED,
        (DiscrepancyState.PROPOSED, DiscrepancyEvent.HEALED): DiscrepancyState.HEALED,
    },
)
