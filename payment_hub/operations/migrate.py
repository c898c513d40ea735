"""Bring the database to the newest migration."""

from __future__ import annotations

from payment_hub.hub import Hub, unavailable_is_said
from payment_hub.store.schema import newest_revision, upgrade


def migrate(hub: Hub) -> str | None:
    """The revision that the database has now. Safe to run from several processes at once."""
    with unavailable_is_said():
        upgrade(hub.engine)
    return newest_revision()
