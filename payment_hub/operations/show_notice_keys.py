"""Show what a portal needs to verify notices, to hand it over."""

from __future__ import annotations

from payment_hub.domain.errors import NotFound
from payment_hub.domain.notice_views import NoticeKeys
from payment_hub.hub import Hub
from payment_hub.store.parties import find_portal


def show_notice_keys(hub: Hub, *, portal: str) -> NoticeKeys:
    """The portal's present keys. Raises NotFound."""
    with hub.transaction() as session:
        found = find_portal(session, portal)
        if found is None:
            raise NotFound(f"portal {portal[:40]}")
        return hub.signer.notice_keys(portal, found.notice_key_version)
