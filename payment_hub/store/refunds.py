"""Questions about refunds, and about the money of an order that can go back.

Refunds as callers see them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.errors import OrderNotFound, RefundNotFound
from payment_hub.domain.money import Money
from payment_hub.domain.refunds.eligibility import Collected
from payment_hub.domain.refunds.lifecycle import (
    LIVE,
    NOT_CARRIED,
    REFUSALS,
    THE_HUB,
    RefundEvent,
    RefundReason,
    RefundState,
    Route,
)
from payment_hub.domain.refunds.views import Payee, RefundCollection, RefundHistory, RefundView
from payment_hub.domain.settlement import OrderSnapshot
from payment_hub.store import orders
from payment_hub.store.access import visible_agency
from payment_hub.store.confirmations import POSTED, order_snapshot
from payment_hub.store.orders import COLUMNS, JOINS
from payment_hub.store.tables import Refund, RefundEventRecord

_ORDER: Final = text(
    f"""SELECT {COLUMNS}, posted.payable, posted.overpayment, posted.suspense, a.refund_limit, a.refund_unseen,
    a.credited_after_days, a.voucher_form, a.tax_code, a.account_number AS agency_account, v.identifiers,
    v.account_number, v.account_bank, v.account_name, v.treasury_chapter, v.treasury_sub_item
FROM payment_order o {JOINS} {POSTED} WHERE o.reference = :reference"""
)

_MONEY: Final = text(
    """SELECT c.id AS key, c.bank, c.bank_transaction_id, c.amount, c.accepted, c.late, c.collected_at, c.day,
    confirmation.verdict, confirmation.payer, back.amount + taken.amount AS gone,
    taken.known AS charged_back, taken.excess,
    failed.refusals >= :refusals OR failed.not_carried AS not_carried,
    back.contradicted, back.live_reasons, back.hub_reasons,
    EXISTS (SELECT FROM statement_line l WHERE l.bank = c.bank AND l.bank_transaction_id = c.bank_transaction_id
        AND l.movement = 'CREDIT' AND l.amount = c.amount AND l.currency = c.currency) AS seen,
    coalesce(p.reference, o.reference) AS attempt_reference, coalesce(p.started_at, o.issued_at) AS started_at,
    p.bank_reference
FROM payment_order o
JOIN collection c ON c.order_id = o.id AND c.currency = o.currency
LEFT JOIN LATERAL (
    SELECT verdict, payer, attempt_id FROM confirmation f
    WHERE f.order_id = o.id AND f.bank = c.bank AND f.bank_transaction_id = c.bank_transaction_id
        AND f.disposition = 'APPLIED' AND f.outcome = 'PAID' ORDER BY f.verdict = 'NEEDS_INQUIRY', f.id LIMIT 1
) confirmation ON true
LEFT JOIN payment_attempt p ON p.id = confirmation.attempt_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(r.amount) FILTER (WHERE r.state NOT IN ('FAILED', 'DECLINED')), 0)::bigint AS amount,
        coalesce(bool_or(r.contradicted), false) AS contradicted,
        coalesce(array_agg(r.reason) FILTER (WHERE r.state = ANY(:live)), '{}') AS live_reasons,
        coalesce(array_agg(r.reason) FILTER (WHERE r.proposed_by = :hub), '{}') AS hub_reasons
    FROM refund r WHERE r.collection_id = c.id
) back
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.amount - k.excess), 0)::bigint AS amount, coalesce(sum(k.excess), 0)::bigint AS excess,
        count(*) > 0 AS known
    FROM chargeback k WHERE k.order_id = o.id AND k.collection_id = c.id
) taken
CROSS JOIN LATERAL (
    SELECT count(*) AS refusals, coalesce(bool_or(e.code LIKE :not_carried || '%'), false) AS not_carried
    FROM refund r JOIN refund_event e ON e.refund_id = r.id AND e.event = 'FAILED' AND e.actor LIKE 'bank:%'
    WHERE r.collection_id = c.id AND r.route = 'BANK' AND r.state = 'FAILED'
) failed
WHERE o.id = :order_id ORDER BY c.id DESC"""
)

_CLAIM_APPROVED: Final = text(
    """SELECT r.id FROM refund r WHERE r.state = 'APPROVED' AND r.route = 'BANK' AND r.bank = ANY(:banks)
        AND NOT EXISTS (SELECT FROM chargeback k WHERE k.collection_id = r.collection_id)
        AND NOT EXISTS (SELECT FROM refund s WHERE s.collection_id = r.collection_id AND s.contradicted)
    ORDER BY r.id LIMIT 1 FOR UPDATE SKIP LOCKED"""
)

_CLAIM_DUE: Final = text(
    """UPDATE refund r SET queries = r.queries + 1, query_at = :leased_until
    FROM (
        SELECT id FROM refund WHERE state IN ('SUBMITTING', 'PENDING', 'UNKNOWN') AND query_at <= :now
        ORDER BY query_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ) due
    WHERE r.id = due.id RETURNING r.id"""
)

_OVERDUE: Final = text(
    """UPDATE refund SET escalated_at = :now WHERE escalated_at IS NULL AND (
        state = 'UNKNOWN' AND submitted_at <= :unanswered
        OR state = 'PENDING' AND submitted_at <= :unreturned
        OR state = 'APPROVED' AND route = 'BANK' AND changed_at <= :unanswered)
    RETURNING reference, bank, state"""
)

#: Orders that were told of too much, of which the hub has proposed nothing yet, in the order in which that was told.
_EXCESS: Final = text(
    """SELECT f.id, o.reference FROM confirmation f
    JOIN payment_order o ON o.id = f.order_id AND NOT o.conflict
    JOIN collection c ON c.bank = f.bank AND c.bank_transaction_id = f.bank_transaction_id
    WHERE f.verdict IN ('OVERPAYS', 'PAID_TWICE', 'TOO_LATE', 'UNDERPAYS') AND f.disposition = 'APPLIED'
        AND f.judged_at > :since AND f.id > :after
        AND NOT EXISTS (SELECT FROM refund r WHERE r.collection_id = c.id AND r.proposed_by = :hub)
    ORDER BY f.id LIMIT :limit"""
)


@dataclass(frozen=True, slots=True)
class RefundContext:
    """An order as whoever gives money back must know it."""

    row: Mapping[Any, Any]
    standing: OrderSnapshot
    money: tuple[Collected, ...]
    """The latest first."""

    @property
    def refundable(self) -> int:
        """Received, and neither given back nor reserved for it."""
        left: int = self.row["received"] - self.row["refunded"] - self.row["held_refund"]
        return left

    def of(self, collection_id: int) -> Collected:
        """The money with this key, which must be the order's."""
        return next(one for one in self.money if one.key == collection_id)


