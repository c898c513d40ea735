"""Show refunds: lists, one with its history, what can still be refunded of an order, and the paper of a refund."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.errors import Forbidden, RefundNotFound
from payment_hub.domain.money import Money
from payment_hub.domain.paging import Page, cursor_of, read_cursor
from payment_hub.domain.references import parse_reference
from payment_hub.domain.refunds.eligibility import why_blocked
from payment_hub.domain.refunds.lifecycle import RefundState, Route
from payment_hub.domain.refunds.views import OrderRefundsView, RefundableView, RefundView
from payment_hub.hub import Hub
from payment_hub.store import orders, refunds


def list_refunds(
    hub: Hub,
    *,
    caller: Caller,
    state: RefundState | None = None,
    route: Route | None = None,
    agency: str | None = None,
    overdue: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> Page[RefundView]:
    """A page of what the caller may see, newest first; with ``overdue`` only refunds escalated to officers.

    Raises Malformed for a cursor.
    """
    with hub.transaction() as session:
        rows = refunds.list_refunds(
            session,
            caller,
            state=state,
            route=route,
            agency=agency,
            overdue=overdue,
            after=read_cursor(after),
            limit=limit + 1,
        )
    views = tuple(view for _, view in rows[:limit])
    return Page(views, cursor_of(rows[limit - 1][0]) if len(rows) > limit else None)


def list_order_refunds(hub: Hub, *, caller: Caller, reference: str) -> OrderRefundsView:
    """All of them, the latest first. Raises MalformedReference, OrderNotFound."""
    plain = parse_reference(reference)
    with hub.transaction() as session:
        order_id = orders.find_row(session, plain, caller)["order_id"]
        context = refunds.refund_context(session, plain, hub.checkout_url)
        items = refunds.refunds_of_order(session, caller, order_id)
    currency = context.order.currency
    collections = [
        RefundableView(
            bank=collection.bank,
            bank_transaction_id=collection.bank_transaction_id,
            amount=Money(collection.amount, currency),
            refundable=Money(max(collection.remaining, 0), currency),
            blocked=why_blocked(collection),
            seen_in_statement=collection.seen,
            collected_at=collection.collected_at,
        )
        for collection in context.collections
    ]
    return OrderRefundsView(Money(context.order.refundable, currency), collections, items)


def show_refund(hub: Hub, *, caller: Caller, reference: str, refund_id: str) -> RefundView:
    """The refund as the caller may see it. Raises MalformedReference, OrderNotFound, RefundNotFound."""
    with hub.transaction() as session:
        order_id = orders.find_row(session, parse_reference(reference), caller)["order_id"]
        refunds.require(session, order_id, refund_id)
        return refunds.refund_view(session, caller, order_id, refund_id)


def show_voucher(hub: Hub, *, caller: Caller, reference: str, refund_id: str) -> Mapping[str, Any]:
    """The paper as it was approved. Raises MalformedReference, OrderNotFound; RefundNotFound when there is no paper;
    Forbidden for a portal: it carries the payer's account."""
    if caller.role is Role.PORTAL:
        raise Forbidden("a portal has no part in vouchers")
    with hub.transaction() as session:
        order_id = orders.find_row(session, parse_reference(reference), caller)["order_id"]
        voucher = refunds.require(session, order_id, refund_id).voucher
    if voucher is None:
        raise RefundNotFound("it goes through a bank, or is not approved yet: there is no paper")
    return voucher
