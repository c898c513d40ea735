"""List refunds, newest first: what waits for whom."""

from __future__ import annotations

from payment_hub.domain.keys import Caller
from payment_hub.domain.pages import Page, cursor_of, key_of
from payment_hub.domain.refund import RefundState, Route
from payment_hub.domain.refund_views import RefundView
from payment_hub.hub import Hub
from payment_hub.store import refund_lists


def list_refunds(
    hub: Hub,
    *,
    caller: Caller,
    state: RefundState | None = None,
    route: Route | None = None,
    agency: str | None = None,
    overdue: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> Page[RefundView]:
    """A page of what the caller may see; with ``overdue`` those alone that lie before an officer. Raises Malformed."""
    asked = {"state": state, "route": route, "agency": agency, "overdue": overdue, "after": key_of(after)}
    with hub.transaction() as session:
        found = refund_lists.page(session, caller, limit=limit + 1, **asked)
    views = tuple(view for _, view in found[:limit])
    return Page(views, cursor_of(found[limit - 1][0]) if len(found) > limit else None)
