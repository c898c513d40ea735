"""Files of the other side, statements and ledgers: kept byte for byte, accepted whole or refused whole."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from reconciliation.domain.runs import Side


class FileState(StrEnum):
    """What became of a file. It never changes: a corrected file is another file."""

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


def file_case(side: Side, day: date) -> str:
    """The key of the case that is about the files of a day."""
    return f"{'statement' if side is Side.BANK else 'ledger'} of {day.isoformat()}"
