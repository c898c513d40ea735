"""Agency ledgers: claim a file, claim its entries, and find the obligation of each entry."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payment_hub.domain.references import find_reference
from payment_hub.store.named_sql import named
from reconciliation.domain.files import FileState
from reconciliation.domain.ledger_port import Entry, Ledger
from reconciliation.store.tables import LedgerFile

_BATCH: Final = 10_000

_SQL: Final = named("reconciliation.store", "sql/ledgers.sql")


def agency_keys(session: Session) -> dict[str, int]:
    """Every agency's key by its code."""
    return {row.code: row.id for row in session.execute(text("SELECT code, id FROM agency"))}


def claim_file(session: Session, *, agency: int, ledger: Ledger, at: datetime) -> int | None:
    """Keep the file; its key, or None when the same bytes were kept before."""
    state = FileState.ACCEPTED if ledger.refused is None else FileState.REFUSED
    claim = insert(LedgerFile).values(
        agency_id=agency,
        day=ledger.day,
        name=ledger.name,
        sha256=hashlib.sha256(ledger.raw).digest(),
        raw=ledger.raw,
        state=state,
        reason=ledger.refused,
        lines=len(ledger.entries),
        received_at=at,
    )
    return session.scalar(claim.on_conflict_do_nothing().returning(LedgerFile.id))


def claim_entries(
    session: Session, *, file: int, agency: int, day: date, entries: Sequence[Entry], at: datetime
) -> int:
    """Add the entries that no earlier file had; how many these are."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('ledger:' || :agency, 0))"), {"agency": agency}
    )
    session.execute(text(_SQL["stage_table"]))
    rest = iter(entries)
    while batch := list(islice(rest, _BATCH)):
        session.execute(text(_SQL["stage"]), _columns(batch, at))
    session.execute(text("ANALYZE staged_entry"))
    claimed: Any = session.execute(
        text(_SQL["claim_entries"]), {"file": file, "agency_id": agency, "day": day}
    )
    return int(claimed.rowcount)


def _columns(batch: Sequence[Entry], at: datetime) -> dict[str, list[Any]]:
    return {
        "lines": [entry.line for entry in batch],
        "numbers": [entry.entry_number for entry in batch],
        "references": [entry.reference for entry in batch],
        "orders": [find_reference(entry.reference, at) for entry in batch],
        "amounts": [entry.amount.minor for entry in batch],
        "currencies": [entry.amount.currency for entry in batch],
        "receipts": [entry.receipt_number for entry in batch],
    }
