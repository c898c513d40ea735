"""Record that a bank has taken money back by itself."""

from __future__ import annotations

import logging

from payment_hub.domain.errors import CollectionNotFound, IdempotencyConflict, RefundExceeds
from payment_hub.domain.money import Money
from payment_hub.domain.orders import OrderView
from payment_hub.domain.refunds.eligibility import Collected
from payment_hub.hub import Hub
from payment_hub.store import orders, refund_writes, refunds

log = logging.getLogger(__name__)


def record_chargeback(
    hub: Hub, *, bank: str, bank_transaction_id: str, amount: Money, evidence: str, by: str
) -> OrderView:
    """The order, marked as disputed. A chargeback counts as refunded, and competes with refunds for the same money.

    The same evidence again is the same chargeback. What was refunded as well is kept as its excess: it is in no
    account, and nothing more of this money is refunded until an officer has looked. Raises CollectionNotFound;
    IdempotencyConflict for other content under the same evidence; RefundExceeds when the bank cannot have taken so
    much, or a proposed refund must be declined first.
    """
    excess = 0
    with hub.transaction() as session:
        collection = refund_writes.find_collection(session, bank, bank_transaction_id)
        if collection is None:
            raise CollectionNotFound(f"{bank} {bank_transaction_id}"[:200])
        key, reference = collection
        orders.lock(session, reference)
        existing = refund_writes.find_chargeback(session, key, evidence)
        if existing is not None and Money(existing.amount, existing.currency) != amount:
            raise IdempotencyConflict(evidence[:80])
        if existing is None:
            context = refunds.refund_context(session, reference, hub.checkout_url)
            collected = context.collection(key)
            excess = _excess(
                collected,
                context.order.currency,
                amount,
                charged_back=refund_writes.charged_back_of(session, key),
                proposed=refunds.proposed_of_collection(session, key),
            )
            refund_writes.add_chargeback(
                session, context, collected, amount, excess, evidence, by=by, at=hub.now()
            )
        row = orders.find_row(session, reference)
    if excess:
        reason = f"{excess} {amount.currency} were paid twice"
        log.error("chargeback_exceeds", extra={"bank": bank, "reference": reference, "reason": reason})
    return orders.order_view(row, hub.checkout_url(reference))


def _excess(collected: Collected, currency: str, amount: Money, *, charged_back: int, proposed: int) -> int:
    """How much of what the bank took back was refunded as well. Raises RefundExceeds."""
    most = collected.amount - charged_back
    if amount.currency != currency or not 0 < amount.minor <= most:
        raise RefundExceeds(f"at most {most} {currency}")
    excess = max(amount.minor - collected.remaining, 0)
    if excess and proposed:
        raise RefundExceeds(
            f"{collected.remaining} are left: decline the refund of {proposed} that is proposed"
        )
    return excess
