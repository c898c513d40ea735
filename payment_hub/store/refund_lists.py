"""Refunds as callers see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from payment_hub.domain.keys import Caller
from payment_hub.domain.money import Money
from payment_hub.domain.refund import THE_HUB, RefundState
from payment_hub.domain.refund_views import RefundHistory, RefundView
from payment_hub.store.refunds import seen_by
from payment_hub.store.tables import RefundEventRecord

_SHOWN: Final = """SELECT r.*, o.reference AS order_reference, a.code AS agency, a.refund_unseen,
    c.bank_transaction_id,
    EXISTS (SELECT FROM statement_line l WHERE l.bank = c.bank AND l.bank_transaction_id = c.bank_transaction_id
        AND l.movement = 'CREDIT' AND l.amount = c.amount AND l.currency = c.currency) AS seen
FROM refund r
JOIN payment_order o ON o.id = r.order_id
JOIN agency a ON a.id = r.agency_id
JOIN collection c ON c.id = r.collection_id"""

_OF_ORDER: Final = text(f"{_SHOWN} WHERE r.order_id = :order_id ORDER BY r.id DESC")

_LIST: Final = text(
    f"""{_SHOWN} WHERE (CAST(:only_agency AS bigint) IS NULL OR r.agency_id = :only_agency)
    AND (CAST(:only_portal AS bigint) IS NULL OR o.portal_id = :only_portal)
    AND (CAST(:state AS text) IS NULL OR r.state = :state)
    AND (CAST(:route AS text) IS NULL OR r.route = :route)
    AND (NOT :overdue OR r.officer_since IS NOT NULL AND r.state NOT IN ('SUCCEEDED', 'FAILED', 'DECLINED'))
    AND (CAST(:agency AS text) IS NULL OR a.code = :agency)
    AND (CAST(:after AS bigint) IS NULL OR r.id < :after)
    ORDER BY r.id DESC LIMIT :limit"""
)


def of_order(session: Session, caller: Caller, order_id: int) -> list[RefundView]:
    """All refunds of an order that the caller sees, the latest first."""
    rows = session.execute(_OF_ORDER, {"order_id": order_id}).mappings()
    return [_view(row).seen_by(caller) for row in rows]


def page(session: Session, caller: Caller, **asked: Any) -> list[tuple[int, RefundView]]:
    """Refunds that the caller sees, newest first, each with its key."""
    rows = session.execute(_LIST, {**seen_by(caller), **asked}).mappings()
    return [(row["id"], _view(row).seen_by(caller)) for row in rows]


def one(session: Session, caller: Caller, order_id: int, refund_id: str) -> RefundView:
    """One refund, which must be there, with everything that happened to it."""
    found = session.execute(_OF_ORDER, {"order_id": order_id}).mappings()
    row = next(row for row in found if row["refund_id"] == refund_id)
    return _view(row, _history(session, row["id"])).seen_by(caller)


def _history(session: Session, key: int) -> list[RefundHistory]:
    asked = select(RefundEventRecord).where(RefundEventRecord.refund_id == key).order_by(RefundEventRecord.id)
    return [
        RefundHistory(
            told.event, told.state, told.actor, told.code, told.words, told.evidence, told.happened_at
        )
        for told in session.scalars(asked)
    ]


def _view(row: Mapping[Any, Any], history: Sequence[RefundHistory] = ()) -> RefundView:
    by_itself = row["proposed_by"] == THE_HUB and row["state"] == RefundState.PROPOSED
    return RefundView(
        **{
            name: row[name]
            for name in (
                "reference",
                "refund_id",
                "order_reference",
                "agency",
                "state",
                "route",
                "reason",
                "words",
                "bank",
                "bank_transaction_id",
                "bank_refund_id",
                "proposed_by",
                "approved_by",
                "contradicted",
                "payee",
                "proposed_at",
                "changed_at",
                "officer_since",
            )
        },
        amount=Money(row["amount"], row["currency"]),
        waits_for_statement=by_itself and not row["seen"] and not row["refund_unseen"],
        history=history,
    )
