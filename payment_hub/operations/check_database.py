"""Whether the database answers and has the form that this code needs."""

from __future__ import annotations

from functools import cache

from payment_hub.domain.errors import HubUnavailable
from payment_hub.hub import Hub
from payment_hub.store.schema import newest_revision, revision_of

_needed = cache(newest_revision)


def check_database(hub: Hub) -> None:
    """Raises HubUnavailable when the database cannot be reached, or lacks the newest migration."""
    with hub.transaction() as session:
        found = revision_of(session.connection())
    if found != _needed():
        raise HubUnavailable("the database lacks the newest migration")
