"""Hear what the payer's browser brings back from a bank. It proves nothing, but it is time to ask the bank."""

from __future__ import annotations

from payment_hub.domain.bank_port import CanQuery, ReadsReturns
from payment_hub.domain.errors import CallbackRejected, Malformed, OrderNotFound
from payment_hub.domain.references import find_reference
from payment_hub.hub import Hub
from payment_hub.operations.ask_about_order import NOWHERE, ask_about_order
from payment_hub.store import orders


def hear_return(hub: Hub, *, bank: str, query: bytes) -> str | None:
    """The reference of the order of which the bank's signed words in ``query`` speak; None for anything else.

    The bank is asked at once, if it can be: so the page shows what is known when the payer is back, and never what a
    browser has said. Raises BankNotFound.
    """
    adapter = hub.adapter(bank)
    if not isinstance(adapter, ReadsReturns):
        return None
    try:
        said = adapter.read_return(query)
    except (CallbackRejected, Malformed):
        return None
    reference = find_reference(said.reference, hub.now())
    if reference is None or not _is_ours(hub, reference):
        return None
    if isinstance(adapter, CanQuery):
        ask_about_order(hub, reference=reference, leaving_for=NOWHERE)
    return reference


def _is_ours(hub: Hub, reference: str) -> bool:
    with hub.transaction() as session:
        try:
            orders.find_row(session, reference)
        except OrderNotFound:
            return False
    return True
