"""Expire the orders whose deadline has passed."""

from __future__ import annotations

from payment_hub.domain.notice import EventType
from payment_hub.domain.payment_order import OrderStatus
from payment_hub.hub import Hub
from payment_hub.store import orders
from payment_hub.store.closures import close_order

BATCH = 200


def expire_orders(hub: Hub) -> int:
    """How many were expired. Each in its own transaction, so that a payment never waits for the others."""
    now = hub.now()
    with hub.transaction() as session:
        due = orders.due_references(session, now, BATCH)
    return sum(_expire(hub, reference) for reference in due)


def _expire(hub: Hub, reference: str) -> bool:
    with hub.transaction() as session:
        orders.lock(session, reference)
        row = orders.find_row(session, reference)
        if row["status"] != OrderStatus.OPEN or row["expires_at"] > hub.now():
            return False
        close_order(session, row, EventType.EXPIRED, hub.now(), hub.checkout_url)
        return True
