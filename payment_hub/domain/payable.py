"""Whether an order can be paid now: asked before a payment is started, and before money that a bank holds is taken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payment_hub.domain.agency import LatePolicy
from payment_hub.domain.money import Money
from payment_hub.domain.payment_order import OrderStatus


def why_not_payable(order: Mapping[str, Any], now: datetime) -> str | None:
    """Why the order, as the store reads one, cannot be paid at ``now``; None while it can."""
    if order["status"] not in (OrderStatus.OPEN, OrderStatus.UNDERPAID) or order["held"]:
        return f"the order is {order['status']}" + (", held for review" if order["held"] else "")
    if order.get("held_refund", 0):
        return "money of it is being given back"
    if order["settled_by"] not in (None, order["order_id"]):
        return "another order has settled the obligation"
    if order["expires_at"] <= now and not may_complete_late(order):
        return "the deadline has passed"
    return None


def may_complete_late(order: Mapping[str, Any]) -> bool:
    """Part of the money is here and the agency accepts the rest late: refusing it would help nobody."""
    return bool(order["status"] == OrderStatus.UNDERPAID and order["late_policy"] == LatePolicy.ACCEPT)


def remaining(order: Mapping[str, Any]) -> Money:
    """What is still to be paid."""
    return Money(order["required"] - order["received"] + order["refunded"], order["currency"])
