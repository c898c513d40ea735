"""List when each bank last signed with which of its keys: a key before may go when nobody signs with it any more."""

from __future__ import annotations

from payment_hub.domain.outcome_views import KeyUse
from payment_hub.hub import Hub
from payment_hub.store import outcomes


def list_key_uses(hub: Hub) -> list[KeyUse]:
    """The last use of the current key, among the latest messages, and of the one before, for every enabled bank."""
    with hub.transaction() as session:
        return [KeyUse(bank, **outcomes.key_use(session, bank)) for bank in sorted(hub.adapters)]
