"""The invariants of money: each a named statement in ``invariants.sql`` that finds the rows that break it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.ledger import Account
from payment_hub.domain.obligations import VersionEvent
from payment_hub.domain.payments import UNANSWERED, UNDER_WAY, AttemptState
from payment_hub.domain.refunds.lifecycle import LIVE, QUERIED, RefundEvent, RefundState, Route
from payment_hub.domain.settlement import Disposition
from payment_hub.domain.webhooks import WebhookState
from payment_hub.store.connections import allow_seq_scan
from payment_hub.store.named_sql import named
from payment_hub.store.tables.base import none_of, one_of
from payment_hub.store.tables.orders import STATUS
from payment_hub.store.tables.payments import AWAITING

#: At most so many rows of one violation are listed; one row is already an incident.
LISTED: Final = 20

#: States in which a refund's money has not left its order's accounts, or is back in them.
_NOT_POSTED: Final = (RefundState.PROPOSED, RefundState.FAILED, RefundState.DECLINED)

#: The sums of an order from its refunds and chargebacks alone.
_SUMS: Final = f"""
SELECT coalesce(sum(amount) FILTER (WHERE state = '{RefundState.SUCCEEDED}'), 0) AS refunded,
    coalesce(sum(amount) FILTER (WHERE {one_of("state", LIVE)}), 0) AS held_refund,
    coalesce(sum(amount) FILTER (WHERE {none_of("state", _NOT_POSTED)}), 0) AS paid_back,
    coalesce(sum(amount) FILTER (WHERE {none_of("state", _NOT_POSTED)} AND accepted), 0) AS paid_back_accepted,
    coalesce(bool_or(disputed), false) AS disputed
FROM (
    SELECT r.amount, r.state, c.accepted, false AS disputed FROM refund r JOIN collection c ON c.id = r.collection_id
    WHERE r.order_id = o.id
    UNION ALL
    SELECT k.amount - k.excess, '{RefundState.SUCCEEDED}', c.accepted, true
    FROM chargeback k JOIN collection c ON c.id = k.collection_id
    WHERE k.order_id = o.id
) paid_back"""

#: Orders with postings that an operator has reversed by hand: their ledger no longer follows from their facts.
_BY_HAND: Final = """EXISTS (SELECT FROM posting v JOIN posting w ON w.id = v.reverses
    WHERE w.order_id = o.id AND w.source_type <> 'refund')"""

_SQL: Final = named(
    "payment_hub.store",
    "sql/invariants.sql",
    status=STATUS,
    awaiting=f"({AWAITING})",
    sums=_SUMS,
    by_hand=_BY_HAND,
    under_way=UNDER_WAY,
    unanswered=UNANSWERED,
    attempt_unknown=AttemptState.UNKNOWN,
    attempt_succeeded=AttemptState.SUCCEEDED,
    webhook_pending=WebhookState.PENDING,
    withdrawn=VersionEvent.WITHDRAWN,
    duplicate=Disposition.DUPLICATE,
    applied=(Disposition.APPLIED, Disposition.ORPHAN),
    live=LIVE,
    queried=QUERIED,
    not_posted=_NOT_POSTED,
    dropped=(RefundState.FAILED, RefundState.DECLINED),
    not_approved=(RefundState.PROPOSED, RefundState.DECLINED),
    on_the_way=tuple(state for state in LIVE if state is not RefundState.PROPOSED),
    refund_approved=RefundState.APPROVED,
    refund_pending=RefundState.PENDING,
    refund_unknown=RefundState.UNKNOWN,
    refund_succeeded=RefundState.SUCCEEDED,
    proposed=RefundEvent.PROPOSED,
    returned=RefundEvent.RETURNED,
    published_events=(
        RefundEvent.PROPOSED,
        RefundEvent.APPROVED,
        RefundEvent.DECLINED,
        RefundEvent.RETURNED,
        RefundEvent.FAILED,
    ),
    by_bank=Route.BANK,
    from_collecting_bank=(Route.BANK, Route.TRANSFER),
    bank_clearing=Account.BANK_CLEARING,
    refund_clearing=Account.REFUND_CLEARING,
    settlement_cash=Account.SETTLEMENT_CASH,
    agency_payable=Account.AGENCY_PAYABLE,
    order_accounts=(Account.AGENCY_PAYABLE, Account.OVERPAYMENT, Account.SUSPENSE),
)


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule, and a query that finds the rows that break it. ``:now`` may be used."""

    name: str
    meaning: str
    sql: str


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold, and rows that show it."""

    invariant: str
    meaning: str
    rows: tuple[dict[str, Any], ...]


INVARIANTS: Final = tuple(Invariant(name, statement.sentence, statement) for name, statement in _SQL.items())


def violations(session: Session, now: datetime) -> list[Violation]:
    """Every invariant that does not hold, checked in one transaction."""
    allow_seq_scan(session)
    broken = []
    for invariant in INVARIANTS:
        query = text(f"SELECT * FROM ({invariant.sql}) AS broken LIMIT {LISTED}")
        rows = session.execute(query, {"now": now} if ":now" in invariant.sql else {}).mappings().all()
        if rows:
            broken.append(Violation(invariant.name, invariant.meaning, tuple(dict(row) for row in rows)))
    return broken
