"""Ways of breaking the invariants of money that goes back, and the day on which they can be broken."""

from __future__ import annotations

from payment_hub.domain.access import Caller
from payment_hub.domain.money import dong
from payment_hub.hub import Hub
from payment_hub.operations.refunds.chargebacks import record_chargeback
from payment_hub.operations.refunds.send import send_refunds
from tests.worlds.banks import answers_in_turn, with_banks
from tests.worlds.orders import an_order, confirmation, receive
from tests.worlds.refunds import LAN, REFUSED, RETURNED, RefundingBank, approve, decline, propose

#: Refund 1 (of order 8) has succeeded, 2 (of 9) has failed, 3 (of 9) is approved, 4 (of 10) is declined; of order 10
#: the bank has taken a part back.
PLANTED_REFUNDS: dict[str, list[str]] = {
    "I2-sums": [
        "UPDATE payment_order SET held_refund = 1 WHERE id = 7",
        "UPDATE payment_order SET held_refund = held_refund - 1, paid_back = paid_back - 1,"
        " paid_back_accepted = paid_back_accepted - 1 WHERE id = 9",
        "UPDATE payment_order SET refunded = 1, paid_back = 1 WHERE id = 7",
        "UPDATE payment_order SET paid_back_accepted = 0 WHERE id = 9",
        "UPDATE payment_order SET disputed = false WHERE id = 10",
        "UPDATE refund SET state = 'SUCCEEDED' WHERE id = 2",
        "DELETE FROM chargeback",
    ],
    "I6-refunds": [
        f"UPDATE refund SET state = '{state}', query_at = posted_at - interval '2 hours' FROM posting"
        " WHERE refund.id = 3 AND posting.id = 1"
        for state in ("SUBMITTING", "PENDING", "UNKNOWN")
    ]
    + ["UPDATE refund SET state = 'UNKNOWN', query_at = NULL WHERE id = 3"],
    "I6-refunds-officer": [
        f"UPDATE refund SET state = '{state}', submitted_at = posted_at - interval '10 days', query_at = posted_at,"
        " changed_at = posted_at - interval '10 days' FROM posting WHERE refund.id = 3 AND posting.id = 1"
        for state in ("UNKNOWN", "PENDING", "APPROVED")
    ],
    "I16-refunds": [
        "DELETE FROM event WHERE type = 'payment_order.refund_succeeded'",
        "UPDATE event SET type = 'payment_order.refund_declined' WHERE type = 'payment_order.refund_failed'",
        "INSERT INTO event (type, order_id, portal_id, agency_id, sequence, data, occurred_at)"
        " SELECT type, order_id, portal_id, agency_id, sequence + 100, data, occurred_at FROM event"
        " WHERE type = 'payment_order.refund_failed'",
    ],
    "I11": [
        "UPDATE refund SET amount = 150001 WHERE id = 1",
        "UPDATE refund SET collection_id = (SELECT id FROM collection WHERE order_id = 9) WHERE id = 1",
        "UPDATE refund SET currency = 'USD' WHERE id = 1",
        "UPDATE chargeback SET amount = 150001",
    ],
    "I11-two-people": [
        "ALTER TABLE refund DROP CONSTRAINT ck_refund_two_people;"
        "UPDATE refund SET approved_by = proposed_by WHERE id = 1",
        "ALTER TABLE refund DROP CONSTRAINT ck_refund_approved_before_it_leaves;"
        "UPDATE refund SET approved_by = NULL WHERE id = 1",
    ],
    "I11-one-live": [
        "DROP INDEX uq_refund_one_live; UPDATE refund SET state = 'PENDING' WHERE id = 2",
    ],
    "I11-history": [
        "UPDATE refund SET state = 'SUCCEEDED' WHERE id = 3",
        "DELETE FROM refund_event WHERE refund_id = 4",
        "DELETE FROM refund_event WHERE refund_id = 1 AND event = 'PROPOSED'",
    ],
    "I12-refunds": [
        "UPDATE posting SET amount = amount - 1 WHERE source_type = 'refund' AND source_id = 1",
        "UPDATE posting SET amount = amount - 1 WHERE source_type = 'refund_paid'",
        "UPDATE posting SET credit = 'SETTLEMENT_CASH' WHERE source_type = 'refund_paid'",
        "DELETE FROM posting WHERE source_type = 'refund' AND source_id = 3",
        "UPDATE posting SET reverses = NULL WHERE source_type = 'reversal' AND order_id = 9",
    ],
    "I12-chargebacks": [
        "UPDATE posting SET amount = amount - 1 WHERE source_type = 'chargeback'",
        "UPDATE chargeback SET excess = 1",
        "UPDATE posting SET bank = 'other' WHERE source_type = 'chargeback'",
        "DELETE FROM posting WHERE source_type = 'chargeback'",
    ],
    "I24": [
        "UPDATE posting SET credit = 'FEE_EXPENSE' WHERE order_id = 8 AND source_type = 'collection'",
        "DELETE FROM posting WHERE order_id = 10 AND source_type = 'chargeback'",
        "UPDATE posting SET amount = amount + 1 WHERE order_id = 7",
    ],
    "I24-refunds": [
        "UPDATE refund SET state = 'DECLINED' WHERE id = 3",
        "UPDATE posting SET credit = 'FEE_EXPENSE' WHERE source_type = 'refund' AND source_id = 3",
    ],
}


def give_money_back(hub: Hub, agency: Caller, portal: Caller) -> None:
    """Orders 8 to 10: everything that can become of a refund, once."""
    bank = RefundingBank(on_refund=answers_in_turn(RETURNED, REFUSED))
    hub = with_banks(hub, refunding=bank)
    back, stays, disputed = (an_order(hub, agency, portal)["reference"] for _ in range(3))
    for reference in (back, stays, disputed):
        receive(hub, confirmation(reference, bank="refunding", bank_transaction_id=f"T-{reference}"))
    for reference in (back, stays):
        propose(hub, LAN, reference)
        approve(hub, reference)
    send_refunds(hub)
    propose(hub, LAN, stays, refund_id="R2")
    approve(hub, stays, "R2")
    propose(hub, LAN, disputed, 50_000)
    decline(hub, disputed)
    record_chargeback(
        hub,
        bank="refunding",
        bank_transaction_id=f"T-{disputed}",
        amount=dong(60_000),
        evidence="letter 7",
        by="lan",
    )
