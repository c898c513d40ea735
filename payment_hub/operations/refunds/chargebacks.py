"""Record that a bank has taken money back by itself."""

from __future__ import annotations

import logging

from payment_hub.domain.errors import CollectionNotFound, IdempotencyConflict, RefundExceeds
from payment_hub.domain.money import Money
from payment_hub.domain.orders import OrderView
from payment_hub.domain.refunds.eligibility import Collected
from payment_hub.hub import Hub
from payment_hub.store import orders, refund_writes, refunds
from payment_hub.store.orders import order_view
from payment_hub.store.refund_writes import charge_back
from payment_hub.store.refunds import RefundContext

log = logging.getLogger(__name__)


def record_chargeback(
    hub: Hub, *, bank: str, bank_transaction_id: str, amount: Money, evidence: str, by: str
) -> OrderView:
    """The order, marked as disputed. It counts as given back, and competes with refunds for the same money. The same
    evidence again is the same chargeback. What was given back as well is kept as its excess: it is in no account, and
    nothing more of this money goes back until somebody has looked.

    Raises CollectionNotFound; IdempotencyConflict for other content under the same evidence; RefundExceeds when the
    bank cannot have taken so much, or a proposed refund must be declined first.
    """
    with hub.transaction() as session:
        found = refund_writes.find_collection(session, bank, bank_transaction_id)
        if found is None:
            raise CollectionNotFound(f"{bank} {bank_transaction_id}"[:200])
        key, reference = found
        orders.lock(session, reference)
        known = refunds.refund_context(session, reference)
        earlier = refund_writes.find_chargeback(session, key, evidence)
        if earlier is not None and refund_writes.reported_excess(earlier) != amount:
            raise IdempotencyConflict(evidence[:80])
        if earlier is None:
            money = known.of(key)
            excess = _excess(
                known,
                money,
                amount,
                refund_writes.chargebacks_of(session, key),
                refunds.proposed(session, key),
            )
            taken = refund_writes.add_chargeback(
                session, known, money, amount, excess, evidence, by=by, at=hub.now()
            )
            charge_back(session, taken, known, money, hub.now(), hub.checkout_url)
        row = orders.find_row(session, reference)
    if earlier is None and excess:
        told = {"bank": bank, "reference": reference, "reason": f"{excess} {amount.currency} were paid twice"}
        log.error("chargeback_exceeds", extra=told)
    return order_view(row, hub.checkout_url(reference))


def _excess(known: RefundContext, money: Collected, amount: Money, before: int, proposed: int) -> int:
    """How much of what the bank took back was given back as well. Raises RefundExceeds."""
    if amount.currency != known.row["currency"] or not 0 < amount.minor <= money.amount - before:
        raise RefundExceeds(f"at most {money.amount - before} {known.row['currency']}")
    excess = max(amount.minor - money.left, 0)
    if excess and proposed:
        raise RefundExceeds(f"{money.left} are left: decline the refund of {proposed} that is proposed")
    return excess
