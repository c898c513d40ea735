"""Files of the other side, statements and ledgers: kept byte for byte, accepted whole or refused whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from reconciliation.domain.runs import Side


class FileState(StrEnum):
    """What became of a file. It never changes: a corrected file is another file."""

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class FileSummary:
    """One file of the day, as a run keeps it."""

    sha256: str
    state: FileState
    reason: str | None
    lines: int

    def as_wire(self) -> dict[str, str | int | None]:
        """The form on the wire."""
        return {"sha256": self.sha256, "state": str(self.state), "reason": self.reason, "lines": self.lines}


def file_case(side: Side, day: date) -> str:
    """The key of the case that is about the files of a day."""
    return f"{'statement' if side is Side.BANK else 'ledger'} of {day.isoformat()}"
