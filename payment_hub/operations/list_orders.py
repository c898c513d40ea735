"""List payment orders, newest first."""

from __future__ import annotations

from datetime import datetime

from payment_hub.domain.keys import Caller
from payment_hub.domain.pages import Page, cursor_of, key_of
from payment_hub.domain.views import OrderView
from payment_hub.hub import Hub
from payment_hub.store import orders
from payment_hub.store.order_rows import order_view


def list_orders(
    hub: Hub,
    *,
    caller: Caller,
    status: str | None = None,
    agency: str | None = None,
    obligation: str | None = None,
    issued_from: datetime | None = None,
    issued_to: datetime | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[OrderView]:
    """A page of what the caller may see; the order is stable while others issue. Raises Malformed for a cursor."""
    with hub.transaction() as session:
        rows = orders.list_rows(
            session,
            caller,
            status=status,
            agency=agency,
            obligation=obligation,
            issued_from=issued_from,
            issued_to=issued_to,
            after=key_of(after),
            limit=limit + 1,
        )
    views = tuple(order_view(row, hub.checkout_url(row["reference"])) for row in rows[:limit])
    return Page(views, cursor_of(rows[limit - 1]["order_id"]) if len(rows) > limit else None)
