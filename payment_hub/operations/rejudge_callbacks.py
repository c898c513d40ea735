"""Judge the callbacks that were stored but never judged, because a process died in between."""

from __future__ import annotations

import logging
from datetime import timedelta

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


def rejudge_callbacks(hub: Hub) -> int:
    """How many were judged now. Each is verified again from its raw bytes, as of the moment when it came."""
    now = hub.now()
    with hub.transaction() as session:
        waiting = unjudged(session, since=now - LOOKED_BACK, before=now - IN_HAND, limit=BATCH)
    judged = 0
    for callback_id, bank, request in waiting:
        try:
            confirmation = hub.adapter(bank).read_callback(request)
        except HubError as error:
            # It was verified once: a key has been taken away, or the bank is not enabled any more.
            log.error(
                "callback_unreadable",
                extra={"bank": bank, "callback": callback_id, "why": type(error).__name__},
            )
            continue
        receive_confirmation(
            hub,
            confirmation=confirmation,
            source=Source.CALLBACK,
            received_at=request.received_at,
            callback_id=callback_id,
        )
        judged += 1
    return judged
