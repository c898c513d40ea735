"""Show how every enabled bank answers, for each thing that it is asked for."""

from __future__ import annotations

from payment_hub.domain.bank_health import BankOperation
from payment_hub.domain.outcome_views import HealthView
from payment_hub.hub import Hub
from payment_hub.store import bank_states


def show_bank_health(hub: Hub) -> list[HealthView]:
    """Every breaker of every enabled bank, as the database has it now."""
    now = hub.now()
    with hub.transaction() as session:
        states = bank_states.read(session, now)
    return [
        HealthView(bank, operation, states.of(bank, operation), states.away_until(bank, operation, now))
        for bank in sorted(hub.adapters)
        for operation in BankOperation
    ]
