"""Decline a proposed refund, with a reason: its sum is free again."""

from __future__ import annotations

from payment_hub.domain.errors import Forbidden, Malformed
from payment_hub.domain.keys import Caller, Role
from payment_hub.domain.references import parse_reference
from payment_hub.domain.refund import RefundEvent
from payment_hub.domain.refund_views import RefundView
from payment_hub.hub import Hub
from payment_hub.store import refund_lists, refunds
from payment_hub.store.refund_moves import Told, move


def decline_refund(hub: Hub, *, caller: Caller, reference: str, refund_id: str, reason: str) -> RefundView:
    """The declined refund. The proposer may take a proposal back in this way.

    Raises MalformedReference, OrderNotFound, RefundNotFound; IllegalTransition when it is not proposed any more;
    Malformed without a reason.
    """
    if caller.role is Role.PORTAL:
        raise Forbidden("a portal declines no refunds")
    if not reason.strip():
        raise Malformed("say why", pointers={"/reason": "Must not be empty."})
    plain = parse_reference(reference)
    with hub.transaction() as session:
        known = refunds.lock_order(session, plain, caller)
        refund = refunds.require(session, known.row["order_id"], refund_id)
        told = Told(caller.holder, hub.now(), words=reason.strip())
        move(session, refund, known, RefundEvent.DECLINED, told, hub.checkout_url)
        return refund_lists.one(session, caller, known.row["order_id"], refund_id)
