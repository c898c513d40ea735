"""Bank statements: claim a file, claim its lines, and find the money in them that nobody had told us of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payment_hub.domain.banks.values import Movement, StatementLine
from payment_hub.domain.money import Money
from payment_hub.domain.references import PREFIX, REFUND_PREFIX, find_reference
from reconciliation.domain.files import FileState
from reconciliation.store.tables import StatementFile

_BATCH: Final = 10_000

_STAGE: Final = """
CREATE TEMPORARY TABLE staged_line (
    line int, bank_transaction_id text, amount bigint, currency char(3), movement text, reference text,
    booked_at timestamptz, order_reference text, refund_reference text
) ON COMMIT DROP"""

_FILL: Final = """
INSERT INTO staged_line
SELECT * FROM unnest(CAST(:lines AS int[]), CAST(:ids AS text[]), CAST(:amounts AS bigint[]),
    CAST(:currencies AS text[]), CAST(:movements AS text[]), CAST(:references AS text[]),
    CAST(:moments AS timestamptz[]), CAST(:orders AS text[]), CAST(:refunds AS text[]))"""

# Two lines of one file that say exactly the same are told apart by counting. Files of one bank are claimed one after
# the other, so that `again` is right: it marks every item of a transaction but one.
_CLAIM: Final = """
WITH counted AS (
    SELECT *, row_number() OVER (
        PARTITION BY bank_transaction_id, amount, currency, movement, reference ORDER BY line) AS occurrence
    FROM staged_line
),
fresh AS (
    SELECT c.* FROM counted c WHERE NOT EXISTS (
        SELECT FROM statement_line k
        WHERE k.bank = :bank AND k.bank_transaction_id = c.bank_transaction_id AND k.day = :day
            AND k.amount = c.amount AND k.currency = c.currency AND k.movement = c.movement
            AND k.reference = c.reference AND k.occurrence = c.occurrence)
)
INSERT INTO statement_line (file_id, line, bank, bank_transaction_id, day, amount, currency, movement, reference,
    occurrence, booked_at, order_reference, refund_reference, again)
SELECT :file, f.line, :bank, f.bank_transaction_id, :day, f.amount, f.currency, f.movement, f.reference, f.occurrence,
    f.booked_at, f.order_reference, f.refund_reference,
    f.movement <> 'FEE' AND (
        row_number() OVER (PARTITION BY f.bank_transaction_id, f.movement = 'FEE' ORDER BY f.line) > 1
        OR EXISTS (
            SELECT FROM statement_line k
            WHERE k.bank = :bank AND k.bank_transaction_id = f.bank_transaction_id AND k.movement <> 'FEE'))
FROM fresh f ORDER BY f.line"""

_UNHEARD: Final = """
SELECT DISTINCT ON (l.bank_transaction_id) l.bank_transaction_id, l.reference, l.amount, l.currency, l.booked_at
FROM statement_line l
WHERE l.bank = :bank AND l.day = :day AND l.movement = 'CREDIT' AND l.bank_transaction_id > :after
    AND NOT EXISTS (
        SELECT FROM collection c WHERE c.bank = l.bank AND c.bank_transaction_id = l.bank_transaction_id)
ORDER BY l.bank_transaction_id, l.booked_at, l.amount, l.reference
LIMIT :limit"""


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
    session.execute(text(_STAGE))
    rest = iter(lines)
    while batch := list(islice(rest, _BATCH)):
        session.execute(text(_FILL), _columns(batch, at))
    session.execute(text("ANALYZE staged_line"))
    claimed: Any = session.execute(text(_CLAIM), {"file": file, "bank": bank, "day": day})
    return int(claimed.rowcount)


def unreported(
    session: Session, *, bank: str, day: date, after: str, limit: int
) -> list[tuple[str, str, Money, datetime]]:
    """Credits that the hub has no collection for: transaction, reference, amount, booked at; by transaction."""
    asked = {"bank": bank, "day": day, "after": after, "limit": limit}
    rows = session.execute(text(_UNHEARD), asked)
    return [(key, reference, Money(amount, currency), at) for key, reference, amount, currency, at in rows]


def _columns(batch: Sequence[StatementLine], at: datetime) -> dict[str, list[Any]]:
    return {
        "lines": [line.line for line in batch],
        "ids": [line.bank_transaction_id for line in batch],
        "amounts": [line.amount.minor for line in batch],
        "currencies": [line.amount.currency for line in batch],
        "movements": [str(line.movement) for line in batch],
        "references": [line.reference for line in batch],
        "moments": [line.booked_at for line in batch],
        "orders": [_named(line, at, PREFIX) for line in batch],
        "refunds": [_named(line, at, REFUND_PREFIX) for line in batch],
    }


def _named(line: StatementLine, at: datetime, prefix: str) -> str | None:
    """What of ours a debit names. A credit says it to the hub, which finds it by itself."""
    if line.movement is not Movement.DEBIT:
        return None
    return find_reference(line.reference, at, prefix) or find_reference(line.bank_transaction_id, at, prefix)
