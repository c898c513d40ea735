"""Add a portal that issues orders for citizens."""

from __future__ import annotations

from payment_hub.domain.errors import Conflict
from payment_hub.domain.notice_address import NoticePolicy, read_notice_url
from payment_hub.hub import Hub
from payment_hub.store.parties import find_portal
from payment_hub.store.tables import Portal


def add_portal(hub: Hub, *, code: str, name: str, notice_url: str | None = None) -> int:
    """The key of the new portal. Raises Conflict for a code that is taken, Malformed for a bad URL."""
    if notice_url is not None:
        read_notice_url(notice_url, NoticePolicy(hub.allow_loopback_notices, hub.notice_hosts))
    with hub.transaction() as session:
        if find_portal(session, code) is not None:
            raise Conflict(f"portal {code} exists")
        portal = Portal(code=code, name=name, notice_url=notice_url, created_at=hub.now())
        session.add(portal)
        session.flush()
        return portal.id
