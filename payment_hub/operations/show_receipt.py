"""Show the receipt of a settled order."""

from __future__ import annotations

from payment_hub.domain.errors import ReceiptNotFound
from payment_hub.domain.keys import Caller
from payment_hub.domain.references import parse_reference
from payment_hub.domain.views import ReceiptView
from payment_hub.hub import Hub
from payment_hub.store import orders, receipts


def show_receipt(hub: Hub, *, caller: Caller, reference: str) -> ReceiptView:
    """The receipt of an order. Raises MalformedReference, OrderNotFound, ReceiptNotFound while it is not settled."""
    with hub.transaction() as session:
        row = orders.find_row(session, parse_reference(reference), caller)
        receipt = receipts.of_order(session, row["order_id"])
    if receipt is None:
        raise ReceiptNotFound(f"the order is {row['status']}")
    return receipt
