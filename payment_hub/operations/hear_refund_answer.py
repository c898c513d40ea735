"""Record what became of a refund that a bank was asked for, exactly once however often it is told."""

from __future__ import annotations

import logging

from payment_hub.domain.refund import CONTRADICTIONS, RefundEvent, RefundState, Route, life_of, storable
from payment_hub.hub import Hub
from payment_hub.store import orders, refunds
from payment_hub.store.refund_moves import Told, move, note

_log = logging.getLogger(__name__)


def hear_refund_answer(
    hub: Hub, *, key: int, event: RefundEvent, code: str, bank_refund_id: str | None = None
) -> RefundState:
    """Where the refund stands now. A word that changes nothing is let be; one against its end blocks the money.

    ``key`` is the refund's own. Its state was stored before the bank was asked, so it is always there.
    """
    with hub.transaction() as session:
        reference = refunds.order_reference_of(session, key)
        orders.lock(session, reference)
        known, refund = refunds.order_money(session, reference), refunds.by_key(session, key)
        state, now = RefundState(refund.state), hub.now()
        called = storable(bank_refund_id) if bank_refund_id else refund.bank_refund_id
        before = refund.bank_refund_id if refund.bank_refund_id not in (None, called) else None
        told = Told(f"bank:{refund.bank}", now, code=storable(code), words=(before and f"was {before}") or "")
        if life_of(Route(refund.route)).allows(state, event):
            refund.bank_refund_id = called
            move(session, refund, known, event, told, hub.checkout_url)
        elif (state, event) in CONTRADICTIONS and not refund.contradicted:
            refund.contradicted = True
            note(session, refund, RefundEvent.CONTRADICTED, told)
            fields = {"reference": refund.reference, "bank": refund.bank, "reason": f"{event} after {state}"}
            _log.error("refund_contradicted", extra=fields)
        return RefundState(refund.state)
