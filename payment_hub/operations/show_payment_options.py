"""Show every bank for one order, offered or not and why, and which one would be chosen."""

from __future__ import annotations

from payment_hub.domain.attempt_views import OptionsView
from payment_hub.domain.bank_choice import choose_bank, options
from payment_hub.domain.keys import Caller
from payment_hub.domain.references import parse_reference
from payment_hub.hub import Hub
from payment_hub.operations.read_bank_states import read_bank_states
from payment_hub.operations.weigh_banks import weigh_banks
from payment_hub.store import attempts, orders


def show_payment_options(hub: Hub, *, caller: Caller, reference: str) -> OptionsView:
    """All enabled banks as they stand for this order now. Raises MalformedReference, OrderNotFound."""
    plain = parse_reference(reference)
    states = read_bank_states(hub)
    with hub.transaction() as session:
        row = orders.find_row(session, plain, caller)
        facts = weigh_banks(
            hub,
            order=row,
            tried=attempts.of_order(session, row["order_id"]),
            preference=attempts.preference_of(session, row["agency_id"]),
            states=states,
        )
    return OptionsView(plain, facts, options(facts), choose_bank(facts))
