"""Send the notice of one event again."""

from __future__ import annotations

from payment_hub.domain.errors import EventNotFound
from payment_hub.domain.event_cursor import event_number
from payment_hub.domain.keys import Caller
from payment_hub.domain.notice_views import NoticeView
from payment_hub.hub import Hub
from payment_hub.store import notices
from payment_hub.store.events import seen_by
from payment_hub.store.tables import Event


def resend_notice(hub: Hub, *, caller: Caller, event_id: str) -> NoticeView:
    """Make it due now, with a fresh ladder; what was tried before stays on record.

    An event from before the portal had an address gets its first notice. Raises EventNotFound when the event
    is not the caller's, or its portal has no address for notices.
    """
    number = event_number(event_id)
    with hub.transaction() as session:
        notices.send_again(session, hub.now(), Event.id == number, *seen_by(caller))
        view = notices.find_view(session, caller, number)
    if view is None:
        raise EventNotFound(event_id)
    return view
