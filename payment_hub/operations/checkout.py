"""The citizen's checkout page, and the return of the payer's browser from a bank."""

from __future__ import annotations

from payment_hub.domain.banks.port import CanQuery, ReadsReturns
from payment_hub.domain.checkout import CheckoutView
from payment_hub.domain.errors import CallbackRejected, Malformed, OrderNotFound
from payment_hub.domain.references import find_reference
from payment_hub.domain.routing import options
from payment_hub.hub import Hub
from payment_hub.operations.banks import read_bank_states
from payment_hub.operations.payments.query import NOWHERE, query_order
from payment_hub.operations.routing import read_routing_facts
from payment_hub.store import obligations, orders, payments, receipts
from payment_hub.store.orders import order_view


def show_checkout(hub: Hub, *, token: str) -> CheckoutView:
    """The content of the citizen's page, for every holder of its token. Raises OrderNotFound."""
    reference = hub.signer.reference_of(token)
    if reference is None:
        raise OrderNotFound("no such page")
    states = read_bank_states(hub)
    with hub.transaction() as session:
        row = orders.find_row(session, reference)
        attempts = payments.attempts_of_order(session, row["order_id"])
        facts = read_routing_facts(hub, order=row, attempts=attempts, preference=(), states=states)
        shown = next(filter(None, [payments.undecided(attempts), *attempts]), None)
        return CheckoutView(
            order=order_view(row, hub.checkout_url(reference)),
            obligation=obligations.view_for_citizen(session, row["agency"], row["obligation_reference"]),
            offers=tuple(option for option in options(facts) if option.offered),
            attempt=None
            if shown is None
            else payments.attempt_view(session, shown, hub.expectation_of(shown.bank), hub.now()),
            receipt=receipts.of_order(session, row["order_id"]),
            now=hub.now(),
        )


def handle_return(hub: Hub, *, bank: str, query: bytes) -> str | None:
    """The reference of the order in the bank's signed ``query``; None for anything else.

    The return proves nothing, but the bank is queried at once, if it can be: the page shows the bank's answer and never
    the browser's message. Raises BankNotFound.
    """
    adapter = hub.adapter(bank)
    if not isinstance(adapter, ReadsReturns):
        return None
    try:
        confirmation = adapter.read_return(query)
    except (CallbackRejected, Malformed):
        return None
    reference = find_reference(confirmation.reference, hub.now())
    if reference is None or not _is_ours(hub, reference):
        return None
    if isinstance(adapter, CanQuery):
        query_order(hub, reference=reference, leaving_for=NOWHERE)
    return reference


def _is_ours(hub: Hub, reference: str) -> bool:
    with hub.transaction() as session:
        try:
            orders.find_row(session, reference)
        except OrderNotFound:
            return False
    return True
