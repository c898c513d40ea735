"""Judge the callbacks that were stored but never judged, because a process died in between."""

from __future__ import annotations

import logging
from datetime import timedelta

from payment_hub.domain.bank_port import CallbackRequest
from payment_hub.domain.errors import HubError
from payment_hub.domain.standing import Source
from payment_hub.hub import Hub
from payment_hub.operations.receive_confirmation import receive_confirmation
from payment_hub.store.unjudged import unjudged

log = logging.getLogger(__name__)

BATCH = 100
IN_HAND = timedelta(seconds=30)
"""A younger callback is probably just being judged."""
LOOKED_BACK = timedelta(days=8)
RECENT = timedelta(hours=1)
"""How far the frequent look goes back; the hourly one goes further, for a time without workers."""


def rejudge_callbacks(hub: Hub, *, looked_back: timedelta = LOOKED_BACK) -> int:
    """How many were judged now. Each is verified again from its raw bytes, as of the moment when it came."""
    now, judged, after = hub.now(), 0, 0
    while True:
        with hub.transaction() as session:
            waiting = unjudged(
                session, since=now - looked_back, before=now - IN_HAND, after=after, limit=BATCH
            )
        judged += sum(_rejudge(hub, *stored) for stored in waiting)
        if len(waiting) < BATCH:
            return judged
        after = waiting[-1][0]


def _rejudge(hub: Hub, callback_id: int, bank: str, request: CallbackRequest) -> bool:
    try:
        confirmation = hub.adapter(bank).read_callback(request)
    except HubError as error:
        # It was verified once: a key has been taken away, or the bank is not enabled any more.
        why = type(error).__name__
        log.error("callback_unreadable", extra={"bank": bank, "callback": callback_id, "why": why})
        return False
    receive_confirmation(
        hub,
        confirmation=confirmation,
        source=Source.CALLBACK,
        received_at=request.received_at,
        callback_id=callback_id,
    )
    return True
