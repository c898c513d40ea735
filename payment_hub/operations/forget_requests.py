"""Remove answers that were kept long enough."""

from __future__ import annotations

from payment_hub.hub import Hub
from payment_hub.store import requests


def forget_requests(hub: Hub) -> int:
    """Remove every answer whose time is over; how many that were."""
    with hub.transaction() as session:
        return requests.forget_expired(session, hub.now())
