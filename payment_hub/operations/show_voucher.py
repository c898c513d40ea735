"""Show the paper of a refund that goes by no bank's message: the Treasury's voucher, or a transfer order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payment_hub.domain.errors import Forbidden, RefundNotFound
from payment_hub.domain.keys import Caller, Role
from payment_hub.domain.references import parse_reference
from payment_hub.hub import Hub
from payment_hub.store import orders, refunds


def show_voucher(hub: Hub, *, caller: Caller, reference: str, refund_id: str) -> Mapping[str, Any]:
    """The paper as it was approved. Raises MalformedReference, OrderNotFound; RefundNotFound when there is no paper;
    Forbidden for a portal: it carries the payer's account."""
    if caller.role is Role.PORTAL:
        raise Forbidden("a portal has no part in vouchers")
    with hub.transaction() as session:
        order_id = orders.find_row(session, parse_reference(reference), caller)["order_id"]
        voucher = refunds.require(session, order_id, refund_id).voucher
    if voucher is None:
        raise RefundNotFound("it goes through a bank, or is not approved yet: there is no paper")
    return voucher