def lock_order(session: Session, reference: str, caller: Caller) -> RefundContext:
    """The order with its money, locked, if the caller may see it. Raises OrderNotFound."""
    orders.find_row(session, reference, caller)
    orders.lock(session, reference)
    return refund_context(session, reference)


def refund_context(session: Session, reference: str) -> RefundContext:
    """The order with its money. Raises OrderNotFound."""
    row = session.execute(_ORDER, {"reference": reference}).mappings().one_or_none()
    if row is None:
        raise OrderNotFound(reference)
    asked = {"order_id": row["order_id"], "live": [str(state) for state in LIVE], "hub": THE_HUB}
    asked |= {"refusals": REFUSALS, "not_carried": NOT_CARRIED}
    found = session.execute(_MONEY, asked).mappings()
    return RefundContext(row, order_snapshot(row), tuple(_collected(one) for one in found))


def find(session: Session, order_id: int, refund_id: str) -> Refund | None:
    """The refund of this name. What no database holds names none."""
    if "\0" in refund_id:
        return None
    return session.scalar(select(Refund).where(Refund.order_id == order_id, Refund.refund_id == refund_id))


def require(session: Session, order_id: int, refund_id: str) -> Refund:
    """The refund of this name. Raises RefundNotFound."""
    found = find(session, order_id, refund_id)
    if found is None:
        raise RefundNotFound(refund_id[:40])
    return found


def hold(session: Session, refund: Refund) -> None:
    """Read the refund as it stands now, and keep it so: whoever sends it takes no other lock than its own."""
    session.refresh(refund, with_for_update=True)


def by_key(session: Session, key: int) -> Refund:
    """The refund with this key, which must exist, as it stands now."""
    return session.scalars(
        select(Refund).where(Refund.id == key).execution_options(populate_existing=True)
    ).one()


def order_reference_of(session: Session, key: int) -> str:
    """The order of a refund."""
    asked = text(
        "SELECT o.reference FROM refund r JOIN payment_order o ON o.id = r.order_id WHERE r.id = :key"
    )
    reference: str = session.execute(asked, {"key": key}).scalar_one()
    return reference


def proposed_of(session: Session, order_id: int) -> int:
    """The sum that is proposed of an order and has not left its accounts."""
    asked = text(
        "SELECT coalesce(sum(amount), 0)::bigint FROM refund WHERE order_id = :id AND state = 'PROPOSED'"
    )
    total: int = session.execute(asked, {"id": order_id}).scalar_one()
    return total


def proposed(session: Session, collection_id: int) -> int:
    """The sum that is proposed of one bank transaction."""
    asked = text(
        "SELECT coalesce(sum(amount), 0)::bigint FROM refund WHERE collection_id = :id AND state = 'PROPOSED'"
    )
    return int(session.execute(asked, {"id": collection_id}).scalar_one())


