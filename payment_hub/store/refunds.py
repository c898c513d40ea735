"""Refunds and the money that they are of: what is on record, which are due, and how callers see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.errors import OrderNotFound, RefundNotFound
from payment_hub.domain.money import Money
from payment_hub.domain.refunds.eligibility import MAYBE_EXCESS, Collected, RefundContext, RefundRules
from payment_hub.domain.refunds.lifecycle import (
    BANK_REFUND_LIFE,
    ENDED,
    LIVE,
    NOT_CARRIED,
    QUERIED,
    REFUSALS,
    THE_HUB,
    RefundEvent,
    RefundReason,
    RefundState,
    Route,
)
from payment_hub.domain.refunds.views import Payee, RefundCollection, RefundHistory, RefundView
from payment_hub.domain.refunds.vouchers import VoucherFacts
from payment_hub.domain.settlement import Disposition, Verdict
from payment_hub.store import orders
from payment_hub.store.access import visible_agency
from payment_hub.store.confirmations import POSTED, order_snapshot
from payment_hub.store.order_writes import order_record, quoted
from payment_hub.store.orders import COLUMNS, JOINS
from payment_hub.store.tables import Refund, RefundEventRecord

_ORDER: Final = text(
    f"""SELECT {COLUMNS}, posted.payable, posted.overpayment, posted.suspense, a.refund_limit, a.refund_unseen,
    a.credited_after_days, a.voucher_form, a.tax_code, a.account_number AS agency_account, v.identifiers,
    v.account_number, v.account_bank, v.account_name, v.treasury_chapter, v.treasury_sub_item
FROM payment_order o {JOINS} {POSTED} WHERE o.reference = :reference"""
)

_COLLECTIONS: Final = text(
    f"""SELECT c.id AS key, c.bank, c.bank_transaction_id, c.amount, c.accepted, c.late, c.collected_at, c.day,
    paid.verdict, paid.payer, refunds.amount + chargebacks.amount AS gone,
    chargebacks.charged_back, chargebacks.excess,
    failed.refusals >= :refusals OR failed.not_carried AS not_carried,
    refunds.contradicted, refunds.live_reasons, refunds.hub_reasons,
    EXISTS (SELECT FROM statement_line l WHERE l.bank = c.bank AND l.bank_transaction_id = c.bank_transaction_id
        AND l.movement = 'CREDIT' AND l.amount = c.amount AND l.currency = c.currency) AS seen,
    coalesce(p.reference, o.reference) AS attempt_reference, coalesce(p.started_at, o.issued_at) AS started_at,
    p.bank_reference
