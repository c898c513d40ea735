"""Show one payment order."""

from __future__ import annotations

from payment_hub.domain.keys import Caller
from payment_hub.domain.references import parse_reference
from payment_hub.domain.views import OrderView
from payment_hub.hub import Hub
from payment_hub.store import orders
from payment_hub.store.order_rows import order_view


def show_order(hub: Hub, *, caller: Caller, reference: str) -> OrderView:
    """The order as it stands now. Raises MalformedReference, OrderNotFound."""
    with hub.transaction() as session:
        row = orders.find_row(session, parse_reference(reference), caller)
    return order_view(row, hub.checkout_url(row["reference"]))
