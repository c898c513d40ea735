"""List notices with all their attempts, newest event first."""

from __future__ import annotations

from payment_hub.domain.keys import Caller
from payment_hub.domain.notice import NoticeState
from payment_hub.domain.notice_views import NoticeView
from payment_hub.domain.pages import Page, cursor_of, key_of
from payment_hub.hub import Hub
from payment_hub.store import notices


def list_notices(
    hub: Hub, *, caller: Caller, state: NoticeState | None = None, after: str | None = None, limit: int = 50
) -> Page[NoticeView]:
    """Notices of the caller's events, in one state or in any. Raises Malformed for a wrong ``after``."""
    with hub.transaction() as session:
        found = notices.list_views(session, caller, state, key_of(after), limit + 1)
    views = tuple(view for _, view in found[:limit])
    return Page(views, cursor_of(found[limit - 1][0]) if len(found) > limit else None)
