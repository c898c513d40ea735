"""Questions about single postings, and their reversal."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payment_hub.store.tables import Posting


def find(session: Session, posting_id: int) -> Posting | None:
    """The posting with this key."""
    return session.get(Posting, posting_id)


def reverse(session: Session, posting: Posting, reason: str, day: date, now: datetime) -> int | None:
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
