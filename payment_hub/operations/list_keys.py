"""Every API key with its last use, so that a forgotten one can be found and revoked."""

from __future__ import annotations

from payment_hub.domain.keys import KeyView, Role
from payment_hub.hub import Hub
from payment_hub.store import keys


def list_keys(hub: Hub) -> list[KeyView]:
    """Every key that was ever made, oldest first, without anything secret."""
    with hub.transaction() as session:
        return [
            KeyView(
                lookup=found.lookup,
                role=Role(found.role),
                holder=found.holder,
                agency=found.agency_code,
                portal=found.portal_code,
                scopes=tuple(found.scopes),
                created_at=found.created_at,
                expires_at=found.expires_at,
                revoked_at=found.revoked_at,
                last_used_at=found.last_used_at,
            )
            for found in keys.every(session)
        ]
