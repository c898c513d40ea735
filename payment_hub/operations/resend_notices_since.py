"""Send every notice again from a moment on, for a portal that lost some."""

from __future__ import annotations

from datetime import datetime

from payment_hub.domain.errors import Malformed
from payment_hub.domain.keys import Caller
from payment_hub.hub import Hub
from payment_hub.store import notices
from payment_hub.store.events import seen_by
from payment_hub.store.tables import Event


def resend_notices_since(hub: Hub, *, caller: Caller, since: datetime) -> int:
    """Make the notices of all the caller's events since then due now, with fresh ladders; how many.

    Raises Malformed for a moment without a zone.
    """
    if since.tzinfo is None:
        raise Malformed("the moment needs a zone", pointers={"/since": "has no zone"})
    with hub.transaction() as session:
        return notices.send_again(session, hub.now(), Event.occurred_at >= since, *seen_by(caller))
