"""Ledgers: keep and claim what the agencies have delivered for one day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from reconciliation.books import Books
from reconciliation.domain.ledger_port import Ledger
from reconciliation.store import ledgers


@dataclass(frozen=True, slots=True)
class CollectedLedger:
    """What one file brought."""

    agency: str
    name: str
    refused: str | None
    new_file: bool
    new_entries: int


def collect_ledgers(books: Books, *, day: date, agency: str | None = None) -> tuple[CollectedLedger, ...]:
    """Keep and claim every agency's ledger of ``day``, or one agency's. Any number of times, with one effect.

    Each file has a transaction of its own, so that a bad one does not stop the others. A file of an unknown agency is
    ignored.
    """
    with books.hub.transaction() as session:
        agencies = ledgers.agency_keys(session)
    return tuple(
        _keep(books, agencies[ledger.agency], ledger)
        for ledger in books.ledgers.read_ledgers(day, agency)
        if ledger.agency in agencies
    )


def _keep(books: Books, agency: int, ledger: Ledger) -> CollectedLedger:
    at = books.now()
    with books.hub.transaction() as session:
        file = ledgers.claim_file(session, agency=agency, ledger=ledger, at=at)
        new = 0
        if file is not None and ledger.refused is None:
            new = ledgers.claim_entries(
                session, file=file, agency=agency, day=ledger.day, entries=ledger.entries, at=at
            )
    return CollectedLedger(ledger.agency, ledger.name, ledger.refused, file is not None, new)
