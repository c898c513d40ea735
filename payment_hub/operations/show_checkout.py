"""Show a citizen what is owed, how to pay it, and what became of it."""

from __future__ import annotations

from payment_hub.domain.bank_choice import options
from payment_hub.domain.checkout import CheckoutView
from payment_hub.domain.errors import OrderNotFound
from payment_hub.hub import Hub
from payment_hub.operations.read_bank_states import read_bank_states
from payment_hub.operations.weigh_banks import weigh_banks
from payment_hub.store import attempts, obligations, orders, receipts
from payment_hub.store.order_rows import order_view


def show_checkout(hub: Hub, *, token: str) -> CheckoutView:
    """Everything on the citizen's page. Whoever has the token may see it. Raises OrderNotFound."""
    reference = hub.signer.reference_of(token)
    if reference is None:
        raise OrderNotFound("no such page")
    states = read_bank_states(hub)
    with hub.transaction() as session:
        row = orders.find_row(session, reference)
        tried = attempts.of_order(session, row["order_id"])
        facts = weigh_banks(hub, order=row, tried=tried, preference=(), states=states)
        shown = next(filter(None, [attempts.undecided(tried), *tried]), None)
        return CheckoutView(
            order=order_view(row, hub.checkout_url(reference)),
            obligation=obligations.view_for_citizen(session, row["agency"], row["obligation_reference"]),
            offers=tuple(option for option in options(facts) if option.offered),
            attempt=None
            if shown is None
            else attempts.view(session, shown, hub.promise_of(shown.bank), hub.now()),
            receipt=receipts.of_order(session, row["order_id"]),
            now=hub.now(),
        )
