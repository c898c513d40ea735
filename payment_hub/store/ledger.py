"""SQL of the ledger: single postings, their reversal, and the trial balance."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payment_hub.domain.ledger import Account, BalanceLine
from payment_hub.domain.money import Money
from payment_hub.store.connections import allow_seq_scan
from payment_hub.store.named_sql import named
from payment_hub.store.tables import Posting


def find_posting(session: Session, posting_id: int) -> Posting | None:
    """The posting with this key."""
    return session.get(Posting, posting_id)


def reverse_posting(session: Session, posting: Posting, reason: str, day: date, now: datetime) -> int | None:
    """Post the mirror image; its key, or None when the posting was reversed before."""
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


_SQL: Final = {
    name: text(sql)
    for name, sql in named("payment_hub.store", "sql/ledger.sql", bank_clearing=Account.BANK_CLEARING).items()
}


def trial_balance(
    session: Session,
    *,
    day_from: date,
    day_to: date,
    only_agency: int | None,
    agency: str | None,
    bank: str | None,
) -> list[BalanceLine]:
    """A line for each account, currency, agency, bank and day with any posting.

    Only the clearing account is kept by bank: a debt to an agency or a payer does not depend on the bank.
    """
    allow_seq_scan(session)
    params = {
        "day_from": day_from,
        "day_to": day_to,
        "only_agency": only_agency,
        "agency": agency,
        "bank": bank,
    }
    return [
        BalanceLine(
            day=row["day"],
            account=Account(row["account"]),
            agency=row["agency"],
            bank=row["bank"],
            debit=Money(row["debit"], row["currency"]),
            credit=Money(row["credit"], row["currency"]),
        )
        for row in session.execute(_SQL["trial_balance"], params).mappings()
    ]
