"""Agency ledgers: claim a file, claim its entries, and find out which obligation each entry means."""

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
from reconciliation.domain.files import FileState
from reconciliation.domain.ledger_port import Entry, Ledger
from reconciliation.store.tables import LedgerFile

_BATCH: Final = 10_000

_STAGE: Final = """
CREATE TEMPORARY TABLE staged_entry (
    line int, entry_number text, reference text, order_reference text, amount bigint, currency char(3),
    receipt_number text
) ON COMMIT DROP"""

_FILL: Final = """
INSERT INTO staged_entry
SELECT * FROM unnest(CAST(:lines AS int[]), CAST(:numbers AS text[]), CAST(:references AS text[]),
    CAST(:orders AS text[]), CAST(:amounts AS bigint[]), CAST(:currencies AS text[]), CAST(:receipts AS text[]))"""

# An entry means the obligation of the order that it names, or the obligation that it names, or nothing we know.
# Orders and obligations of other agencies are nothing we know.
_CLAIM: Final = """
WITH meant AS (
    SELECT s.*, coalesce(b.reference, named.reference, s.reference) AS case_key,
        coalesce(o.id, named.settled_by) AS order_id
    FROM staged_entry s
    LEFT JOIN payment_order o ON o.reference = s.order_reference AND o.agency_id = :agency
    LEFT JOIN obligation b ON b.id = o.obligation_id
    LEFT JOIN obligation named ON o.id IS NULL AND named.agency_id = :agency AND named.reference = s.reference
),
fresh AS (
    SELECT m.* FROM meant m WHERE NOT EXISTS (
        SELECT FROM ledger_entry k
        WHERE k.agency_id = :agency AND k.day = :day AND k.entry_number = m.entry_number
            AND k.reference = m.reference AND k.amount = m.amount AND k.currency = m.currency)
)
INSERT INTO ledger_entry (file_id, line, agency_id, day, entry_number, reference, receipt_number, case_key, order_id,
    amount, currency, again)
SELECT :file, f.line, :agency, :day, f.entry_number, f.reference, f.receipt_number, f.case_key, f.order_id, f.amount,
    f.currency,
    row_number() OVER (PARTITION BY f.case_key ORDER BY f.line) > 1
        OR EXISTS (SELECT FROM ledger_entry k WHERE k.agency_id = :agency AND k.case_key = f.case_key)
FROM fresh f ORDER BY f.line"""


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
    session.execute(text(_STAGE))
    rest = iter(entries)
    while batch := list(islice(rest, _BATCH)):
        session.execute(text(_FILL), _columns(batch, at))
    session.execute(text("ANALYZE staged_entry"))
    claimed: Any = session.execute(text(_CLAIM), {"file": file, "agency": agency, "day": day})
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
