"""Withdraw a payment order: it is not offered any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payment_hub.domain.errors import OrderClosed, StaleVersion
from payment_hub.domain.keys import Caller
from payment_hub.domain.notice import EventType
from payment_hub.domain.payment_order import OrderStatus
from payment_hub.domain.references import parse_reference
from payment_hub.domain.views import OrderView
from payment_hub.hub import Hub
from payment_hub.operations.ask_about_order import ask_about_order
from payment_hub.store import orders
from payment_hub.store.closures import close_order
from payment_hub.store.order_rows import order_view


def withdraw_order(hub: Hub, *, caller: Caller, reference: str, reason: str, version: int) -> OrderView:
    """The cancelled order. A bank that has not told the outcome of an attempt is asked first; money that still comes is
    kept and marked late.

    Raises MalformedReference, OrderNotFound, StaleVersion, OrderClosed.
    """
    plain = parse_reference(reference)
    with hub.transaction() as session:
        _refuse(orders.find_row(session, plain, caller), version)
    ask_about_order(hub, reference=plain)
    with hub.transaction() as session:
        orders.lock(session, plain)
        row = orders.find_row(session, plain, caller)
        _refuse(row, version)
        close_order(session, row, EventType.CANCELLED, hub.now(), hub.checkout_url, reason=reason)
        closed = orders.find_row(session, plain, caller)
    return order_view(closed, hub.checkout_url(plain))


def _refuse(row: Mapping[Any, Any], version: int) -> None:
    if row["sequence"] != version:
        raise StaleVersion(f"the version is {row['sequence']} now")
    if row["status"] != OrderStatus.OPEN:
        raise OrderClosed(f"the order is {row['status']}")
