"""Show a citizen what is owed, how to pay it, and what became of it."""

from __future__ import annotations

from payment_hub.domain.checkout import CheckoutView
from payment_hub.domain.errors import OrderNotFound
from payment_hub.hub import Hub
from payment_hub.store import attempts, obligations, orders, receipts
from payment_hub.store.order_rows import order_view


def show_checkout(hub: Hub, *, token: str) -> CheckoutView:
    """Everything on the citizen's page. Whoever has the token may see it. Raises OrderNotFound."""
    reference = hub.signer.reference_of(token)
    if reference is None:
        raise OrderNotFound("no such page")
    with hub.transaction() as session:
        row = orders.find_row(session, reference)
        tried = attempts.of_order(session, row["order_id"])
        return CheckoutView(
            order=order_view(row, hub.checkout_url(reference)),
            obligation=obligations.view_for_citizen(session, row["agency"], row["obligation_reference"]),
            banks=tuple(hub.adapters),
            attempt=attempts.view(session, tried[0]) if tried else None,
            receipt=receipts.of_order(session, row["order_id"]),
            now=hub.now(),
        )
