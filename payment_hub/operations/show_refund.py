"""Show one refund with everything that happened to it."""

from __future__ import annotations

from payment_hub.domain.keys import Caller
from payment_hub.domain.references import parse_reference
from payment_hub.domain.refund_views import RefundView
from payment_hub.hub import Hub
from payment_hub.store import orders, refund_lists, refunds


def show_refund(hub: Hub, *, caller: Caller, reference: str, refund_id: str) -> RefundView:
    """The refund as the caller may see it. Raises MalformedReference, OrderNotFound, RefundNotFound."""
    with hub.transaction() as session:
        order_id = orders.find_row(session, parse_reference(reference), caller)["order_id"]
        refunds.require(session, order_id, refund_id)
        return refund_lists.one(session, caller, order_id, refund_id)
