"""What a bank that asks before it takes money must be told: may this order be paid now, and how much is lacking.

An inquiry changes nothing. A bank that was told PAYABLE may pay without an attempt: a collection needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payment_hub.domain.bank_values import Due
from payment_hub.domain.money import Money
from payment_hub.domain.payable import remaining, why_not_payable
from payment_hub.domain.payment_order import OrderStatus


def due_of(
    order: Mapping[str, Any], now: datetime, *, asked: Money | None, undecided: bool, left: bool
) -> Due:
    """What the bank must be told of the order, as the store reads one, when it believes that ``asked`` is due.

    ``undecided``: the money may have come already, by another attempt than the one that is asked about. ``left``: the
    payer has gone on to another bank, and this one asks about the attempt that he left. In both cases PAYABLE could be
    a second payment.
    """
    if order["status"] == OrderStatus.PAID:
        return Due.PAID
    amended = order["obligation_version"] != order["obligation_now"] or order["withdrawn"]
    if amended or undecided or left or why_not_payable(order, now) is not None:
        return Due.CLOSED
    if asked is not None and asked != remaining(order):
        return Due.AMOUNT_DIFFERS
    return Due.PAYABLE
