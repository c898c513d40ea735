"""List the refunds of an order, and what can still be given back of each of its payments."""

from __future__ import annotations

from payment_hub.domain.keys import Caller
from payment_hub.domain.money import Money
from payment_hub.domain.references import parse_reference
from payment_hub.domain.refund_views import OrderRefundsView, RefundableView
from payment_hub.domain.refundable import why_blocked
from payment_hub.hub import Hub
from payment_hub.store import orders, refund_lists, refunds


def list_order_refunds(hub: Hub, *, caller: Caller, reference: str) -> OrderRefundsView:
    """All of them, the latest first. Raises MalformedReference, OrderNotFound."""
    plain = parse_reference(reference)
    with hub.transaction() as session:
        order_id = orders.find_row(session, plain, caller)["order_id"]
        known = refunds.order_money(session, plain)
        items = refund_lists.of_order(session, caller, order_id)
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
