"""End a key's life. It opens nothing more within seconds: doors remember a caller for at most five."""

from __future__ import annotations

from payment_hub.domain.errors import KeyNotFound
from payment_hub.hub import Hub
from payment_hub.store import keys


def revoke_key(hub: Hub, *, lookup: str) -> None:
    """Revoke the key with this public half; revoking twice changes nothing. Raises KeyNotFound."""
    with hub.transaction() as session:
        if not keys.revoke(session, lookup, hub.now()) and keys.find(session, lookup) is None:
            raise KeyNotFound(lookup[:40])
