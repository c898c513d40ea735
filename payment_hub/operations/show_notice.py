"""Show where the notice of one event stands."""

from __future__ import annotations

from payment_hub.domain.errors import EventNotFound
from payment_hub.domain.event_cursor import event_number
from payment_hub.domain.keys import Caller
from payment_hub.domain.notice_views import NoticeView
from payment_hub.hub import Hub
from payment_hub.store import notices


def show_notice(hub: Hub, *, caller: Caller, event_id: str) -> NoticeView:
    """The notice with every attempt. Raises EventNotFound when there is none, or it is not the caller's."""
    with hub.transaction() as session:
        view = notices.find_view(session, caller, event_number(event_id))
    if view is None:
        raise EventNotFound(event_id[:40])
    return view
