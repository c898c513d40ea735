"""Reverse a posting, once: a mistake in the book is corrected by a new line, never by a change."""

from __future__ import annotations

from payment_hub.domain.day import business_day
from payment_hub.domain.errors import AlreadyReversed, PostingNotFound
from payment_hub.domain.keys import Caller
from payment_hub.hub import Hub
from payment_hub.store import postings


def reverse_posting(hub: Hub, *, caller: Caller, posting_id: int, reason: str) -> int:
    """The key of the reversal. Raises PostingNotFound, AlreadyReversed."""
    now = hub.now()
    with hub.transaction() as session:
        posting = postings.find(session, posting_id)
        if posting is None:
            raise PostingNotFound(str(posting_id))
        made = postings.reverse(session, posting, f"{caller.name}: {reason}", business_day(now), now)
        if made is None:
            raise AlreadyReversed(str(posting_id))
        return made
