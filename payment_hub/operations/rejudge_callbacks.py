"""Judge the callbacks that were stored but never judged, because a process died in between."""

from __future__ import annotations

from datetime import timedelta

from payment_hub.domain.standing import Source
from payment_hub.hub import Hub
from payment_hub.operations.receive_confirmation import receive_confirmation
from payment_hub.store.unjudged import unjudged

BATCH = 100
IN_HAND = timedelta(seconds=30)
"""A younger callback is probably just being judged."""
LOOKED_BACK = timedelta(days=8)
RECENT = timedelta(hours=1)
"""How far the frequent look goes back; the hourly one goes further, for a time without workers."""


def rejudge_callbacks(hub: Hub, *, looked_back: timedelta = LOOKED_BACK) -> int:
    """How many were judged now. Each as of the moment when it came; it was verified then."""
    now, judged, after = hub.now(), 0, 0
    while True:
        with hub.transaction() as session:
            waiting = unjudged(
                session, since=now - looked_back, before=now - IN_HAND, after=after, limit=BATCH
            )
        for callback_id, confirmation, received_at in waiting:
            receive_confirmation(
                hub,
                confirmation=confirmation,
                source=Source.CALLBACK,
                received_at=received_at,
                callback_id=callback_id,
            )
            judged, after = judged + 1, callback_id
        if len(waiting) < BATCH:
            return judged
