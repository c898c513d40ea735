"""Bank statements: claim a file, claim its lines, and find the credits that no callback has reported."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payment_hub.domain.banks.values import Movement, StatementLine
from payment_hub.domain.money import Money
from payment_hub.domain.references import PREFIX, REFUND_PREFIX, find_reference
from payment_hub.store.named_sql import named
from reconciliation.domain.files import FileState
from reconciliation.store.tables import StatementFile

_BATCH: Final = 10_000

_SQL: Final = named("reconciliation.store", "sql/statements.sql", credit=Movement.CREDIT, fee=Movement.FEE)


class UnreportedCredit(NamedTuple):
    """A credit that no callback has reported."""

    transaction: str
    reference: str
    amount: Money
    booked_at: datetime


def claim_file(
    session: Session,
    *,
    bank: str,
    day: date,
    raw: bytes,
    lines: int,
    shows_debits: bool,
    reason: str | None,
    at: datetime,
) -> int | None:
    """Keep the file; its key, or None when the same bytes were kept before. ``reason`` says why it is refused."""
    state = FileState.ACCEPTED if reason is None else FileState.REFUSED
    claim = insert(StatementFile).values(
        bank=bank,
        day=day,
        sha256=hashlib.sha256(raw).digest(),
        raw=raw,
        state=state,
        reason=reason,
        lines=lines,
        shows_debits=shows_debits,
        received_at=at,
    )
    return session.scalar(claim.on_conflict_do_nothing().returning(StatementFile.id))


def claim_lines(
    session: Session, *, file: int, bank: str, day: date, lines: Sequence[StatementLine], at: datetime
) -> int:
    """Add the items that no earlier file had; how many these are."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('statement:' || :bank, 0))"), {"bank": bank}
    )
    session.execute(text(_SQL["stage_table"]))
    rest = iter(lines)
    while batch := list(islice(rest, _BATCH)):
        session.execute(text(_SQL["stage"]), _columns(batch, at))
    session.execute(text("ANALYZE staged_line"))
    claimed: Any = session.execute(text(_SQL["claim_lines"]), {"file": file, "bank": bank, "day": day})
    return int(claimed.rowcount)


def unreported(session: Session, *, bank: str, day: date, after: str, limit: int) -> list[UnreportedCredit]:
    """Credits that the hub has no collection for, by transaction, from the one after ``after``."""
    params = {"bank": bank, "day": day, "after": after, "limit": limit}
    rows = session.execute(text(_SQL["unreported_credits"]), params)
    return [
        UnreportedCredit(transaction, reference, Money(amount, currency), booked_at)
        for transaction, reference, amount, currency, booked_at in rows
    ]


def _columns(batch: Sequence[StatementLine], at: datetime) -> dict[str, list[Any]]:
    return {
        "lines": [line.line for line in batch],
        "ids": [line.bank_transaction_id for line in batch],
        "amounts": [line.amount.minor for line in batch],
        "currencies": [line.amount.currency for line in batch],
        "movements": [str(line.movement) for line in batch],
        "references": [line.reference for line in batch],
        "booked_at": [line.booked_at for line in batch],
        "orders": [_reference_in(line, at, PREFIX) for line in batch],
        "refunds": [_reference_in(line, at, REFUND_PREFIX) for line in batch],
    }


def _reference_in(line: StatementLine, at: datetime, prefix: str) -> str | None:
    """Our reference that a debit names. In a credit the hub looks for it itself."""
    if line.movement is not Movement.DEBIT:
        return None
    return find_reference(line.reference, at, prefix) or find_reference(line.bank_transaction_id, at, prefix)
