"""Issue a payment order: promise that one obligation can be paid until a deadline.

Withdraw a payment order: it is not offered any more.

Expire the orders whose deadline has passed.

Show one payment order.

List payment orders, newest first.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from payment_hub.domain.access import Caller
from payment_hub.domain.calendar import business_day
from payment_hub.domain.errors import (
    Forbidden,
    HubUnavailable,
    IdempotencyConflict,
    ObligationClosed,
    ObligationNotFound,
    OpenOrderExists,
    OrderClosed,
    RequestStillRunning,
    StaleVersion,
)
from payment_hub.domain.idempotency import KEPT, Answered, Claim
from payment_hub.domain.orders import EventType, OrderStatus, OrderView
from payment_hub.domain.paging import Page, cursor_of, key_of
from payment_hub.domain.receipts import yearly_series
from payment_hub.domain.references import CHANCE_BITS, new_reference, parse_reference
from payment_hub.domain.wire import to_wire
from payment_hub.hub import DriverConnection, Hub
from payment_hub.operations.payments.query import query_order
from payment_hub.store import orders
from payment_hub.store.connections import AlreadyClaimed
from payment_hub.store.order_writes import close_order, read_for_issue, write_issue
from payment_hub.store.orders import order_view

TRIES = 100
"""Each lost race means that somebody else changed the obligation, which shows at the next reading."""


def issue_payment_order(
    hub: Hub,
    *,
    caller: Caller,
    agency: str,
    obligation_reference: str,
    minutes: int | None,
    return_url: str | None,
    claim: Claim,
) -> Answered:
    """The answer (201 and the order), stored with the order in one commit and given again for the same key.

    Raises IdempotencyConflict, RequestStillRunning, ObligationNotFound, ObligationClosed, OpenOrderExists (with the
    open order's reference as detail), HubUnavailable.
    """
    if caller.portal_id is None:
        raise Forbidden("only a portal issues payment orders")
    life = hub.settings.order_life if minutes is None else timedelta(minutes=minutes)
    with hub.autocommit() as connection:
        for _ in range(TRIES):
            known = read_for_issue(
                connection, caller=claim.caller, key=claim.key, agency=agency, obligation=obligation_reference
            )
            if known["request_sha256"] is not None:
                return _earlier_answer(known, claim)
            _refuse_closed(known)
            facts = _facts(hub, known, caller.portal_id, life, return_url)
            body = _write(connection, facts, claim)
            if body is not None:
                return Answered(201, body)
    raise HubUnavailable("too many changes of one obligation at once")


def _earlier_answer(known: Mapping[str, Any], claim: Claim) -> Answered:
    if known["request_sha256"] != claim.request_sha256:
        raise IdempotencyConflict(claim.key)
    if known["answered_status"] is None:
        raise RequestStillRunning(claim.key)
    return Answered(known["answered_status"], known["answered_body"], replayed=True)


def _refuse_closed(known: Mapping[str, Any]) -> None:
    if known["obligation_id"] is None:
        raise ObligationNotFound("no such obligation")
    if known["withdrawn"] or known["settled_by"] is not None:
        raise ObligationClosed("withdrawn" if known["withdrawn"] else "settled")
    if known["unsettled"] is not None:
        raise OpenOrderExists(known["unsettled"])


def _facts(
    hub: Hub, known: Mapping[str, Any], portal_id: int, life: timedelta, return_url: str | None
) -> dict[str, Any]:
    """Everything that the statement writes."""
    now = hub.now()
    zero = known["amount"] == 0
    types = [EventType.ISSUED, EventType.PAID] if zero else [EventType.ISSUED]
    facts = {
        **{
            name: known[name]
            for name in ("order_id", "obligation_id", "obligation_version", "agency_id", "row_version")
        },
        "reference": new_reference(now, secrets.randbits(CHANCE_BITS)),
        "portal_id": portal_id,
        "required": known["amount"],
        "order_currency": known["currency"],
        "return_url": return_url,
        "now": now,
        "expires_at": now + life,
        "types": types,
        "first_sequence": 1,
        "receipt": zero,
        "template": known["receipt_template"],
        "series": yearly_series(known["receipt_series"], business_day(now).year),
        "paid_in": known["amount"],
        "day": business_day(now),
        "key_expires_at": now + KEPT,
    }
    facts["data"] = json.dumps(_view(hub, known, facts, now), ensure_ascii=False, separators=(",", ":"))
    return facts


def _view(hub: Hub, known: Mapping[str, Any], facts: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    reference = facts["reference"]
    fresh = {
        "sequence": len(facts["types"]),
        "currency": known["currency"],
        "received": 0,
        "refunded": 0,
        "late": False,
        "conflict": False,
        "held": False,
        "issued_at": now,
        "cancelled_at": None,
        "cancel_reason": None,
        "expired_at": None,
        "receipt_serial": None,
    }
    return to_wire(order_view({**known, **facts, **fresh}, hub.checkout_url(reference)))


def _write(connection: DriverConnection, facts: dict[str, Any], claim: Claim) -> str | None:
    key = {"caller": claim.caller, "key": claim.key, "request_sha256": claim.request_sha256}
    try:
        return write_issue(connection, facts | key)
    except AlreadyClaimed:
        # The key, or the one open order of this obligation, was claimed since we looked: look again.
        return None


def cancel_order(hub: Hub, *, caller: Caller, reference: str, reason: str, version: int) -> OrderView:
    """The cancelled order. A bank that has not told the outcome of an attempt is asked first; money that still comes is
    kept and marked late.

    Raises MalformedReference, OrderNotFound, StaleVersion, OrderClosed.
    """
    plain = parse_reference(reference)
    with hub.transaction() as session:
        _refuse(orders.find_row(session, plain, caller), version)
    query_order(hub, reference=plain)
    with hub.transaction() as session:
        orders.lock(session, plain)
        row = orders.find_row(session, plain, caller)
        _refuse(row, version)
        close_order(session, row, EventType.CANCELLED, hub.now(), hub.checkout_url, reason=reason)
        closed = orders.find_row(session, plain, caller)
    return order_view(closed, hub.checkout_url(plain))


def _refuse(row: Mapping[Any, Any], version: int) -> None:
    if row["sequence"] != version:
        raise StaleVersion(f"the version is {row['sequence']} now")
    if row["status"] != OrderStatus.OPEN:
        raise OrderClosed(f"the order is {row['status']}")


BATCH = 200


def expire_orders(hub: Hub) -> int:
    """How many were expired. Each in its own transaction, so that a payment never waits for the others."""
    now = hub.now()
    with hub.transaction() as session:
        due = orders.due_references(session, now, BATCH)
    return sum(_expire(hub, reference) for reference in due)


def _expire(hub: Hub, reference: str) -> bool:
    with hub.transaction() as session:
        orders.lock(session, reference)
        row = orders.find_row(session, reference)
        if row["status"] != OrderStatus.OPEN or row["expires_at"] > hub.now():
            return False
        close_order(session, row, EventType.EXPIRED, hub.now(), hub.checkout_url)
        return True


def show_order(hub: Hub, *, caller: Caller, reference: str) -> OrderView:
    """The order as it stands now. Raises MalformedReference, OrderNotFound."""
    with hub.transaction() as session:
        row = orders.find_row(session, parse_reference(reference), caller)
    return order_view(row, hub.checkout_url(row["reference"]))


def list_orders(
    hub: Hub,
    *,
    caller: Caller,
    status: str | None = None,
    agency: str | None = None,
    obligation: str | None = None,
    issued_from: datetime | None = None,
    issued_to: datetime | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[OrderView]:
    """A page of what the caller may see; the order is stable while others issue. Raises Malformed for a cursor."""
    with hub.transaction() as session:
        rows = orders.list_rows(
            session,
            caller,
            status=status,
            agency=agency,
            obligation=obligation,
            issued_from=issued_from,
            issued_to=issued_to,
            after=key_of(after),
            limit=limit + 1,
        )
    views = tuple(order_view(row, hub.checkout_url(row["reference"])) for row in rows[:limit])
    return Page(views, cursor_of(rows[limit - 1]["order_id"]) if len(rows) > limit else None)
