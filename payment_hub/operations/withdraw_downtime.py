"""Withdraw an announced downtime: the bank is back earlier, or never went away."""

from __future__ import annotations

from payment_hub.domain.errors import NotFound
from payment_hub.hub import Hub
from payment_hub.store import bank_states


def withdraw_downtime(hub: Hub, *, number: int, withdrawn_by: str) -> None:
    """End it now. Raises NotFound when there is none, it is over, or it was withdrawn before."""
    with hub.transaction() as session:
        if not bank_states.withdraw_downtime(session, number, withdrawn_by, hub.now()):
            raise NotFound(f"downtime {number}")
    hub.memory.bank_states = None
