"""Read the feed of events, for a portal or an agency that missed some."""

from __future__ import annotations

from payment_hub.domain.event_cursor import EventCursor
from payment_hub.domain.keys import Caller
from payment_hub.domain.notice_views import EventView
from payment_hub.domain.pages import Page
from payment_hub.hub import Hub
from payment_hub.store import events


def list_events(hub: Hub, *, caller: Caller, after: str | None = None, limit: int = 100) -> Page[EventView]:
    """The caller's events after a cursor, oldest first, at most ``limit``.

    ``next_cursor`` is where to go on, also when nothing new is there yet; only a feed that never had an event
    has none. No event is ever missed by going on from there, however late its transaction commits; the price
    is that an event appears once every transaction begun before its own has ended. Raises Malformed for a
    cursor that is not ours.
    """
    place = None if after is None else EventCursor.parse(after)
    with hub.transaction() as session:
        found = events.feed(session, caller, place, limit)
    return Page(tuple(found), found[-1].cursor if found else after)
