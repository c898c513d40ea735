"""Read until when a bank is left alone, so that what waits for it is put off no longer than it rests."""

from __future__ import annotations

from datetime import datetime

from payment_hub.domain.bank_health import BankOperation, HealthState
from payment_hub.hub import Hub
from payment_hub.operations.read_bank_states import read_bank_states


def read_rest(hub: Hub, *, bank: str, operation: BankOperation) -> datetime | None:
    """Until when there is no use in asking it; None while somebody may, or is just finding out."""
    states, now = read_bank_states(hub), hub.now()
    health, patience = states.of(bank, operation), hub.terms_of(bank).patience
    resting = health.state is HealthState.OPEN and not health.may_probe(now, patience)
    found = [states.away_until(bank, operation, now), health.resting_until(patience) if resting else None]
    return max((moment for moment in found if moment is not None), default=None)
