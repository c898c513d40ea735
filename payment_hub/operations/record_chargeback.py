"""Record that a bank has taken money back by itself."""

from __future__ import annotations

from payment_hub.domain.errors import CollectionNotFound, IdempotencyConflict, RefundExceeds
from payment_hub.domain.money import Money
from payment_hub.domain.views import OrderView
from payment_hub.hub import Hub
from payment_hub.store import chargebacks, orders, refunds
from payment_hub.store.order_rows import order_view
from payment_hub.store.refund_moves import take_back


def record_chargeback(
    hub: Hub, *, bank: str, bank_transaction_id: str, amount: Money, evidence: str, by: str
) -> OrderView:
    """The order, marked as disputed. It counts as given back, and competes with refunds for the same money. The same
    evidence again is the same chargeback.

    Raises CollectionNotFound; IdempotencyConflict for other content under the same evidence; RefundExceeds when less is
    left of that money: decline the refund that is proposed, or look why money went back twice.
    """
    with hub.transaction() as session:
        found = chargebacks.collection(session, bank, bank_transaction_id)
        if found is None:
            raise CollectionNotFound(f"{bank} {bank_transaction_id}"[:200])
        key, reference = found
        orders.lock(session, reference)
        known = refunds.order_money(session, reference)
        earlier = chargebacks.find(session, key, evidence)
        if earlier is not None and (earlier.amount, earlier.currency) != (amount.minor, amount.currency):
            raise IdempotencyConflict(evidence[:80])
        if earlier is None:
            money, left = known.of(key), min(known.of(key).left, known.refundable)
            if amount.currency != known.row["currency"] or not 0 < amount.minor <= left:
                raise RefundExceeds(f"at most {left} {known.row['currency']}")
            taken = chargebacks.add(session, known, money, amount.minor, evidence, by=by, at=hub.now())
            take_back(session, taken, known, money, hub.now(), hub.checkout_url)
        row = orders.find_row(session, reference)
    return order_view(row, hub.checkout_url(reference))
