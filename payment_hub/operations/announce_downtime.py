"""Announce a time in which a bank will be away: nothing is asked of it then, and nobody is sent there."""

from __future__ import annotations

from datetime import datetime

from payment_hub.domain.bank_health import BankOperation
from payment_hub.domain.errors import Malformed
from payment_hub.hub import Hub
from payment_hub.store.tables import BankDowntime


def announce_downtime(
    hub: Hub,
    *,
    bank: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    announced_by: str,
    operation: BankOperation | None = None,
) -> int:
    """The number of the downtime; without ``operation`` it is for everything.

    Raises BankNotFound; Malformed for one that is over or ends before it starts.
    """
    hub.adapter(bank)
    now = hub.now()
    if ends_at <= max(starts_at, now):
        raise Malformed("a downtime ends after it starts, and not in the past")
    with hub.transaction() as session:
        downtime = BankDowntime(
            bank=bank,
            operation=operation,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason,
            announced_by=announced_by,
            announced_at=now,
        )
        session.add(downtime)
        session.flush()
        number = downtime.id
    hub.memory.bank_states = None
    return number
