"""The port to the agencies' ledgers: which have been delivered, and what each contains."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol, runtime_checkable

from payment_hub.domain.money import Money


@dataclass(frozen=True, slots=True)
class Entry:
    """One payment as an agency booked it."""

    line: int
    """Its place in the file, from 1."""
    entry_number: str
    reference: str
    """An order's reference, or the agency's own of the obligation."""
    amount: Money
    booked_on: date
    receipt_number: str | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """An agency's ledger of one day: the raw file as evidence, and its entries, or why it is refused as a whole."""

    agency: str
    day: date
    name: str
    raw: bytes
    entries: tuple[Entry, ...] = ()
    refused: str | None = None
    """Line, column and reason."""


@runtime_checkable
class AgencyLedgers(Protocol):
    """Which ledgers there are, and what is in them."""

    def agencies(self, day: date) -> Collection[str]:
        """Codes of the agencies that have delivered a ledger for ``day``."""
        ...

    def read_ledgers(self, day: date, agency: str | None = None) -> Iterator[Ledger]:
        """Every ledger delivered for ``day``, or only that of one agency. A bad file is refused, not raised."""
        ...
