"""Payment orders: issue, cancel, expire, show and list them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from payment_hub.domain.access import Caller
from payment_hub.domain.effects import effects_of_issue
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
from payment_hub.domain.money import Money
from payment_hub.domain.obligations import Kind
from payment_hub.domain.orders import EventType, OrderedObligation, OrderStatus, OrderView, finished
from payment_hub.domain.paging import Page, cursor_of, read_cursor
from payment_hub.domain.references import CHANCE_BITS, new_reference, parse_reference
from payment_hub.domain.settlement import OrderRecord
from payment_hub.hub import Hub
from payment_hub.operations.payments.query import query_order
from payment_hub.store import orders
from payment_hub.store.connections import AlreadyClaimed
from payment_hub.store.order_writes import (
    ObligationSnapshot,
    PreviousAnswer,
    close_order,
    read_for_issue,
    write_issue,
)
from payment_hub.store.orders import order_view

#: Each lost race means that another request changed the obligation, and the next read shows the change.
TRIES = 100


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
            context = read_for_issue(connection, claim, agency=agency, obligation=obligation_reference)
            if context.previous is not None:
                return _previous_answer(context.previous, claim)
            now = hub.now()
            record = _new_order(
                hub, _payable(context.obligation), caller.portal_id, now, now + life, return_url
            )
            effects = effects_of_issue(record, now)
            # When the key, or the one open order of this obligation, was claimed meanwhile: read again.
            with suppress(AlreadyClaimed):
                body = write_issue(connection, record, effects, claim, now=now, key_expires_at=now + KEPT)
                if body is not None:
                    return Answered(201, body)
    raise HubUnavailable("too many changes of one obligation at once")


def _previous_answer(previous: PreviousAnswer, claim: Claim) -> Answered:
    if previous.request_sha256 != claim.request_sha256:
        raise IdempotencyConflict(claim.key)
    if previous.status is None or previous.body is None:
        raise RequestStillRunning(claim.key)
    return Answered(previous.status, previous.body, replayed=True)


def _payable(obligation: ObligationSnapshot | None) -> ObligationSnapshot:
    if obligation is None:
        raise ObligationNotFound("no such obligation")
    if obligation.withdrawn or obligation.settled:
        raise ObligationClosed("withdrawn" if obligation.withdrawn else "settled")
    if obligation.unsettled_order is not None:
        raise OpenOrderExists(obligation.unsettled_order)
    return obligation


def _new_order(
    hub: Hub,
    obligation: ObligationSnapshot,
    portal_id: int,
    now: datetime,
    expires_at: datetime,
    return_url: str | None,
) -> OrderRecord:
    reference = new_reference(now, secrets.randbits(CHANCE_BITS))
    nothing = Money(0, obligation.amount.currency)
    paid = obligation.amount == nothing
    status = OrderStatus.PAID if paid else OrderStatus.OPEN
    view = OrderView(
        reference=reference,
        version=2 if paid else 1,
        agency=obligation.agency,
        obligation=OrderedObligation(obligation.reference, obligation.version, Kind(obligation.kind)),
        status=status,
        flags=(),
        finished=finished(status, ()),
        required=obligation.amount,
        received=nothing,
        refunded=nothing,
        refundable=nothing,
        description=obligation.description,
        issued_at=now,
        expires_at=expires_at,
        cancelled_at=None,
        cancel_reason=None,
        expired_at=None,
        checkout_url=hub.checkout_url(reference),
        return_url=return_url,
        receipt=None,
    )
    return OrderRecord(
        id=obligation.next_order_id,
        obligation_id=obligation.id,
        agency_id=obligation.agency_id,
        portal_id=portal_id,
        row_version=obligation.row_version,
        receipt_template=obligation.receipt_template,
        receipt_series=obligation.receipt_series,
        view=view,
    )


def cancel_order(hub: Hub, *, caller: Caller, reference: str, reason: str, version: int) -> OrderView:
    """The cancelled order. A bank that has not reported the outcome of an attempt is queried first; money that still
    comes is kept and marked late.

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
    """How many orders expired. Each expires in its own transaction, so that a payment never waits for the others."""
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
    """The order. Raises MalformedReference, OrderNotFound."""
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
            after=read_cursor(after),
            limit=limit + 1,
        )
    views = tuple(order_view(row, hub.checkout_url(row["reference"])) for row in rows[:limit])
    return Page(views, cursor_of(rows[limit - 1]["order_id"]) if len(rows) > limit else None)
