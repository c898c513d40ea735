"""Questions about single postings, and their reversal.

The trial balance: what stands in each account, from the postings alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payment_hub.store.connections import allow_seq_scan
from payment_hub.store.tables import Posting


def find_posting(session: Session, posting_id: int) -> Posting | None:
    """The posting with this key."""
    return session.get(Posting, posting_id)


def reverse_posting(session: Session, posting: Posting, reason: str, day: date, now: datetime) -> int | None:
    """Post the mirror image; its key, or nothing when the posting was reversed before."""
    statement = (
        insert(Posting)
        .values(
            source_type="reversal",
            source_id=posting.id,
            kind=posting.kind,
            debit=posting.credit,
            credit=posting.debit,
            amount=posting.amount,
            currency=posting.currency,
            agency_id=posting.agency_id,
            bank=posting.bank,
            order_id=posting.order_id,
            day=day,
            posted_at=now,
            reverses=posting.id,
            reason=reason,
        )
        .on_conflict_do_nothing()
        .returning(Posting.id)
    )
    return session.scalar(statement)


_BALANCE: Final = text(
    """
SELECT side.account, side.currency, a.code AS agency, side.bank, side.day,
    sum(side.debit)::bigint AS debit, sum(side.credit)::bigint AS credit
FROM (
    SELECT debit AS account, currency, agency_id, CASE debit WHEN 'BANK_CLEARING' THEN bank END AS bank, day,
        amount AS debit, 0 AS credit FROM posting
    UNION ALL
    SELECT credit, currency, agency_id, CASE credit WHEN 'BANK_CLEARING' THEN bank END, day, 0, amount FROM posting
) side
LEFT JOIN agency a ON a.id = side.agency_id
WHERE side.day BETWEEN :day_from AND :day_to
    AND (CAST(:only_agency AS bigint) IS NULL OR side.agency_id = :only_agency)
    AND (CAST(:agency AS text) IS NULL OR a.code = :agency)
    AND (CAST(:bank AS text) IS NULL OR side.bank = :bank)
GROUP BY side.account, side.currency, a.code, side.bank, side.day
ORDER BY side.day, a.code, side.bank, side.account, side.currency"""
)


def trial_balance(session: Session, **asked: Any) -> Sequence[Mapping[Any, Any]]:
    """A row for each account, currency, agency, bank and day in which anything moved.

    Only the clearing account is kept by bank: what is owed to an agency or a payer is owed whichever bank brought it.
    """
    allow_seq_scan(session)
    return session.execute(_BALANCE, asked).mappings().all()
