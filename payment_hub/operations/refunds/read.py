"""List refunds, newest first: what waits for whom.

List the refunds of an order, and what can still be given back of each of its payments.

Show one refund with everything that happened to it.

Show the paper of a refund that goes by no bank's message: the Treasury's voucher, or a transfer order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.errors import Forbidden, RefundNotFound
from payment_hub.domain.money import Money
from payment_hub.domain.paging import Page, cursor_of, key_of
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
    """A page of what the caller may see; with ``overdue`` those alone that lie before an officer. Raises Malformed."""
    asked = {"state": state, "route": route, "agency": agency, "overdue": overdue, "after": key_of(after)}
    with hub.transaction() as session:
        found = refunds.list_refunds(session, caller, limit=limit + 1, **asked)
    views = tuple(view for _, view in found[:limit])
    return Page(views, cursor_of(found[limit - 1][0]) if len(found) > limit else None)


def list_order_refunds(hub: Hub, *, caller: Caller, reference: str) -> OrderRefundsView:
    """All of them, the latest first. Raises MalformedReference, OrderNotFound."""
    plain = parse_reference(reference)
    with hub.transaction() as session:
        order_id = orders.find_row(session, plain, caller)["order_id"]
        known = refunds.refund_context(session, plain)
        items = refunds.refunds_of_order(session, caller, order_id)
    currency = known.row["currency"]
    collections = [
        RefundableView(
            bank=one.bank,
            bank_transaction_id=one.bank_transaction_id,
            amount=Money(one.amount, currency),
            refundable=Money(max(one.left, 0), currency),
            blocked=why_blocked(one),
            seen_in_statement=one.seen,
            collected_at=one.collected_at,
        )
        for one in known.money
    ]
    return OrderRefundsView(Money(known.refundable, currency), collections, items)


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
