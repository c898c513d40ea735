"""Read how all banks stand: from memory when that is fresh, so that no payment waits for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from payment_hub.domain.bank_health import BankStates
from payment_hub.hub import Hub
from payment_hub.store import bank_states

#: What another process has learned is known here after this time at the latest.
FRESH: Final = timedelta(seconds=1)


def read_bank_states(hub: Hub) -> BankStates:
    """Breakers and announced downtimes of all banks. Not to be asked inside a transaction: it may open its own."""
    known, now = hub.memory.bank_states, hub.now()
    if known is not None and timedelta(0) <= now - known.read_at < FRESH:
        return known
    with hub.transaction() as session:
        states = bank_states.read(session, now)
    hub.memory.bank_states = states
    return states