def claim_approved(session: Session, banks: Sequence[str]) -> int | None:
    """The key of one refund that is to be sent to one of these banks, locked; nobody else gets it. Of money that its
    bank has taken back, or contradicts itself about, nothing is sent: an officer must look."""
    key: int | None = session.scalar(_CLAIM_APPROVED, {"banks": list(banks)})
    return key


def claim_due(session: Session, now: datetime, leased_until: datetime, limit: int) -> Sequence[int]:
    """The keys of refunds that their banks are to be asked about now; nobody else gets them before ``leased_until``."""
    return session.scalars(_CLAIM_DUE, {"now": now, "leased_until": leased_until, "limit": limit}).all()


def escalate_overdue(
    session: Session, now: datetime, *, unanswered: datetime, unreturned: datetime
) -> Sequence[Mapping[Any, Any]]:
    """The refunds that lie before an officer from now on: sent, or to be sent, before ``unanswered`` and not answered,
    or accepted and sent before ``unreturned``."""
    asked = {"now": now, "unanswered": unanswered, "unreturned": unreturned}
    return session.execute(_OVERDUE, asked).mappings().all()


def with_excess(session: Session, since: datetime, after: int, limit: int) -> Sequence[tuple[int, str]]:
    """Where in the list, and which orders: those that may have too much, told since a moment, a page at a time."""
    asked = {"since": since, "after": after, "limit": limit, "hub": THE_HUB}
    return [(key, reference) for key, reference in session.execute(_EXCESS, asked)]


def seen_by(caller: Caller) -> dict[str, int | None]:
    """The limits within which a caller sees refunds: those of the orders that it sees."""
    portal = caller.portal_id if caller.role is Role.PORTAL else None
    return {"only_agency": visible_agency(caller), "only_portal": portal}


def _collected(row: Mapping[Any, Any]) -> Collected:
    reasons = {name: frozenset(row[name]) for name in ("live_reasons", "hub_reasons")}
    return Collected(**{**row, **reasons})


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
    AND (NOT :overdue OR r.escalated_at IS NOT NULL AND r.state NOT IN ('SUCCEEDED', 'FAILED', 'DECLINED'))
    AND (CAST(:agency AS text) IS NULL OR a.code = :agency)
    AND (CAST(:after AS bigint) IS NULL OR r.id < :after)
    ORDER BY r.id DESC LIMIT :limit"""
)


def refunds_of_order(session: Session, caller: Caller, order_id: int) -> list[RefundView]:
    """All refunds of an order that the caller sees, the latest first."""
    rows = session.execute(_OF_ORDER, {"order_id": order_id}).mappings()
    return [_view(row).seen_by(caller) for row in rows]


def list_refunds(session: Session, caller: Caller, **asked: Any) -> list[tuple[int, RefundView]]:
    """Refunds that the caller sees, newest first, each with its key."""
    rows = session.execute(_LIST, {**seen_by(caller), **asked}).mappings()
    return [(row["id"], _view(row).seen_by(caller)) for row in rows]


def refund_view(session: Session, caller: Caller, order_id: int, refund_id: str) -> RefundView:
    """One refund, which must be there, with everything that happened to it."""
    found = session.execute(_OF_ORDER, {"order_id": order_id}).mappings()
    row = next(row for row in found if row["refund_id"] == refund_id)
    return _view(row, _history(session, row["id"])).seen_by(caller)


def _history(session: Session, key: int) -> list[RefundHistory]:
    asked = select(RefundEventRecord).where(RefundEventRecord.refund_id == key).order_by(RefundEventRecord.id)
    return [
        RefundHistory(
            event=RefundEvent(told.event),
            state=RefundState(told.state),
            actor=told.actor,
            code=told.code,
            note=told.note,
            evidence=told.evidence,
            at=told.happened_at,
        )
        for told in session.scalars(asked)
    ]


def _view(row: Mapping[Any, Any], history: Sequence[RefundHistory] = ()) -> RefundView:
    by_itself = row["proposed_by"] == THE_HUB and row["state"] == RefundState.PROPOSED
    return RefundView(
        reference=row["reference"],
        refund_id=row["refund_id"],
        order_reference=row["order_reference"],
        agency=row["agency"],
        state=RefundState(row["state"]),
        route=Route(row["route"]),
        amount=Money(row["amount"], row["currency"]),
        reason=RefundReason(row["reason"]),
        note=row["note"],
        collection=RefundCollection(row["bank"], row["bank_transaction_id"]),
        bank_refund_id=row["bank_refund_id"],
        proposed_by=row["proposed_by"],
        approved_by=row["approved_by"],
        waits_for_statement=by_itself and not row["seen"] and not row["refund_unseen"],
        contradicted=row["contradicted"],
        payee=row["payee"] and Payee(**row["payee"]),
        proposed_at=row["proposed_at"],
        changed_at=row["changed_at"],
        escalated_at=row["escalated_at"],
        history=history,
    )
