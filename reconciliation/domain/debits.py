"""How a debit of a statement names a refund or a chargeback. ``docs/the-night.md`` has the rules of pairing."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

#: The code of a refund's result when a debit is the evidence; the bank's transaction follows.
STATEMENT: Final = "STATEMENT"


class MatchLevel(IntEnum):
    """What a debit names, the most exact first. It never matches by less than the most exact thing that it names."""

    REFUND_REFERENCE = 1
    """Our reference of a refund."""
    BANK_REFUND_ID = 2
    """The bank's own id of a refund, or what an officer gave as the evidence of a chargeback."""
    TRANSACTION = 3
    """The transaction that was collected."""
    ORDER_REFERENCE = 4