FROM payment_order o
JOIN collection c ON c.order_id = o.id AND c.currency = o.currency
LEFT JOIN LATERAL (
    SELECT verdict, payer, attempt_id FROM confirmation f
    WHERE f.order_id = o.id AND f.bank = c.bank AND f.bank_transaction_id = c.bank_transaction_id
        AND f.disposition = {quoted(Disposition.APPLIED)} AND f.outcome = {quoted(Outcome.PAID)}
    ORDER BY f.verdict = {quoted(Verdict.NEEDS_INQUIRY)}, f.id LIMIT 1
) paid ON true
LEFT JOIN payment_attempt p ON p.id = paid.attempt_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(r.amount) FILTER (
            WHERE r.state NOT IN ({quoted(RefundState.FAILED, RefundState.DECLINED)})), 0)::bigint AS amount,
        coalesce(bool_or(r.contradicted), false) AS contradicted,
        coalesce(array_agg(r.reason) FILTER (WHERE r.state IN ({quoted(*LIVE)})), '{{}}') AS live_reasons,
        coalesce(array_agg(r.reason) FILTER (WHERE r.proposed_by = :hub), '{{}}') AS hub_reasons
    FROM refund r WHERE r.collection_id = c.id
) refunds
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.amount - k.excess), 0)::bigint AS amount, coalesce(sum(k.excess), 0)::bigint AS excess,
        count(*) > 0 AS charged_back
    FROM chargeback k WHERE k.order_id = o.id AND k.collection_id = c.id
) chargebacks
CROSS JOIN LATERAL (
    SELECT count(*) AS refusals, coalesce(bool_or(e.code LIKE :not_carried || '%'), false) AS not_carried
    FROM refund r JOIN refund_event e ON e.refund_id = r.id AND e.event = {quoted(RefundEvent.FAILED)}
        AND e.actor LIKE 'bank:%'
    WHERE r.collection_id = c.id AND r.route = {quoted(Route.BANK)} AND r.state = {quoted(RefundState.FAILED)}
) failed
WHERE o.id = :order_id ORDER BY c.id DESC"""
)

_CLAIM_APPROVED: Final = text(
    f"""SELECT r.id FROM refund r WHERE r.state IN ({quoted(*BANK_REFUND_LIFE.sources(RefundEvent.SUBMITTED))})
        AND r.route = {quoted(Route.BANK)} AND r.bank = ANY(:banks)
        AND NOT EXISTS (SELECT FROM chargeback k WHERE k.collection_id = r.collection_id)
        AND NOT EXISTS (SELECT FROM refund s WHERE s.collection_id = r.collection_id AND s.contradicted)
    ORDER BY r.id LIMIT 1 FOR UPDATE SKIP LOCKED"""
)

#: MATERIALIZED, because a subquery in FROM may run once for each row of the other side and would pass its limit.
_CLAIM_DUE: Final = text(
    f"""WITH due AS MATERIALIZED (
        SELECT id FROM refund WHERE state IN ({quoted(*QUERIED)}) AND query_at <= :now
        ORDER BY query_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE refund r SET queries = r.queries + 1, query_at = :leased_until FROM due
    WHERE r.id = due.id RETURNING r.id"""
)

_OVERDUE: Final = text(
    f"""UPDATE refund SET escalated_at = :now WHERE escalated_at IS NULL AND (
        state = {quoted(RefundState.UNKNOWN)} AND submitted_at <= :unanswered
        OR state = {quoted(RefundState.PENDING)} AND submitted_at <= :unreturned
        OR state = {quoted(RefundState.APPROVED)} AND route = {quoted(Route.BANK)} AND changed_at <= :unanswered)
    RETURNING reference, bank, state"""
)

#: Orders that may hold an excess of which the hub has proposed no refund yet, the oldest confirmation first.
_EXCESS: Final = text(
    f"""SELECT f.id, o.reference FROM confirmation f
    JOIN payment_order o ON o.id = f.order_id AND NOT o.conflict
    JOIN collection c ON c.bank = f.bank AND c.bank_transaction_id = f.bank_transaction_id
    WHERE f.verdict IN ({quoted(*MAYBE_EXCESS)}) AND f.disposition = {quoted(Disposition.APPLIED)}
        AND f.judged_at > :since AND f.id > :after
        AND NOT EXISTS (SELECT FROM refund r WHERE r.collection_id = c.id AND r.proposed_by = :hub)
    ORDER BY f.id LIMIT :limit"""
)


def lock_order(
    session: Session, reference: str, caller: Caller, checkout_url: Callable[[str], str]
) -> RefundContext:
    """The order with its money, locked, if the caller may see it. Raises OrderNotFound."""
    orders.find_row(session, reference, caller)
    orders.lock(session, reference)
    return refund_context(session, reference, checkout_url)


def refund_context(session: Session, reference: str, checkout_url: Callable[[str], str]) -> RefundContext:
    """The order with its money. Raises OrderNotFound."""
    row = session.execute(_ORDER, {"reference": reference}).mappings().one_or_none()
    if row is None:
        raise OrderNotFound(reference)
    params: dict[str, Any] = {
        "order_id": row["order_id"],
        "hub": THE_HUB,
        "refusals": REFUSALS,
        "not_carried": NOT_CARRIED,
    }
    return RefundContext(
        record=order_record(row, checkout_url),
        order=order_snapshot(row),
        collections=tuple(
            Collected(
                **{
                    **collection,
                    "live_reasons": frozenset(collection["live_reasons"]),
                    "hub_reasons": frozenset(collection["hub_reasons"]),
                }
            )
            for collection in session.execute(_COLLECTIONS, params).mappings()
        ),
        rules=RefundRules(row["refund_limit"], row["refund_unseen"], row["credited_after_days"]),
        withdrawn=row["withdrawn"],
        treasury=row["treasury_sub_item"] is not None,
        voucher=VoucherFacts(
            form=row["voucher_form"],
            agency_name=row["agency_name"],
            tax_code=row["tax_code"],
            payer_name=row["payer_name"],
            identifiers=row["identifiers"],
            account_number=row["account_number"],
            account_bank=row["account_bank"],
            account_name=row["account_name"],
            treasury_chapter=row["treasury_chapter"],
            treasury_sub_item=row["treasury_sub_item"],
        ),
    )


def find(session: Session, order_id: int, refund_id: str) -> Refund | None:
    """The refund with this id, if there is one."""
    if "\0" in refund_id:  # PostgreSQL refuses to compare with it
        return None
    return session.scalar(select(Refund).where(Refund.order_id == order_id, Refund.refund_id == refund_id))


def require(session: Session, order_id: int, refund_id: str) -> Refund:
    """The refund with this id. Raises RefundNotFound."""
    refund = find(session, order_id, refund_id)
    if refund is None:
        raise RefundNotFound(refund_id[:40])
    return refund


def lock(session: Session, refund: Refund) -> None:
    """Read the refund again and lock it: sending it takes no other lock than the refund's own."""
    session.refresh(refund, with_for_update=True)


def by_key(session: Session, key: int) -> Refund:
    """The refund with this key, which must exist, read again."""
    return session.scalars(
        select(Refund).where(Refund.id == key).execution_options(populate_existing=True)
    ).one()


def order_reference_of(session: Session, key: int) -> str:
    """The order of a refund."""
    query = text(
        "SELECT o.reference FROM refund r JOIN payment_order o ON o.id = r.order_id WHERE r.id = :key"
    )
    reference: str = session.execute(query, {"key": key}).scalar_one()
    return reference


def proposed_of_order(session: Session, order_id: int) -> int:
    """The sum that is proposed of an order and has not left its accounts."""
    return _proposed(session, Refund.order_id == order_id)


def proposed_of_collection(session: Session, collection_id: int) -> int:
    """The sum that is proposed of one bank transaction."""
    return _proposed(session, Refund.collection_id == collection_id)


def _proposed(session: Session, condition: ColumnElement[bool]) -> int:
    query = select(func.coalesce(func.sum(Refund.amount), 0)).where(
        condition, Refund.state == RefundState.PROPOSED
    )
    return int(session.execute(query).scalar_one())


def claim_approved(session: Session, banks: Sequence[str]) -> int | None:
    """The key of one refund that is to be sent to one of these banks, locked; no other process gets it.

    Nothing is sent of money that its bank has charged back, or contradicts itself about: an officer must look.
    """
    params = {"banks": list(banks)}
    key: int | None = session.scalar(_CLAIM_APPROVED, params)
    return key


def claim_due(session: Session, now: datetime, leased_until: datetime, limit: int) -> Sequence[int]:
    """The keys of refunds that their banks are to be queried about now; leased until ``leased_until``."""
    return session.scalars(_CLAIM_DUE, {"now": now, "leased_until": leased_until, "limit": limit}).all()


def escalate_overdue(
    session: Session, now: datetime, *, unanswered: datetime, unreturned: datetime
) -> Sequence[Mapping[Any, Any]]:
    """The refunds that are escalated to officers now: sent, or to be sent, before ``unanswered`` and not answered, or
    accepted and sent before ``unreturned``."""
    params = {"now": now, "unanswered": unanswered, "unreturned": unreturned}
    return session.execute(_OVERDUE, params).mappings().all()


def orders_with_excess(
    session: Session, since: datetime, after: int, limit: int
) -> Sequence[tuple[int, str]]:
    """A page of orders that may hold an excess since a moment: the place in the list, and the order's reference."""
    params = {"since": since, "after": after, "limit": limit, "hub": THE_HUB}
    return [(key, reference) for key, reference in session.execute(_EXCESS, params)]


def seen_by(caller: Caller) -> dict[str, int | None]:
    """The limits within which a caller sees refunds: those of the orders that it sees."""
    portal = caller.portal_id if caller.role is Role.PORTAL else None
    return {"only_agency": visible_agency(caller), "only_portal": portal}


_VIEW: Final = """SELECT r.*, o.reference AS order_reference, a.code AS agency, a.refund_unseen,
    c.bank_transaction_id,
    EXISTS (SELECT FROM statement_line l WHERE l.bank = c.bank AND l.bank_transaction_id = c.bank_transaction_id
        AND l.movement = 'CREDIT' AND l.amount = c.amount AND l.currency = c.currency) AS seen
FROM refund r
JOIN payment_order o ON o.id = r.order_id
JOIN agency a ON a.id = r.agency_id
JOIN collection c ON c.id = r.collection_id"""

_OF_ORDER: Final = text(f"{_VIEW} WHERE r.order_id = :order_id ORDER BY r.id DESC")

_LIST: Final = text(
    f"""{_VIEW} WHERE (CAST(:only_agency AS bigint) IS NULL OR r.agency_id = :only_agency)
    AND (CAST(:only_portal AS bigint) IS NULL OR o.portal_id = :only_portal)
    AND (CAST(:state AS text) IS NULL OR r.state = :state)
    AND (CAST(:route AS text) IS NULL OR r.route = :route)
    AND (NOT :overdue OR r.escalated_at IS NOT NULL AND r.state NOT IN ({quoted(*ENDED)}))
    AND (CAST(:agency AS text) IS NULL OR a.code = :agency)
    AND (CAST(:after AS bigint) IS NULL OR r.id < :after)
    ORDER BY r.id DESC LIMIT :limit"""
)


def refunds_of_order(session: Session, caller: Caller, order_id: int) -> list[RefundView]:
    """All refunds of an order that the caller sees, the latest first."""
    rows = session.execute(_OF_ORDER, {"order_id": order_id}).mappings()
    return [_view(row).seen_by(caller) for row in rows]


def list_refunds(
    session: Session,
    caller: Caller,
    *,
    state: RefundState | None,
    route: Route | None,
    agency: str | None,
    overdue: bool,
    after: int | None,
    limit: int,
) -> list[tuple[int, RefundView]]:
    """Refunds that the caller sees, newest first, each with its key."""
    params = {
        "state": state,
        "route": route,
        "agency": agency,
        "overdue": overdue,
        "after": after,
        "limit": limit,
    }
    rows = session.execute(_LIST, {**seen_by(caller), **params}).mappings()
    return [(row["id"], _view(row).seen_by(caller)) for row in rows]


def refund_view(session: Session, caller: Caller, order_id: int, refund_id: str) -> RefundView:
    """One refund, which must be there, with everything that happened to it."""
    rows = session.execute(_OF_ORDER, {"order_id": order_id}).mappings()
    row = next(row for row in rows if row["refund_id"] == refund_id)
    query = (
        select(RefundEventRecord)
        .where(RefundEventRecord.refund_id == row["id"])
        .order_by(RefundEventRecord.id)
    )
    history = [
        RefundHistory(
            event=RefundEvent(record.event),
            state=RefundState(record.state),
            actor=record.actor,
            code=record.code,
            note=record.note,
            evidence=record.evidence,
            at=record.happened_at,
        )
        for record in session.scalars(query)
    ]
    return _view(row, history).seen_by(caller)


def _view(row: Mapping[Any, Any], history: Sequence[RefundHistory] = ()) -> RefundView:
    by_the_hub = row["proposed_by"] == THE_HUB and row["state"] == RefundState.PROPOSED
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
        waits_for_statement=by_the_hub and not row["seen"] and not row["refund_unseen"],
        contradicted=row["contradicted"],
        payee=None if row["payee"] is None else Payee(**row["payee"]),
        proposed_at=row["proposed_at"],
        changed_at=row["changed_at"],
        escalated_at=row["escalated_at"],
        history=history,
    )
