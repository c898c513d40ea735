"""List the attempts at paying an order."""

from __future__ import annotations

from payment_hub.domain.attempt_views import AttemptView
from payment_hub.domain.keys import Caller
from payment_hub.domain.references import parse_reference
from payment_hub.hub import Hub
from payment_hub.store import attempts, orders


def list_attempts(hub: Hub, *, caller: Caller, reference: str) -> list[AttemptView]:
    """All attempts, the latest first. Raises MalformedReference, OrderNotFound."""
    with hub.transaction() as session:
        row = orders.find_row(session, parse_reference(reference), caller)
        return [
            attempts.view(session, attempt, hub.promise_of(attempt.bank), hub.now())
            for attempt in attempts.of_order(session, row["order_id"])
        ]
